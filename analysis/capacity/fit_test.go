package capacity

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/slo"
)

func TestMargin(t *testing.T) {
	for _, c := range []struct {
		name            string
		observed, limit float64
		upper, share    bool
		want            float64
	}{
		{"half the latency", 50, 100, true, false, -1},
		{"at the limit", 100, 100, true, false, 0},
		{"twice the latency", 200, 100, true, false, 0.5},
		{"no latency at all", 0, 100, true, false, -farthest},
		{"endless", math.Inf(1), 100, true, false, 1},
		{"half of what is asked for", 0.4, 0.8, false, false, 0.5},
		{"more than is asked for", 1, 0.8, false, false, -0.25},
		{"no errors", 0, 0.01, true, true, -1},
		{"half of the errors", 0.005, 0.01, true, true, -0.5},
		{"twice the errors", 0.02, 0.01, true, true, 0.5},
		{"no errors allowed and none", 0, 0, true, true, 0},
		{"no errors allowed", 0.01, 0, true, true, 1},
		{"nothing is a limit too", 5, 0, true, false, 1},
	} {
		if got := Margin(c.observed, c.limit, c.upper, c.share); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: margin %g, want %g", c.name, got, c.want)
		}
	}
}

func TestMarginOfObjectives(t *testing.T) {
	for _, c := range []struct {
		text            string
		observed, limit float64
		want            float64
		floor, errors   bool
	}{
		{"p95_latency_ms < 100", 200, 100, 0.5, false, false},
		{"mean_ttft_ms < 100", 50, 100, -1, false, false},
		{"error_rate < 1%", 0.02, 0.01, 0.5, false, true},
		{"success_rate >= 0.99", 0.98, 0.99, 0.5, false, true},
		{"requests_per_second >= 50", 25, 50, 0.5, true, false},
		{"tokens_per_second > 100", 200, 100, -1, true, false},
		{"quality_score > 0.8", 0.4, 0.8, 0.5, false, false},
	} {
		o, err := slo.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(o, c.observed, c.limit); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: margin %g, want %g", c.text, got, c.want)
		}
		if Floor(o) != c.floor || SpeaksOfErrors(o) != c.errors {
			t.Errorf("%s: floor %v, speaks of errors %v", c.text, Floor(o), SpeaksOfErrors(o))
		}
	}
}

// Shares on a logistic curve with root 3 and slope 1 are met exactly, and
// points that are off by as much on both sides at the same load leave it where it is.
func TestLine(t *testing.T) {
	logistic := func(x float64) float64 { return 1 / (1 + math.Exp(3-x)) }
	var points, noisy []point
	for x := 1.0; x <= 5; x++ {
		p := point{x: x, share: logistic(x), allowed: 0.5, w: 100, effect: 1}
		points = append(points, p)
		for _, off := range []float64{0.8, 1.2} {
			p.share = logistic(x) + (off-1)*logistic(x)*(1-logistic(x))
			noisy = append(noisy, p)
		}
	}
	for _, c := range [][]point{points, noisy} {
		l, ok := fit(c)
		if !ok || math.Abs(l.slope-1) > 1e-6 || math.Abs(l.root()-3) > 1e-6 {
			t.Fatalf("line %+v with root %g, %v", l, l.root(), ok)
		}
	}
	if _, ok := fit(points[:2]); ok {
		t.Error("a line through two points is taken")
	}
	for i := range points {
		points[i].share = 1 - points[i].share
	}
	if _, ok := fit(points); ok {
		t.Error("a line along which more load looks better is taken")
	}
}

// Of means the margin of an M/M/1 queue is a straight line up to its end, and a probe far
// beyond the limit, of which the share hardly changes any more, does not bend it.
func TestLineOfMeans(t *testing.T) {
	for _, knee := range []float64{0.7, 0.9, 0.95} {
		for _, top := range []float64{0.9, 0.96, 0.98, 0.99} {
			var points []point
			for _, margin := range []float64{-2, -0.8, -0.3, 0.2, 0.6, top} {
				points = append(points, Probe{Load: knee + (1-knee)*margin, Margin: margin, Weight: 1000}.point())
			}
			l, ok := fit(points)
			if !ok || math.Abs(l.root()/knee-1) > 1e-4 || math.Abs(l.slope*(1-knee)-1) > 0.01 || !l.straight() {
				t.Errorf("a knee of %g, and a probe at %.2g of the limit: root %g, slope %g, want %g (%+v)", knee, 1/(1-top), l.root(), l.slope, 1/(1-knee), l)
			}
		}
	}
}

// What only the probes know of themselves counts too: as many points on the very line
// have an interval by the effect of each.
func TestLineKnowsItsProbes(t *testing.T) {
	width := func(effect float64) float64 {
		var points []point
		for x := 1.0; x <= 5; x++ {
			points = append(points, point{x: x, share: 1 / (1 + math.Exp(3-x)), allowed: 0.5, w: 1000, effect: effect})
		}
		l, ok := fit(points)
		if !ok || l.residual > 1e-12 {
			t.Fatalf("line %+v, %v", l, ok)
		}
		low, high, ok := l.interval(2, 2)
		if !ok {
			t.Fatal("no interval")
		}
		return high - low
	}
	if one, four := width(1), width(4); one <= 0 || math.Abs(four/one-2) > 0.05 {
		t.Errorf("widths %g and %g: want the double for four times the variance", one, four)
	}
}

// Fieller's limits, by hand: with slope 1 through (3, 0), w = 5, sxx = 10, a
// variance of 0.04/3 and t = 2 they solve (x-3)² = 4·0.04/3·(1/5 + (x-3)²/10).
func TestInterval(t *testing.T) {
	l := line{n: 5, mx: 3, slope: 1, w: 5, sxx: 10, residual: 0.04 / 3}
	q := 4 * 0.04 / 3
	d := math.Sqrt(q / 5 / (1 - q/10))
	low, high, ok := l.interval(2, 2)
	if !ok || math.Abs(low-(3-d)) > 1e-9 || math.Abs(high-(3+d)) > 1e-9 {
		t.Errorf("interval %g to %g, %v; want 3 ± %g", low, high, ok, d)
	}
	if _, _, ok := l.interval(30, 2); ok {
		t.Error("there is an interval where the slope is not shown to be positive")
	}
}

// With 2 s between the latency without load and its limit, 100 s show what is 2 % too
// much; the objective that is broken first counts.
func TestUnseen(t *testing.T) {
	var all []slo.Objective
	for _, c := range []struct {
		text string
		want float64
	}{{"error_rate < 1%", 0}, {"p95_latency_ms < 3s", 0.02}, {"p50_ttft_ms < 2s", 0.01}, {"p99_latency_ms < 10s", 0.01}} {
		o, err := slo.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
		if got := Unseen(all, 100*time.Second, Idle{time.Second, time.Second}); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("with %s: %g, want %g", c.text, got, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		texts []string
		want  int
	}{
		{[]string{"mean_latency_ms < 110"}, 20},                       // 200 a second for 100 ms
		{[]string{"p95_latency_ms < 110"}, 6},                         // over ln 20
		{[]string{"p95_latency_ms < 110", "mean_latency_ms < 20"}, 2}, // the least
		{[]string{"error_rate < 1%"}, 0},                              // nothing to go by
		{[]string{"p95_latency_ms < 5"}, 0},                           // broken without load
		{[]string{"requests_per_second > 5", "mean_ttft_ms < 110"}, 20},
	} {
		var all []slo.Objective
		for _, text := range c.texts {
			o, err := slo.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, o)
		}
		if got := Fill(all, 200, Idle{10 * time.Millisecond, 10 * time.Millisecond}); got != c.want {
			t.Errorf("%v: %d, want %d", c.texts, got, c.want)
		}
	}
}

func TestIsotonic(t *testing.T) {
	got := isotonic([]point{{x: 3, y: 2, w: 1}, {x: 1, y: 1, w: 1}, {x: 2, y: 5, w: 2}, {x: 4, y: 6, w: 1}, {x: 5, y: 6, w: 1}})
	want := []block{{1, 1, 1, 1}, {2, 3, 4, 3}, {4, 4, 6, 1}, {5, 5, 6, 1}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(block{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLength(t *testing.T) {
	for _, c := range []struct {
		objective string
		load      float64
		idle      time.Duration
		want      time.Duration
	}{
		{"p95_latency_ms < 50", 5000, 5 * time.Millisecond, 10 * time.Second},     // never shorter
		{"p95_latency_ms < 50", 100, 5 * time.Millisecond, 30 * time.Second},      // 3000 requests
		{"p99_latency_ms < 50", 500, 5 * time.Millisecond, 30 * time.Second},      // 15,000
		{"p95_latency_ms < 50", 1, 5 * time.Millisecond, 90 * time.Second},        // not for longer
		{"p95_latency_ms < 50", 1e-9, 5 * time.Millisecond, 90 * time.Second},     // nor here
		{"p95_latency_ms < 3s", 1000, time.Second, 80 * time.Second},              // 40 times the two seconds between
		{"mean_latency_ms < 105", 200, 5 * time.Millisecond, 96 * time.Second},    // 12 times 4/(200 d²), d = 1/(0.1·200) = 5 %
		{"mean_latency_ms < 55", 200, 5 * time.Millisecond, 24 * time.Second},     // d is 10 %
		{"p95_ttft_ms < 60s", 1000, 50 * time.Second, 5 * time.Minute},            // 10 times the latency, at most
		{"error_rate < 1%", 500, 5 * time.Millisecond, 30 * time.Second},          // 150 of 15,000
		{"success_rate >= 0.99", 500, 5 * time.Millisecond, 30 * time.Second},     // likewise
		{"tokens_per_second > 1000", 100, 5 * time.Millisecond, 30 * time.Second}, // nothing to go by
		{"p95_latency_ms < 50", 0, 5 * time.Millisecond, 10 * time.Second},        // no rate is known
		{"mean_latency_ms < 100", 10000, 10 * time.Millisecond, 10 * time.Second}, // a mean has no tail
		{"timeout_rate <= 0", 100000, 5 * time.Millisecond, 90 * time.Second},     // no miss is allowed
	} {
		o, err := slo.Parse(c.objective)
		if err != nil {
			t.Fatal(err)
		}
		if got := Length([]slo.Objective{o}, c.load, Idle{c.idle, c.idle}); got != c.want {
			t.Errorf("%s at %g/s: %s, want %s", c.objective, c.load, got, c.want)
		}
	}
	if got := WarmUp(20*time.Second, 5*time.Millisecond); got != 4*time.Second {
		t.Errorf("warm-up %s, want a fifth", got)
	}
	if got := WarmUp(20*time.Second, 5*time.Second); got != 15*time.Second {
		t.Errorf("warm-up %s, want three times the latency", got)
	}
	if got := WarmUp(2*time.Second, 5*time.Second); got != 2*time.Second {
		t.Errorf("warm-up %s, want no more than what is measured", got)
	}
}

// The first token of an answer that takes longer than its limit on TTFT waits all the
// same: the time without load that counts is that of the first token.
func TestFirstTokenOfLongAnswers(t *testing.T) {
	o, err := slo.Parse("p95_ttft_ms < 500")
	if err != nil {
		t.Fatal(err)
	}
	list, idle := []slo.Objective{o}, Idle{Latency: 2 * time.Second, TTFT: 50 * time.Millisecond}
	if got := Fill(list, 20, idle); got != 3 { // 20/s for 450 ms over ln 20
		t.Errorf("fill %d, want 3", got)
	}
	if got := Unseen(list, 10*time.Second, idle); math.Abs(got-0.045) > 1e-9 {
		t.Errorf("unseen %g, want 450 ms in 10 s", got)
	}
	if got := Length(list, 1000, idle); got != 20*time.Second { // ten answers; 40 times 450 ms are less
		t.Errorf("length %v, want 20s", got)
	}
}
