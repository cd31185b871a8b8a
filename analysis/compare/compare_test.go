package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// constant is a run of n requests that all took as long.
func constant(n int, ttft float64, failed ...int64) Run {
	var b Builder
	for i := range int64(n) {
		b.Add(Request{Place: i, Failed: slices.Contains(failed, i), Start: float64(i), End: float64(i) + 0.5, Tokens: 10, Values: map[string]float64{"ttft_ms": ttft, "latency_ms": ttft + 100}})
	}
	return b.Run("run")
}

func compared(t *testing.T, a, b []Run, o Options) Comparison {
	t.Helper()
	c, err := Runs(a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func metricOf(t *testing.T, c Comparison, name string) Metric {
	t.Helper()
	i := slices.IndexFunc(c.Metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no %s in %+v", name, c.Metrics)
	}
	return c.Metrics[i]
}

func TestVerdicts(t *testing.T) {
	for _, x := range []struct {
		name            string
		a, b            Run
		o               Options
		metric          string
		verdict, gate   Verdict
		whole           Verdict
		change, p, high float64
	}{
		{name: "alike", a: constant(500, 100), b: constant(500, 100), metric: "p50_ttft_ms", verdict: Same, whole: Pass, p: 1},
		{name: "slower", a: constant(500, 100), b: constant(500, 110), metric: "p50_ttft_ms", verdict: Worse, whole: Fail, change: 0.1, high: 0.1},
		{name: "faster", a: constant(500, 100), b: constant(500, 90), metric: "p50_ttft_ms", verdict: Better, whole: Pass, change: -0.1, high: -0.1},
		{name: "less than matters", a: constant(500, 100), b: constant(500, 101), metric: "p50_ttft_ms", verdict: Same, whole: Pass, change: 0.01, high: 0.01},
		{name: "two requests", a: constant(2, 100), b: constant(2, 110), metric: "p50_ttft_ms", verdict: Undetermined, whole: Undetermined, change: 0.1, p: 1, high: math.Inf(1)},
		{name: "within the limit", a: constant(500, 100), b: constant(500, 104), o: Options{Limits: map[string]float64{"p50_ttft_ms": 0.05}}, metric: "p50_ttft_ms", verdict: Worse, gate: Pass, whole: Pass, change: 0.04, high: 0.04},
		{name: "beyond the limit", a: constant(500, 100), b: constant(500, 106), o: Options{Limits: map[string]float64{"p50_ttft_ms": 0.05}}, metric: "p50_ttft_ms", verdict: Worse, gate: Fail, whole: Fail, change: 0.06, high: 0.06},
		{name: "no failures", a: constant(500, 100), b: constant(5000, 100), metric: "error_rate", verdict: Same, whole: Pass, p: 1, high: -1},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := compared(t, []Run{x.a}, []Run{x.b}, x.o)
			m := metricOf(t, c, x.metric)
			if m.Verdict != x.verdict || m.Gate != x.gate || c.Verdict != x.whole {
				t.Errorf("verdict %s, gate %q, whole %s (%v)", m.Verdict, m.Gate, c.Verdict, c.Reasons)
			}
			if math.Abs(*m.Change-x.change) > 1e-9 {
				t.Errorf("change %v, want %v", *m.Change, x.change)
			}
			if x.p == 1 && *m.P != 1 || x.p == 0 && *m.P > 0.001 {
				t.Errorf("p %v", *m.P)
			}
			if x.high == -1 {
				return
			}
			if math.IsInf(x.high, 1) != (m.High == nil) || m.High != nil && math.Abs(*m.High-x.high) > 1e-6 {
				t.Errorf("interval to %v, want %v", m.High, x.high)
			}
		})
	}
}

// Failing flatters: the slow requests fail, and what is left is fast.
func TestFailuresAreNoImprovement(t *testing.T) {
	var failed []int64
	for i := range int64(500) {
		if i%5 == 0 {
			failed = append(failed, i)
		}
	}
	c := compared(t, []Run{constant(500, 100)}, []Run{constant(500, 80, failed...)}, Options{})
	if m := metricOf(t, c, "p50_ttft_ms"); m.Verdict != Undetermined || m.Detail == "" {
		t.Errorf("%+v", m)
	}
	if m := metricOf(t, c, "error_rate"); m.Verdict != Worse || math.Abs(*m.Change-0.2) > 1e-9 {
		t.Errorf("%+v", m)
	}
	if c.Verdict != Fail || len(c.Warnings) == 0 {
		t.Errorf("%s, %v", c.Verdict, c.Warnings)
	}
	gated := compared(t, []Run{constant(500, 100)}, []Run{constant(500, 80, failed...)}, Options{Limits: map[string]float64{"p50_ttft_ms": 0.05}})
	if m := metricOf(t, gated, "p50_ttft_ms"); m.Gate != Undetermined || gated.Verdict != Undetermined {
		t.Errorf("a gate that failures open: %s, whole %s", m.Gate, gated.Verdict)
	}
}

// What the load fixes is not judged, and an invalid client leaves no verdict.
func TestOpenLoopAndInvalid(t *testing.T) {
	a, b := constant(500, 100), constant(500, 100)
	if m := metricOf(t, compared(t, []Run{a}, []Run{b}, Options{}), "requests_per_second"); !m.Judged {
		t.Error("a closed loop tells of throughput")
	}
	a.Open = true
	if m := metricOf(t, compared(t, []Run{a}, []Run{b}, Options{}), "requests_per_second"); m.Judged {
		t.Error("judged though the load fixes it on one side")
	}
	b.Open = true
	c := compared(t, []Run{a}, []Run{b}, Options{})
	if m := metricOf(t, c, "requests_per_second"); m.Judged || m.Detail == "" {
		t.Errorf("%+v", m)
	}
	b.About.Client, b.About.Reasons = "invalid", []string{"no processor"}
	if c := compared(t, []Run{a}, []Run{b}, Options{}); c.Verdict != Undetermined || len(c.Invalid) != 1 {
		t.Errorf("%s, %v", c.Verdict, c.Invalid)
	}
}

func TestRunsErrors(t *testing.T) {
	a := constant(50, 100)
	for name, f := range map[string]func() error{
		"no run": func() error { _, err := Runs(nil, []Run{a}, Options{}); return err },
		"nothing alike": func() error {
			_, err := Runs([]Run{{Figures: map[string]float64{"p50_ttft_ms": 1}}}, []Run{{Figures: map[string]float64{"goodput": 1}}}, Options{})
			return err
		},
		"limit on a lack": func() error {
			_, err := Runs([]Run{a}, []Run{a}, Options{Limits: map[string]float64{"goodput": 0.1}})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The interval of the median of n values is that of order statistics: the places i and j
// with a binomial tail of 2.5 % each (Conover, Practical Nonparametric Statistics, 3.2).
// For n = 100 these are 40 and 61.
func TestMedianInterval(t *testing.T) {
	var b Builder
	order := []int{}
	for i := range 100 {
		order = append(order, (i*37)%100) // no order that resembles itself
	}
	for i, v := range order {
		b.Add(Request{Place: int64(i), Values: map[string]float64{"ttft_ms": float64(v + 1)}})
	}
	r := prepare([]Run{b.Run("")}, newTables())[0]
	s := quantile{"ttft_ms", 0.5}.spread(&r, 1)
	low, high := s.low[78], s.high[177] // at -1.93 and 1.93 on the scale of the standard normal
	if math.Abs(low-40.5) > 1.5 || math.Abs(high-60.5) > 1.5 {
		t.Errorf("interval %v to %v, want about 40 to 61", low, high)
	}
}

// Several runs are compared by how runs differ: Student's t of 3 and 3 logarithms.
func TestRepeatedRuns(t *testing.T) {
	figure := func(v float64) Run { return Run{Figures: map[string]float64{"p50_ttft_ms": v}} }
	a := []Run{figure(100), figure(102), figure(98)}
	b := []Run{figure(110), figure(112), figure(108)}
	m := metricOf(t, compared(t, a, b, Options{}), "p50_ttft_ms")
	// By R: t.test(log(c(110, 112, 108)), log(c(100, 102, 98)), var.equal = TRUE) gives
	// t = 6.1032, df = 4, p = 0.003642, exp of the interval 1.0533 to 1.1488.
	if m.Verdict != Worse || math.Abs(*m.P-0.003642) > 0.001 || math.Abs(*m.Low-0.0533) > 0.002 || math.Abs(*m.High-0.1488) > 0.002 {
		t.Errorf("%s, p %v, %v to %v", m.Verdict, *m.P, *m.Low, *m.High)
	}
	zero := Run{Figures: map[string]float64{"error_rate": 0}}
	if m := metricOf(t, compared(t, []Run{zero, zero}, []Run{zero, zero}, Options{}), "error_rate"); m.Verdict != Same || *m.P != 1 {
		t.Errorf("no failures at all: %s, p %v", m.Verdict, *m.P)
	}
}

func TestBuilder(t *testing.T) {
	var b Builder
	for _, place := range []int64{7, 3, 9, 1, 5} { // as they ended
		b.Add(Request{Place: place, Failed: place == 3 || place == 9, Values: map[string]float64{"ttft_ms": float64(place), "tpot_ms": -1}})
	}
	r := b.Run("x")
	if d := cmp.Diff([]int64{1, 4}, r.Failed); d != "" || r.Total != 5 {
		t.Errorf("failed: %s, total %d", d, r.Total)
	}
	if d := cmp.Diff([]float64{1, 5, 7}, r.Values["ttft_ms"]); d != "" || len(r.Values["tpot_ms"]) != 0 {
		t.Error(d)
	}
}

// Slices leave out the time before the first end and after the last start.
func TestSlices(t *testing.T) {
	var spans []span
	for i := range 200 { // 2 at a time, each 1 s
		at := float64(i / 2)
		spans = append(spans, span{at, at + 1, 5})
	}
	list := slicesOf(spans)
	var seconds, requests, tokens float64
	for _, s := range list {
		seconds, requests, tokens = seconds+s.Seconds, requests+s.Requests, tokens+s.Tokens
	}
	if math.Abs(requests/seconds-2) > 0.01 || math.Abs(tokens/seconds-10) > 0.05 || len(list) != 25 {
		t.Errorf("%d slices: %v requests and %v tokens in %v s", len(list), requests, tokens, seconds)
	}
	if slicesOf(spans[:20]) != nil {
		t.Error("ten slices of two requests say nothing")
	}
}

// Whoever swaps the sides gets the opposite, and whoever counts in another unit the same.
func TestSymmetry(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	opposite := map[Verdict]Verdict{Better: Worse, Worse: Better, Same: Same, Undetermined: Undetermined}
	for _, factor := range []float64{1, 1.03, 1.2} {
		s := service{n: 600, sigma: 0.2}
		a, b := s.run(rng, change{1, 1}), s.run(rng, change{factor, 1})
		there, back := compared(t, []Run{a}, []Run{b}, Options{}), compared(t, []Run{b}, []Run{a}, Options{})
		for i, m := range there.Metrics {
			n := back.Metrics[i]
			if n.Name != m.Name || m.Detail == "" && n.Verdict != opposite[m.Verdict] && m.Verdict != Same {
				t.Errorf("%v, %s: %s there, %s back", factor, m.Name, m.Verdict, n.Verdict)
			}
			if m.P == nil {
				continue
			}
			if math.Abs(*m.P-*n.P) > 0.02*(*m.P)+1e-3 {
				t.Errorf("%v, %s: p %v there, %v back", factor, m.Name, *m.P, *n.P)
			}
			if m.Low != nil && m.High != nil && m.Candidate != m.Baseline && (*m.P < 0.04) == (*m.Low < 0 && *m.High > 0) && math.Abs(*m.P-0.05) > 0.02 {
				t.Errorf("%v, %s: p %v, interval %v to %v", factor, m.Name, *m.P, *m.Low, *m.High)
			}
		}
		seconds := b
		seconds.Values = map[string][]float64{}
		inSeconds := a
		inSeconds.Values = map[string][]float64{}
		for metric := range a.Values {
			for _, v := range a.Values[metric] {
				inSeconds.Values[metric] = append(inSeconds.Values[metric], v/1024)
			}
			for _, v := range b.Values[metric] {
				seconds.Values[metric] = append(seconds.Values[metric], v/1024)
			}
		}
		for i, m := range compared(t, []Run{inSeconds}, []Run{seconds}, Options{}).Metrics {
			if d := there.Metrics[i]; m.Verdict != d.Verdict || m.P != nil && math.Abs(*m.P-*d.P) > 1e-9 {
				t.Errorf("%v, %s in another unit: %s, p %v in place of %s, %v", factor, m.Name, m.Verdict, m.P, d.Verdict, d.P)
			}
		}
	}
}
