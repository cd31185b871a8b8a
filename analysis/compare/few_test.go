package compare

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"llmops/analysis/stats"
)

// What lies beyond all requests of a side is not known: it is neither far above the other
// side, which would open a gate, nor far below it.
func TestFewRequestsAreNoEvidence(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	many := func(n int, factor float64) Run { return service{n: n, sigma: 0.2}.run(rng, change{factor, 1}) }
	for _, x := range []struct {
		name string
		a, b Run
	}{
		{"one request before", constant(1, 100), many(2000, 2)},
		{"one request after", many(2000, 1), constant(1, 1)},
		{"ten requests before", constant(10, 1), many(2000, 1)},
		{"one request a side", constant(1, 100), constant(1, 200)},
		{"two requests a side", constant(2, 200), constant(2, 100)},
	} {
		for _, o := range []Options{
			{Names: []string{"p99_ttft_ms"}},
			{Limits: map[string]float64{"p99_ttft_ms": 0.05}},
		} {
			c := compared(t, []Run{x.a}, []Run{x.b}, o)
			if m := metricOf(t, c, "p99_ttft_ms"); c.Verdict != Undetermined || m.Verdict != Undetermined {
				t.Errorf("%s: %s, gate %q, whole %s, p %v", x.name, m.Verdict, m.Gate, c.Verdict, *m.P)
			}
		}
	}
}

// The exact bootstrap gives what drawing gives: resamples of both sides, the quantile of
// each, the share of changes up to r. Ties, odd and even sizes, a tail.
func TestExactBootstrapIsThatOfResamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	draw := func(n int, ties bool) []float64 {
		list := make([]float64, n)
		for i := range list {
			if list[i] = 100 * math.Exp(0.3*rng.NormFloat64()); ties {
				list[i] = 10 * math.Round(list[i]/10)
			}
		}
		return list
	}
	const resamples = 4_000
	for _, x := range []struct {
		n, m int
		q    float64
		ties bool
	}{{41, 60, 0.5, false}, {60, 60, 0.5, true}, {200, 151, 0.9, false}, {300, 300, 0.95, true}} {
		a, b := draw(x.n, x.ties), draw(x.m, x.ties)
		quantileOf := func(values []float64) float64 {
			again := make([]float64, len(values))
			for i := range again {
				again[i] = values[rng.IntN(len(values))]
			}
			slices.Sort(again)
			return again[stats.Rank(x.q, uint64(len(again)))-1]
		}
		var drawn []float64
		for range resamples {
			drawn = append(drawn, quantileOf(b)/quantileOf(a)-1)
		}
		tab := newTables()
		spreadOf := func(values []float64) spread {
			var bd Builder
			for i, v := range values {
				bd.Value("ttft_ms", int64(i), v)
			}
			r := prepare([]Run{bd.Run("")}, tab)[0]
			return quantile{"ttft_ms", x.q}.spread(&r, 1)
		}
		d := tab.possible(spreadOf(a), spreadOf(b), false)
		for r := -0.3; r < 0.31; r += 0.05 {
			r := r + 0.0003 // beside the ties
			n := 0.0
			for _, v := range drawn {
				if v <= r {
					n++
				}
			}
			if got, want := d.least.upTo(r), n/resamples; math.Abs(got-want) > 0.03 {
				t.Errorf("%+v: %.4f of the changes are at most %.3f, of resamples %.4f", x, got, r, want)
			}
		}
	}
}

// Whoever swaps the sides gets the same p-value, also of shares of which one is 0 in all
// runs.
func TestSharesMirror(t *testing.T) {
	figure := func(list ...float64) (runs []Run) {
		for _, v := range list {
			runs = append(runs, Run{Figures: map[string]float64{"error_rate": v}})
		}
		return runs
	}
	a, b := figure(0, 0, 0), figure(0.01, 0, 0.02)
	there, back := metricOf(t, compared(t, a, b, Options{}), "error_rate"), metricOf(t, compared(t, b, a, Options{}), "error_rate")
	// By R: t.test(c(.01, 0, .02), c(0, 0, 0), var.equal = TRUE) gives t = 1.7321, df = 4, p = 0.1583.
	for _, m := range []Metric{there, back} {
		if math.Abs(*m.P-0.1583) > 0.005 {
			t.Errorf("p %v, want 0.1583", *m.P)
		}
	}
	if math.Abs(*there.Low+*back.High) > 1e-4 || math.Abs(*there.High+*back.Low) > 1e-4 {
		t.Errorf("%v to %v there, %v to %v back", *there.Low, *there.High, *back.Low, *back.High)
	}
}

// Failed requests flatter also if only latencies are asked for.
func TestFailuresCountWhateverIsAsked(t *testing.T) {
	var failed []int64
	for i := int64(0); i < 500; i += 2 {
		failed = append(failed, i)
	}
	for _, o := range []Options{
		{Names: []string{"p50_ttft_ms"}},
		{Names: []string{"p50_ttft_ms"}, Limits: map[string]float64{"p50_ttft_ms": 0.05}},
	} {
		c := compared(t, []Run{constant(500, 100)}, []Run{constant(500, 80, failed...)}, o)
		if m := metricOf(t, c, "p50_ttft_ms"); c.Verdict != Undetermined || m.Verdict != Undetermined {
			t.Errorf("half of the candidate's requests failed: %s, gate %q, whole %s", m.Verdict, m.Gate, c.Verdict)
		}
		if len(c.Metrics) != 1 {
			t.Errorf("%d metrics, one was asked for", len(c.Metrics))
		}
	}
}

// Values of an edited log may be so large, or so small, that a mean or a change of them is
// no number: it is not known.
func TestBeyondAllNumbers(t *testing.T) {
	side := func(values ...float64) []Run {
		var b Builder
		for i := range int64(60) {
			b.Count(i, false)
			b.Value("latency_ms", i, values[i%int64(len(values))])
			b.Value("ttft_ms", i, 5)
		}
		return []Run{b.Run("x")}
	}
	for _, x := range [][2][]Run{
		{side(1e300, 5, math.MaxFloat64), side(1e300, 6, math.MaxFloat64)},
		{side(1e300, 5, math.MaxFloat64), side(0)},
		{side(1e300, 5), side(1e300, 6)},
		{side(5e-324), side(5, 6)},
		{side(5e-324, 1), side(math.MaxFloat64, 6)},
	} {
		c := compared(t, x[0], x[1], Options{})
		if _, err := json.Marshal(c); err != nil {
			t.Error(err)
		}
		for _, m := range c.Metrics {
			for _, v := range []*float64{&m.Baseline, &m.Candidate, m.Change, m.Low, m.High, m.P} {
				if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
					t.Errorf("%s: %v, %v, %v", m.Name, m.Baseline, m.Candidate, *v)
				}
			}
		}
	}
	// The same of a mean over runs.
	three := func(v float64) []Run { return slices.Concat(side(v), side(v*0.9), side(v*0.8)) }
	if _, err := json.Marshal(compared(t, three(math.MaxFloat64), three(1e300), Options{})); err != nil {
		t.Error(err)
	}
}
