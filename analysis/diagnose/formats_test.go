package diagnose

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
)

// formats write a store as others export it.
var formats = map[string]func(s *series.Store) []byte{
	"prometheus text": func(s *series.Store) []byte {
		var b bytes.Buffer
		for _, x := range s.Series() {
			for t, v := range x.Points() {
				fmt.Fprintf(&b, "%s %g %.3f\n", x.Labels().String(), v, float64(t)/1000)
			}
		}
		return b.Bytes()
	},
	"victoriametrics": func(s *series.Store) []byte {
		var b bytes.Buffer
		for _, x := range s.Series() {
			row := struct {
				Metric     map[string]string `json:"metric"`
				Values     []float64         `json:"values"`
				Timestamps []int64           `json:"timestamps"`
			}{Metric: x.Labels().Map()}
			for t, v := range x.Points() {
				row.Values, row.Timestamps = append(row.Values, v), append(row.Timestamps, t)
			}
			line, err := json.Marshal(row)
			if err != nil {
				panic(err) // finite numbers and words
			}
			b.Write(append(line, '\n'))
		}
		return b.Bytes()
	},
	"query_range": func(s *series.Store) []byte {
		var b bytes.Buffer
		b.WriteString(`{"status":"success","data":{"resultType":"matrix","result":[`)
		for i, x := range s.Series() {
			if i > 0 {
				b.WriteByte(',')
			}
			name, err := json.Marshal(x.Labels().Map())
			if err != nil {
				panic(err) // words
			}
			fmt.Fprintf(&b, `{"metric":%s,"values":[`, name)
			sep := ""
			for t, v := range x.Points() {
				fmt.Fprintf(&b, `%s[%.3f,"%g"]`, sep, float64(t)/1000, v)
				sep = ","
			}
			b.WriteString("]}")
		}
		b.WriteString("]}}")
		return b.Bytes()
	},
	"csv long, another time zone": func(s *series.Store) []byte {
		keys := map[string]bool{}
		for _, x := range s.Series() {
			x.Labels().Range(func(l labels.Label) { keys[l.Name] = l.Name != model.MetricNameLabel })
		}
		delete(keys, model.MetricNameLabel)
		columns := slices.Sorted(maps.Keys(keys))
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		_ = w.Write(append([]string{"timestamp", "metric", "value"}, columns...)) // a buffer takes all
		zone := time.FixedZone("", 8*3600)
		for _, x := range s.Series() {
			row := []string{"", x.Name(), ""}
			for _, c := range columns {
				row = append(row, x.Labels().Get(c))
			}
			for t, v := range x.Points() {
				row[0], row[2] = time.UnixMilli(t).In(zone).Format("2006-01-02T15:04:05.000Z07:00"), strconv.FormatFloat(v, 'g', -1, 64)
				_ = w.Write(row)
			}
		}
		w.Flush()
		return b.Bytes()
	},
	"csv wide": func(s *series.Store) []byte {
		rows := map[int64][]string{}
		head := []string{"timestamp"}
		for i, x := range s.Series() {
			head = append(head, x.Labels().String())
			for t, v := range x.Points() {
				if rows[t] == nil {
					rows[t] = make([]string, len(s.Series())+1)
					rows[t][0] = strconv.FormatInt(t, 10)
				}
				rows[t][i+1] = strconv.FormatFloat(v, 'g', -1, 64)
			}
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		_ = w.Write(head) // a buffer takes all
		for _, t := range slices.Sorted(maps.Keys(rows)) {
			_ = w.Write(rows[t])
		}
		w.Flush()
		return b.Bytes()
	},
}

// Every format gives the same answer, whatever the order of files and of processors.
func TestEveryFormat(t *testing.T) {
	all := stores(t)
	names := slices.Sorted(maps.Keys(all))
	for _, name := range names {
		s := all[name]()
		want := verdictOf(t, s)
		for format, write := range formats {
			file := filepath.Join(t.TempDir(), "metrics")
			if err := os.WriteFile(file, write(original(s)), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := verdictOf(t, load(t, file)); !got.like(want, 0) {
				t.Errorf("%s as %s: %+v, want %+v", name, format, got, want)
			}
		}
	}
}

func every[T any](list []T, n int) (some []T) {
	for i := 0; i < len(list); i += n {
		some = append(some, list[i])
	}
	return some
}

// Reports of the same files in another order, and with another number of processors, are
// the same to the byte.
func TestFilesInAnyOrder(t *testing.T) {
	s := original(canonical(straggler().store(t)))
	dir := t.TempDir()
	parts := make([]bytes.Buffer, 7)
	lines := bufio.NewScanner(bytes.NewReader(formats["prometheus text"](s)))
	for i := 0; lines.Scan(); i++ {
		fmt.Fprintln(&parts[i%len(parts)], lines.Text())
	}
	var sources []accesslog.Source
	for i := range parts {
		file := filepath.Join(dir, fmt.Sprintf("part-%d.txt", i))
		if err := os.WriteFile(file, parts[i].Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, accesslog.Source{Name: file, Open: func() (io.ReadCloser, error) { return os.Open(file) }})
	}
	var want []byte
	for i := range 4 {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + i%2))
			list := slices.Clone(sources)
			rand.New(rand.NewPCG(uint64(i), 1)).Shuffle(len(list), func(a, b int) { list[a], list[b] = list[b], list[a] })
			read, _, err := series.Read(t.Context(), list, series.Options{Workers: 1 + i%3})
			if err != nil {
				t.Fatal(err)
			}
			r, err := Run(t.Context(), canonical(read), Options{Faults: shippedFaults()})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) || !bytes.Contains(got, []byte("straggler_replica")) {
				t.Errorf("%d: %s, want %s", i, got, want)
			}
		}()
	}
}
