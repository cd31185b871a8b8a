package budget_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// Small logs in every format of JSON, read by encoding/json into maps and judged by
// the naive budget: what the fast way comes to, too.

// row writes a request in one of the many ways that are the same JSON.
func row(r *rand.Rand, members []member, pretty bool) string {
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	blank := func() string {
		if !pretty {
			return strings.Repeat(" ", r.IntN(8)/7)
		}
		return []string{"", " ", "\n  ", "\t"}[r.IntN(4)]
	}
	var b strings.Builder
	b.WriteString("{" + blank())
	for i, m := range members {
		if i > 0 {
			b.WriteString("," + blank())
		}
		key := m.key
		if r.IntN(12) == 0 { // the last one counts
			fmt.Fprintf(&b, "%q:%s, ", key, []string{"null", "0", `"x"`, "{}"}[r.IntN(4)])
		}
		if r.IntN(12) == 0 {
			key = fmt.Sprintf(`\u%04x`, key[0]) + key[1:]
		}
		fmt.Fprintf(&b, `"%s"%s:%s%s`, key, blank(), blank(), m.text)
		if r.IntN(6) == 0 {
			fmt.Fprintf(&b, `,"x%d":%s`, i, []string{`{"status":500,"ok":[{}]}`, `"},\"\\{"`, `[1,{"latency_ms":9}]`, `"` + strings.Repeat("é", r.IntN(40)) + `"`}[r.IntN(4)])
		}
	}
	return b.String() + blank() + "}"
}

func TestJSONFormatsAgainstMaps(t *testing.T) {
	rounds := uint64(20)
	if testing.Short() {
		rounds = 10
	}
	for _, form := range jsonForms() {
		for seed := range rounds {
			r := rand.New(rand.NewPCG(seed, 77))
			base := int64(1_772_323_200_000)
			layout := r.IntN(4) // rows, an array, pages, large rows in a file of several chunks
			count := 30 + r.IntN(100)
			var rows []string
			for range count {
				end, us := base+r.Int64N(7200_000), []int64{499_000, 500_000, 501_000, 12_000, 1_500_000}[r.IntN(5)]
				if r.IntN(5) == 0 {
					end -= end % 60_000
				}
				members := form.write(end, us, []int{200, 200, 200, 404, 429, 499, 500, 503}[r.IntN(8)], r.IntN(9) == 0, r.IntN(9) == 0)
				if layout == 3 && r.IntN(4) == 0 {
					members = append(members, member{"pad", `"` + strings.Repeat("p", r.IntN(150_000)) + `"`})
				}
				text := row(r, members, layout == 1 || layout == 2)
				if r.IntN(40) == 0 && (layout == 0 || layout == 3) {
					text = text[:r.IntN(len(text))]
				}
				rows = append(rows, text)
			}
			var want []accesslog.Event
			malformed := int64(0)
			for _, text := range rows {
				if strings.TrimSpace(text) == "" {
					continue
				}
				if e, ok := form.event([]byte(text)); ok {
					want = append(want, e)
				} else {
					malformed++
				}
			}
			sources := files(t, r, layout, rows)
			checkForm(t, fmt.Sprintf("%s, seed %d, layout %d", form.name, seed, layout), form.name, sources, want, malformed, r)
		}
	}
}

// files writes rows into some files, compressed or not.
func files(t *testing.T, r *rand.Rand, layout int, rows []string) (sources []accesslog.Source) {
	t.Helper()
	dir := t.TempDir()
	for n := 0; len(rows) > 0; n++ {
		k := 1 + r.IntN(len(rows))
		if layout == 3 {
			k = len(rows)
		}
		part := rows[:k]
		rows = rows[k:]
		end := []string{"\n", "\r\n"}[r.IntN(2)]
		var log string
		switch layout {
		case 1:
			log = "[" + end + strings.Join(part, ","+end) + "]" + end
		case 2:
			for len(part) > 0 {
				k := 1 + r.IntN(len(part))
				log += `{"data": [` + strings.Join(part[:k], ",") + `],"meta":{"page":1}}` + strings.Repeat(end, r.IntN(2))
				part = part[k:]
			}
		default:
			log = strings.Join(part, end)
			if r.IntN(2) == 0 {
				log += end
			}
		}
		data := []byte(log)
		if r.IntN(4) == 0 { // in several members
			var b bytes.Buffer
			for at := 0; at < len(data); {
				step := min(1+r.IntN(len(data)), len(data)-at)
				z := gzip.NewWriter(&b)
				if _, err := z.Write(data[at : at+step]); err != nil || z.Close() != nil {
					t.Fatal(err)
				}
				at += step
			}
			data = b.Bytes()
		}
		name := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }})
	}
	return sources
}

func checkForm(t *testing.T, name, format string, sources []accesslog.Source, want []accesslog.Event, malformed int64, r *rand.Rand) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	objective := func(metric string, statistic slo.Statistic, op slo.Op, threshold string) slo.Objective {
		o := slo.Objective{Name: metric, Metric: metric, Statistic: statistic, Op: op, Target: decimal(t, "0.7"), Window: time.Duration(1+r.IntN(100)) * time.Minute,
			Method: slo.Occurrences, Errors: []slo.Errors{slo.ErrorsExclude, slo.ErrorsBad}[r.IntN(2)]}
		if threshold != "" {
			o.Threshold = decimal(t, threshold)
		}
		return o
	}
	cfg := budget.Config{ExcludeStatus: []int{404}, Memory: int64(r.IntN(2)), Spill: spill(t), Objectives: []slo.Objective{
		objective("success_rate", slo.Ratio, slo.GreaterEqual, ""), objective("latency_ms", slo.Quantile, []slo.Op{slo.Less, slo.LessEqual, slo.Greater}[r.IntN(3)], "500")}}
	counter, err := budget.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	s, err := accesslog.Read(t.Context(), sources, accesslog.Options{Format: format, Workers: 1 + r.IntN(5)}, func() func(*accesslog.Event) { return counter.Shard().Add })
	if err != nil || s.Records != int64(len(want)) || s.Malformed != malformed {
		t.Fatalf("%s: %d records, %d malformed, %v; want %d and %d", name, s.Records, s.Malformed, err, len(want), malformed)
	}
	got, err := counter.Report(budget.Source{})
	if err != nil {
		t.Fatal(err)
	}
	now := slices.MaxFunc(want, func(a, b accesslog.Event) int { return int(a.End - b.End) }).End
	for i, o := range cfg.Objectives {
		var burns []time.Duration
		for _, b := range got.SLOs[i].BurnRates {
			w, err := slo.ParseDuration(b.Window)
			if err != nil {
				t.Fatal(err)
			}
			burns = append(burns, w)
		}
		if got.SLOs[i].IncidentsOmitted > 0 {
			continue
		}
		if diff := cmp.Diff(naive{o, now, want}.describe(o.Window, burns), describe(got.SLOs[i], now)); diff != "" {
			t.Fatalf("%s: %+v (-want +got)\n%s", name, o, diff)
		}
	}
}
