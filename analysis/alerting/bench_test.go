package alerting

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
	"llmops/rules/alert"
)

// fleet is a day of 40 replicas with 50 metrics each, every 15 s: 2,000 series,
// 11.5 million points. Ten are counters, ten are buckets of a histogram, the others
// gauges between 0 and 1.
func fleet(tb testing.TB, hours int) *series.Store {
	tb.Helper()
	const replicas, metrics = 40, 50
	b := series.NewBuilder()
	start := int64(1_772_323_200_000)
	for r := range replicas {
		for m := range metrics {
			of := []string{model.MetricNameLabel, fmt.Sprintf("gauge_%d", m), "replica", fmt.Sprint("vllm-", r), "model", fmt.Sprint("m", r%4)}
			kind, v := series.Gauge, 0.0
			switch {
			case m < 10:
				of[1], kind = fmt.Sprintf("counter_%d_total", m), series.Counter
			case m < 20:
				of[1], kind = "latency_seconds_bucket", series.Counter
				of = append(of, "le", []string{"0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50", "+Inf"}[m-10])
			}
			ls := labels.FromStrings(of...)
			for i := range hours * 240 {
				wave := math.Sin(float64(i)/500 + float64(r*m))
				switch {
				case m < 10:
					v += math.Round(10 + 9*wave)
				case m < 20:
					v += math.Round(float64(m-9) * (10 + 9*math.Sin(float64(i)/500+float64(r))))
				default:
					v = math.Round(500+400*wave+float64(i*7919%100)) / 1000
				}
				b.Add(ls, kind, start+int64(i)*15_000, v)
			}
		}
	}
	return b.Store(nil)
}

// fleetRules are 40 rules as people have them, a quarter recording ones.
func fleetRules(tb testing.TB, interval string) []alert.Group {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "groups:\n- name: recording\n  interval: %s\n  rules:\n", interval)
	for i := range 5 {
		fmt.Fprintf(&b, "  - {record: 'model:errors%d:ratio_rate5m', expr: 'sum by (model) (rate(counter_%d_total[5m])) / sum by (model) (rate(counter_%d_total[5m]))'}\n", i, i, i+5)
		fmt.Fprintf(&b, "  - {record: 'replica:gauge%d:avg10m', expr: 'avg_over_time(gauge_%d[10m])'}\n", i, i+20)
	}
	fmt.Fprintf(&b, "- name: alerts\n  interval: %s\n  rules:\n", interval)
	for i := range 5 {
		for k, expr := range []string{
			"gauge_%d > 0.95", "model:errors%d:ratio_rate5m > 1.5", "replica:gauge%d:avg10m > 0.9", "max_over_time(gauge_3%d[5m]) > 0.98 and gauge_4%[1]d < 0.3",
			"histogram_quantile(0.9%d, sum by (model, le) (rate(latency_seconds_bucket[5m]))) > 5", "avg by (model) (gauge_2%d) > 0.6 unless on () ALERTS{alertname=\"A0\"}",
		} {
			if k == 0 {
				expr = "gauge_2%d > 0.95"
			}
			fmt.Fprintf(&b, "  - {alert: 'A%d', expr: '%s', for: %dm, labels: {severity: warning, n: '%d'}, annotations: {summary: '{{ $labels.replica }} at {{ $value }}'}}\n", k, fmt.Sprintf(expr, i), i, i)
		}
	}
	file, err := alert.Read("bench.yaml", strings.NewReader(b.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return file.Groups
}

// BenchmarkReplay is 40 rules over a day of 2,000 series at 15 s.
func BenchmarkReplay(b *testing.B) {
	store := fleet(b, 24)
	for _, interval := range []string{"1m", "15s"} {
		b.Run(interval, func(b *testing.B) {
			groups := fleetRules(b, interval)
			var evaluations int64
			for b.Loop() {
				res, err := Replay(b.Context(), store, groups, Options{Interval: time.Minute})
				if err != nil {
					b.Fatal(err)
				}
				for _, r := range res.Rules {
					if r.Failures > 0 || len(r.Missing) > 0 {
						b.Fatal(r.Rule.Name(), r.FirstError, r.Missing)
					}
				}
				evaluations = res.Evaluations
			}
			b.ReportMetric(float64(store.Points())*float64(b.N)/b.Elapsed().Seconds(), "points/s")
			b.ReportMetric(float64(evaluations)*float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
			b.ReportMetric(40, "rules")
		})
	}
}

// wide is the store as a wide CSV file.
func wide(tb testing.TB, store *series.Store) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	row := []string{"timestamp"}
	var next []func() (int64, float64, bool)
	for _, s := range store.Series() {
		row = append(row, strings.Replace(strings.TrimPrefix(s.Labels().String(), "{__name__=\""+s.Name()+"\", "), "", s.Name()+"{", 1))
		pull, stop := iter.Pull2(s.Points())
		defer stop()
		next = append(next, pull)
	}
	for ok := true; ok; {
		if err := w.Write(row); err != nil {
			tb.Fatal(err)
		}
		for i, pull := range next {
			var t int64
			var v float64
			t, v, ok = pull()
			row[0], row[i+1] = strconv.FormatInt(t, 10), strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	w.Flush()
	return b.Bytes()
}

// BenchmarkLoadAndReplay reads the same day from CSV first.
func BenchmarkLoadAndReplay(b *testing.B) {
	text := wide(b, fleet(b, 24))
	source := accesslog.Source{Name: "m.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}
	groups := fleetRules(b, "1m")
	var points int64
	var loading time.Duration
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		start := time.Now()
		store, sum, err := series.Read(b.Context(), []accesslog.Source{source}, series.Options{})
		if err != nil {
			b.Fatal(err)
		}
		points, loading = sum.Points, loading+time.Since(start)
		if _, err := Replay(b.Context(), store, groups, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(points)*float64(b.N)/loading.Seconds(), "points/s-loaded")
	b.ReportMetric(float64(points)*float64(b.N)/b.Elapsed().Seconds(), "points/s")
}
