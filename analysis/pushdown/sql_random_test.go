package pushdown_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/analysis/pushdown"
	"llmops/rules/slo"
)

// A shape is a table: its columns, what they are to a request, and how the numbers
// in them are written.
type shape struct {
	name, columns string
	roles         map[string]string
	when          func(ms int64, r *rand.Rand) string // the time, of a request that ends then
	took          func(us int64) string               // a duration
	starts        bool
}

// quoted is an RFC 3339 time of that many digits after the second.
func quoted(digits int) func(ms int64, r *rand.Rand) string {
	return func(ms int64, r *rand.Rand) string {
		layout := "2006-01-02T15:04:05"
		at := time.UnixMilli(ms).UTC()
		if digits > 0 {
			layout += "." + strings.Repeat("0", digits)
			if digits > 3 {
				at = at.Add(-time.Duration(r.IntN(2000)) * time.Microsecond)
			}
		}
		return `"` + at.Format(layout) + `Z"`
	}
}

func scaled(us int64, digits int) string {
	f := strconv.FormatInt(us, 10)
	sign := ""
	if us < 0 {
		sign, f = "-", f[1:]
	}
	f = strings.Repeat("0", max(digits+1-len(f), 0)) + f
	if digits == 0 {
		return sign + f
	}
	return sign + f[:len(f)-digits] + "." + f[len(f)-digits:]
}

var shapes = []shape{
	{
		name:    "decimals",
		columns: "`at``` DateTime64(3, 'UTC'), code Nullable(Int16), why Nullable(String), took Nullable(Decimal(18, 6)), first Nullable(Decimal(38, 3)), per Nullable(Decimal(76, 5)), n Nullable(Int64), usd Nullable(Decimal(12, 8)), score Nullable(Decimal(5, 3)), engine LowCardinality(Nullable(String)), target String, team LowCardinality(String)",
		roles:   map[string]string{"time": "at`", "latency": "took", "ttft": "first", "tpot": "per"},
		when:    quoted(3), took: func(us int64) string { return scaled(us, 3) },
	},
	{
		name:    "floats",
		columns: "at DateTime64(6, 'Asia/Kolkata'), code Nullable(UInt16), why LowCardinality(Nullable(String)), took Nullable(Float64), first Nullable(Float64), per Nullable(Float64), n Nullable(Int32), usd Nullable(Float64), score Nullable(Float64), engine Nullable(String), target Nullable(String), team String",
		roles:   map[string]string{"time": "at", "latency": "took:s", "ttft": "first:s", "tpot": "per:s"},
		when:    quoted(6), took: func(us int64) string { return scaled(us, 6) },
	},
	{
		name:    "integers",
		columns: "at Int64, code Nullable(Int32), why Nullable(String), took Nullable(Int64), first Nullable(Int32), per Nullable(Int128), n Nullable(Int16), usd Nullable(Float64), score Nullable(Decimal(9, 4)), engine String, target String, team Nullable(FixedString(20))",
		roles:   map[string]string{"time": "at", "latency": "took:us", "ttft": "first:us", "tpot": "per:us"},
		when:    func(ms int64, _ *rand.Rand) string { return strconv.FormatInt(ms, 10) }, took: func(us int64) string { return scaled(us, 0) },
	},
	{
		name:    "starts",
		columns: "at DateTime64(3, 'UTC'), code Nullable(Int16), why Nullable(String), took Nullable(Decimal(18, 6)), first Nullable(Decimal(12, 3)), per Nullable(Decimal(12, 3)), n Nullable(Int64), usd Nullable(Decimal(12, 8)), score Nullable(Decimal(5, 3)), engine String, target String, team String",
		roles:   map[string]string{"start": "at", "latency": "took", "ttft": "first", "tpot": "per"},
		when:    quoted(3), took: func(us int64) string { return scaled(us, 3) }, starts: true,
	},
	{
		name:    "seconds",
		columns: "at DateTime, code Int16, why String, took Nullable(Float64), first Nullable(Float64), per Nullable(Float64), n Nullable(UInt64), usd Nullable(Float64), score Nullable(Float64), engine LowCardinality(String), target LowCardinality(String), team String",
		roles:   map[string]string{"time": "at", "latency": "took:us", "ttft": "first:us", "tpot": "per:us"},
		when:    quoted(0), took: func(us int64) string { return scaled(us, 0) },
	},
}

// request is a row as JSON, for the reader of logs and for the engine alike.
func (s *shape) request(r *rand.Rand, base int64) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	duration := func() string {
		if r.IntN(6) == 0 {
			return "null"
		}
		// around the limits, and exactly on them
		return s.took([]int64{0, 499_999, 500_000, 500_001, 100, -5, 1_234_567, 120_000}[r.IntN(8)])
	}
	end := base + r.Int64N(5*3600_000)
	if r.IntN(4) == 0 {
		end -= end % []int64{60_000, 60_000, 3600_000}[r.IntN(3)] // on the edge of a minute or an hour
	}
	code := pick("200", "200", "200", "200", "200", "201", "302", "400", "404", "408", "429", "499", "500", "503", "504", "0", "null")
	why := pick("null", "null", `""`, `""`, `"-"`, `"-"`, `"boom"`, `"Read TIMEOUT of upstream"`, `"tab\there, \"quote\", \\ and 日本"`)
	if s.name == "seconds" { // whose columns have no NULL
		code, why = strings.Replace(code, "null", "0", 1), strings.Replace(why, "null", `""`, 1)
	}
	name := "at"
	if s.name == "decimals" {
		name = "at`"
	}
	fields := []string{fmt.Sprintf("%q: %s", name, s.when(end, r)), `"code": ` + code, `"why": ` + why,
		`"took": ` + duration(), `"first": ` + duration(), `"per": ` + duration(),
		`"n": ` + pick("null", "0", "1", "150", "3000"), `"usd": ` + pick("null", "0", "0.01", "0.0100001", "0.0099999", "2"), `"score": ` + pick("null", "0.8", "0.799", "0.801", "1"),
		`"engine": ` + pick(`""`, `"-"`, `"small"`, `"LARGE"`, `"`+strings.Repeat("ä", 140)+`"`),
		`"target": ` + pick(`""`, `"-"`, `"/v1/chat?x=1"`, `"/v1/chat"`, `"/v1#/health"`, `"/health?deep"`, `"https://host/healthz"`, `"https://host"`, `"x://a?b=/c"`,
			`"://x/health"`, `"health"`, `"/readyz/"`, `"/livez#1?2"`, `"a?b://c/ping"`, `"/ü\n/x"`, `"*"`),
		`"team": ` + pick(`""`, `"-"`, `"red"`, `"blue"`)}
	return "{" + strings.Join(fields, ", ") + "}"
}

func decimal(t *testing.T, text string) slo.Decimal {
	t.Helper()
	d, err := slo.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// objectives are of all kinds.
func objectives(t *testing.T, r *rand.Rand) (list []slo.Objective) {
	ops := []slo.Op{slo.Less, slo.LessEqual, slo.Greater, slo.GreaterEqual}
	alerts := []slo.BurnAlert{{Severity: "page", Long: time.Hour, Short: 5 * time.Minute, Op: slo.Greater, Threshold: decimal(t, "1.1")}}
	add := func(metric string, statistic slo.Statistic, threshold string, change func(*slo.Objective)) {
		o := slo.Objective{Name: fmt.Sprint(len(list), " ", metric), Metric: metric, Statistic: statistic, Op: ops[r.IntN(4)], Target: decimal(t, "0.7"),
			Method: slo.Occurrences, Errors: []slo.Errors{slo.ErrorsExclude, slo.ErrorsBad}[r.IntN(2)], Window: time.Duration(1+r.IntN(6)) * time.Hour, Alerts: alerts}
		if threshold != "" {
			o.Threshold = decimal(t, threshold)
		}
		if change != nil {
			change(&o)
		}
		list = append(list, o)
	}
	slices := func(o *slo.Objective) {
		o.Method, o.Slice, o.SliceTarget, o.MinEvents = slo.Timeslices, time.Duration(1+r.IntN(5))*time.Minute, decimal(t, "0.5"), 1
	}
	limit := func() string {
		return []string{"500", "499.9995", "0.1", "500.0000000001", "0", "99999999999999"}[r.IntN(6)]
	}
	add("success_rate", slo.Ratio, "0.7", nil)
	add("timeout_rate", slo.Ratio, "0.3", nil)
	add("latency_ms", slo.Quantile, limit(), nil)
	add("ttft_ms", slo.Quantile, limit(), nil)
	add("tpot_ms", slo.Quantile, limit(), nil)
	add("cost_per_request", slo.Quantile, "0.01", nil)
	add("quality_score", slo.Quantile, "0.8", nil)
	add("success_rate", slo.Ratio, "0.5", slices)
	add("latency_ms", slo.Quantile, limit(), slices)
	add("ttft_ms", slo.Quantile, limit(), func(o *slo.Objective) { slices(o); o.Method = slo.RatioTimeslices })
	add("tokens_per_second", slo.Rate, "20", func(o *slo.Objective) { slices(o); o.SliceTarget = slo.Decimal{} })
	// Of periods that begin where requests end.
	hours := func(o *slo.Objective) {
		o.Calendar = &slo.Calendar{Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Count: 1 + r.IntN(3), Unit: slo.Hours}
	}
	add("success_rate", slo.Ratio, "0.7", hours)
	add("ttft_ms", slo.Quantile, limit(), hours)
	add("requests_per_second", slo.Rate, "0.05", func(o *slo.Objective) { slices(o); o.SliceTarget = slo.Decimal{} })
	return list
}

// Rows of all shapes come to the same in ClickHouse as in a log.
func TestRandomRows(t *testing.T) {
	e := newEngine(t)
	const base = 1_772_323_200_000
	for n := range 2 * len(shapes) {
		s := shapes[n%len(shapes)]
		r := rand.New(rand.NewPCG(uint64(n), 3))
		t.Run(fmt.Sprint(s.name, n), func(t *testing.T) {
			var log bytes.Buffer
			for range 1500 {
				log.WriteString(s.request(r, base) + "\n")
			}
			table := fmt.Sprintf("odd-name %d", n)
			e.do(t, fmt.Sprintf("CREATE TABLE `%s` (%s) ENGINE = Memory", table, strings.Replace(s.columns, "`at```", "`at\\``", 1)),
				fmt.Sprintf("INSERT INTO `%s` SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n%s", table, log.String()))
			names := map[string]string{"status": "code", "error": "why", "tokens": "n", "cost": "usd", "quality": "score", "model": "engine", "path": "target", "user": "team"}
			for role, name := range s.roles {
				names[role] = name
			}
			cfg := budget.Config{Objectives: objectives(t, r), ExcludeStatus: []int{400, 404}, By: []string{"key"}, At: new(base + 60_000*(120+r.Int64N(240)))}
			want := readJSON(t, log.Bytes(), names, cfg)
			got, err := pushdown.ClickHouse(t.Context(), e.ask, pushdown.Table{Name: table, Map: names}, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(judged(want), judged(got)); diff != "" {
				t.Errorf("log (-), ClickHouse (+):\n%s", diff)
			}
		})
	}
}

func readJSON(t *testing.T, log []byte, names map[string]string, cfg budget.Config) budget.Report {
	t.Helper()
	counter, err := budget.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	sources := []accesslog.Source{{Name: "log", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(log)), nil }}}
	s, err := accesslog.Read(t.Context(), sources, accesslog.Options{Format: "jsonl", Map: names}, func() func(*accesslog.Event) { return counter.Shard().Add })
	if err != nil || s.Malformed > 0 {
		t.Fatalf("%v, %d malformed: %v", err, s.Malformed, s.Samples)
	}
	report, err := counter.Report(budget.Source{First: new(budget.Time(s.First))})
	if err != nil {
		t.Fatal(err)
	}
	return report
}
