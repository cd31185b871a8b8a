package budget_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// five are objectives as a service has them, with the alerts of the Workbook.
func five(b *testing.B) []slo.Objective {
	parse := func(text string) slo.Decimal {
		d, err := slo.ParseDecimal(text)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	limit := func(metric, x, target string) slo.Objective {
		return slo.Objective{Name: metric, Metric: metric, Statistic: slo.Quantile, Op: slo.Less, Threshold: parse(x), Target: parse(target),
			Method: slo.Occurrences, Errors: slo.ErrorsExclude}
	}
	objectives := []slo.Objective{
		{Name: "availability", Metric: "success_rate", Statistic: slo.Ratio, Op: slo.GreaterEqual, Target: parse("0.99"), Method: slo.Occurrences},
		limit("latency_ms", "8000", "0.95"), limit("ttft_ms", "800", "0.95"),
		{Name: "slices", Metric: "success_rate", Statistic: slo.Ratio, Target: parse("0.99"), Method: slo.Timeslices, Slice: time.Minute, SliceTarget: parse("0.9")},
		{Name: "throughput", Metric: "tokens_per_second", Statistic: slo.Rate, Op: slo.GreaterEqual, Threshold: parse("100"), Target: parse("0.9"),
			Method: slo.Timeslices, Slice: time.Minute},
	}
	for i := range objectives {
		o := &objectives[i]
		o.Window = 30 * 24 * time.Hour
		for _, a := range []struct {
			long, short time.Duration
			threshold   string
		}{{time.Hour, 5 * time.Minute, "14.4"}, {6 * time.Hour, 30 * time.Minute, "6"}, {24 * time.Hour, 2 * time.Hour, "3"}, {72 * time.Hour, 6 * time.Hour, "1"}} {
			o.Alerts = append(o.Alerts, slo.BurnAlert{Severity: "page", Long: a.long, Short: a.short, Op: slo.Greater, Threshold: parse(a.threshold)})
		}
	}
	return objectives
}

// month makes event i of n that are spread over 30 days, nearly in order.
func month(e *accesslog.Event, r *rand.Rand, i, n int, models []string) {
	e.Reset()
	e.End = start + int64(i)*30*86_400_000/int64(n) + r.Int64N(20_000)
	e.Status, e.Model, e.Route = 200, models[r.IntN(len(models))], "/v1/chat/completions"
	e.Latency, e.TTFT, e.OutputTokens = accesslog.Fixed(2_000_000*r.Int64N(9000)), accesslog.Fixed(2_000_000*r.Int64N(900)), r.Int64N(800)
	if r.IntN(100) == 0 {
		e.Status, e.Failed, e.Error = 503, true, "http_503"
	}
}

func models() (names []string) {
	for i := range 8 {
		names = append(names, fmt.Sprint("model-", i))
	}
	return names
}

func counter(b *testing.B) *budget.Counter {
	c, err := budget.New(budget.Config{Objectives: five(b), Spill: spill(b)})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	events := make([]accesslog.Event, 4096)
	for i := range events {
		month(&events[i], r, i, len(events), models())
	}
	c := counter(b)
	defer c.Close()
	s := c.Shard()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Add(&events[i%len(events)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

func BenchmarkReport(b *testing.B) {
	const n = 3_000_000
	r := rand.New(rand.NewPCG(1, 1))
	c := counter(b)
	defer c.Close()
	s, names := c.Shard(), models()
	var e accesslog.Event
	for i := range n {
		month(&e, r, i, n, names)
		s.Add(&e)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Report(budget.Source{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n/(b.Elapsed().Seconds()/float64(b.N))/1e6, "Mevents/s")
}
