package detect

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

func TestApplyRules(t *testing.T) {
	const start, step = int64(1_700_000_000_000), int64(60_000)
	b := series.NewBuilder()
	add := func(name string, i int, v float64) {
		b.Add(labels.FromStrings("__name__", name), series.Gauge, start+int64(i)*step, v)
	}
	for i := range 60 {
		latency, errors := 200.0, 0.01
		if i >= 20 && i < 30 {
			latency = 3000 + float64(i)
		}
		if i == 40 || i == 42 || i == 50 {
			errors = 0.5
		}
		add("p95_latency_ms", i, latency)
		add("error_rate", i, errors)
		add("memory_utilization", i, min(0.8+0.004*float64(i), 0.95)) // 0.9 at row 25, flat from 37 on
	}
	found, err := ApplyRules(t.Context(), series.NewEngine(series.Limits{}), b.Store(nil), Rules(), time.UnixMilli(start), time.UnixMilli(start+59*step), time.Duration(step)*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	type span struct {
		rule     string
		from, to int64
	}
	var got []span
	for _, a := range found {
		got = append(got, span{a.Rule, (a.From - start) / step, (a.To - start) / step})
	}
	want := []span{
		{"high_latency_spike", 20, 29},
		{"memory_leak_pattern", 26, 47}, // as long as it grew within the last ten minutes
		{"error_burst", 40, 42},
		{"error_burst", 50, 50},
	}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if d := got[i].to - want[i].to; got[i].rule != want[i].rule || got[i].from != want[i].from || d < -1 || d > 1 {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
	if a := found[0]; a.Value != 3029 || a.High != 3000 || a.Score != 0.9 || a.Names()[0] != "rules/high_latency_spike" {
		t.Errorf("%+v", a)
	}
}

// TestApplyRulesLong: what is evaluated in parts is what the whole would give, an
// infinite value is a finding, and names are those of the series.
func TestApplyRulesLong(t *testing.T) {
	const start, step = int64(1_700_000_000_000), int64(1000)
	rows := 2*mostSteps + 500
	b := series.NewBuilder()
	for i := range rows {
		v := 0.01
		switch {
		case i >= mostSteps-3 && i < mostSteps+2: // across a seam
			v = 0.5
		case i%20_000 == 7:
			v = math.Inf(1)
		}
		b.Add(labels.FromStrings("__name__", "error_rate", "model", "m", "zone", "z"), series.Gauge, start+int64(i)*step, v)
	}
	found, err := ApplyRules(t.Context(), series.NewEngine(series.Limits{}), b.Store(nil), Rules(), time.UnixMilli(start), time.UnixMilli(start+int64(rows-1)*step), time.Duration(step)*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := 7; i < rows; i += 20_000 {
		want++
	}
	if len(found) != want+1 {
		t.Errorf("%d anomalies, want %d", len(found), want+1)
	}
	for _, a := range found {
		if a.Series != `error_rate{model="m",zone="z"}` {
			t.Fatalf("%q", a.Series)
		}
		if seam := start + int64(mostSteps-3)*step; !math.IsInf(a.Value, 1) && (a.From != seam || a.Rows != 5 || a.To != seam+4*step) {
			t.Errorf("%+v", a)
		}
	}
}
