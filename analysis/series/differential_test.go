package series

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/timestamp"
)

// randomValue is a number in one of the ways that programs write it.
func randomValue(r *rand.Rand) string {
	v := math.Float64frombits(r.Uint64())
	if math.IsNaN(v) || math.IsInf(v, 0) || r.IntN(2) == 0 {
		v = (r.Float64() - 0.3) * math.Pow(10, float64(r.IntN(20)-8))
	}
	switch r.IntN(7) {
	case 0:
		return strconv.Itoa(r.IntN(1000) - 100)
	case 1:
		return strconv.FormatFloat(v, 'e', r.IntN(20), 64)
	case 2:
		return strconv.FormatFloat(math.Mod(v, 1e9), 'f', r.IntN(25), 64)
	case 3:
		return strconv.FormatInt(r.Int64(), 10)
	case 4:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case 5:
		return strconv.FormatFloat(r.Float64(), 'f', 4, 64)
	}
	return strconv.FormatFloat(float64(r.IntN(100000))/100, 'f', -1, 64)
}

// randomTable has distinct times, in a random order, and samples that are missing.
func randomTable(r *rand.Rand) (names []labels.Labels, times []int64, cells [][]string) {
	for i := range 1 + r.IntN(6) {
		names = append(names, labels.FromStrings("__name__", fmt.Sprintf("m%d", r.IntN(3)), "n", fmt.Sprint(i), "odd", []string{"", `a"b`, `c\d`, "e,{}f", "ü"}[r.IntN(5)]).WithoutEmpty())
	}
	t := 1_700_000_000_000 + r.Int64N(1e11)
	for range 1 + r.IntN(1200) {
		times = append(times, t)
		t += 1 + r.Int64N(60_000)
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(times), func(i, k int) { times[i], times[k] = times[k], times[i] })
	}
	for range times {
		row := make([]string, len(names))
		for i := range row {
			if r.IntN(10) > 0 {
				row[i] = randomValue(r)
			}
		}
		cells = append(cells, row)
	}
	return names, times, cells
}

// expected is the store that a Builder makes of numbers that strconv reads.
func expected(t *testing.T, names []labels.Labels, times []int64, cells [][]string) string {
	b := NewBuilder()
	for k, row := range cells {
		for i, cell := range row {
			if cell == "" {
				continue
			}
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			b.Add(names[i], Unknown, times[k], v)
		}
	}
	return dump(b.Store(nil))
}

// Tables that encoding/csv and encoding/json write, and pages that textparse reads
// the same, give the samples that they were made of.
func TestReadersAgreeWithOthers(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		names, times, cells := randomTable(r)
		want := expected(t, names, times, cells)
		for format, text := range map[string]string{
			"wide": wideOf(t, names, times, cells), "long": longOf(t, names, times, cells),
			"matrix": matrixOf(t, names, times, cells), "export": exportOf(t, names, times, cells),
			"page": pageOf(t, names, times, cells),
		} {
			store, s := mustRead(t, text)
			if got := dump(store); got != want || s.Malformed > 0 {
				t.Fatalf("seed %d, %s: %d malformed %v\n%s", seed, format, s.Malformed, s.Samples, cmp.Diff(want, got))
			}
		}
	}
}

// exposition is a series as a metrics page writes it.
func exposition(ls labels.Labels) string {
	var b strings.Builder
	b.WriteString(ls.Get("__name__"))
	comma := "{"
	ls.DropReserved(func(name string) bool { return name == model.MetricNameLabel }).Range(func(l labels.Label) {
		fmt.Fprintf(&b, `%s%s="%s"`, comma, l.Name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(l.Value))
		comma = ","
	})
	return b.String() + "}"
}

func written(t *testing.T, records [][]string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wideOf(t *testing.T, names []labels.Labels, times []int64, cells [][]string) string {
	header := []string{"timestamp"}
	for _, n := range names {
		header = append(header, exposition(n))
	}
	records := [][]string{header}
	for k, row := range cells {
		records = append(records, append([]string{timestamp.Time(times[k]).UTC().Format("2006-01-02T15:04:05.000Z")}, row...))
	}
	return written(t, records)
}

func longOf(t *testing.T, names []labels.Labels, times []int64, cells [][]string) string {
	records := [][]string{{"timestamp", "metric", "value", "n", "odd"}}
	for k, row := range cells {
		for i, cell := range row {
			records = append(records, []string{strconv.FormatInt(times[k]*1000, 10), names[i].Get("__name__"), cell, names[i].Get("n"), names[i].Get("odd")})
		}
	}
	return written(t, records)
}

func column2(i int, times []int64, cells [][]string) (at []int64, values []string) {
	for k, row := range cells {
		if row[i] != "" {
			at, values = append(at, times[k]), append(values, row[i])
		}
	}
	return at, values
}

func matrixOf(t *testing.T, names []labels.Labels, times []int64, cells [][]string) string {
	var result []any
	for i, n := range names {
		var values []any
		at, texts := column2(i, times, cells)
		for k := range at {
			values = append(values, []any{float64(at[k]) / 1000, texts[k]})
		}
		result = append(result, map[string]any{"metric": n.Map(), "values": values})
	}
	b, err := json.Marshal(map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": result}})
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), `"values":null`, `"values":[]`)
}

func exportOf(t *testing.T, names []labels.Labels, times []int64, cells [][]string) string {
	var b strings.Builder
	for i, n := range names {
		at, texts := column2(i, times, cells)
		values := []json.Number{}
		for _, text := range texts {
			values = append(values, json.Number(text))
		}
		line, err := json.Marshal(map[string]any{"metric": n.Map(), "values": values, "timestamps": append([]int64{}, at...)})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// pageOf also checks that Prometheus's own parser reads the same from it.
func pageOf(t *testing.T, names []labels.Labels, times []int64, cells [][]string) string {
	var b strings.Builder
	for i, n := range names {
		fmt.Fprintf(&b, "# HELP %s of something\n# TYPE %[1]s gauge\n", n.Get("__name__"))
		at, texts := column2(i, times, cells)
		for k := range at {
			fmt.Fprintf(&b, "%s %s %d\n", exposition(n), texts[k], at[k])
		}
	}
	own := NewBuilder()
	p := textparse.NewPromParser([]byte(b.String()), labels.NewSymbolTable(), false)
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if entry == textparse.EntrySeries {
			_, at, v := p.Series()
			var ls labels.Labels
			p.Labels(&ls)
			own.Add(ls, Unknown, *at, v)
		}
	}
	if diff := cmp.Diff(expected(t, names, times, cells), dump(own.Store(nil))); diff != "" {
		t.Fatal(diff)
	}
	return b.String()
}

func TestParseFloat(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200_000 {
		text := randomValue(r)
		want, err := strconv.ParseFloat(text, 64)
		got, ok := parseFloat([]byte(text))
		if err != nil || !ok || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v %v, want %v %v", text, got, ok, want, err)
		}
	}
	for _, text := range []string{"", "-", ".", "-.", "1.2.3", "0x1p4", "1_000", "1e", "--1", "1e400", " 1", "1 "} {
		if v, ok := parseFloat([]byte(text)); ok {
			t.Errorf("%q is %v", text, v)
		}
	}
}
