package loadreport

import (
	"math"
	"strings"
	"testing"
	"time"
)

// A burst within a long run is sent a little late: five requests are not missing for it.
func TestRateOfABurst(t *testing.T) {
	a := New(Config{})
	a.Start(epoch)
	for i := range 10 {
		a.Add(plain(time.Duration(i)*100*time.Millisecond, 50*time.Millisecond))
	}
	s := a.Summary(Run{Load: Load{Mode: "open"}, Window: 100 * time.Second, Client: ClientFacts{AskedRate: new(9.0), AchievedRate: new(7.5)}})
	if s.Client.Verdict != ClientValid || *s.MeasuredS != 100 {
		t.Errorf("%+v, %v s", s.Client, *s.MeasuredS)
	}
}

// A log that somebody edited may have a time of a token without tokens.
func TestTPOTWithoutTokens(t *testing.T) {
	for _, tokens := range []*int64{nil, new(int64(1)), new(int64(-3))} {
		a := New(Config{})
		r := streamed(0, ms(10), ms(5), 4)
		r.Chunks[1].Joined = true
		r.CompletionTokens, r.TPOTms = tokens, new(5.0)
		a.Add(r)
		if s := a.Summary(Run{}); s.Metrics.TPOT.Count != 1 {
			t.Errorf("%+v", s.Metrics.TPOT)
		}
	}
}

// Replies that all pass their checks show no spread, and a few of them show little.
func TestQualityOfFewReplies(t *testing.T) {
	for _, c := range []struct {
		n, bad    int
		score     float64 // of the bad
		objective string
		want      Verdict
	}{
		{3, 0, 0, "quality_score > 0.9", Inconclusive},
		{28, 0, 0, "quality_score > 0.9", Inconclusive},
		{29, 0, 0, "quality_score > 0.9", Pass}, // as for a p90
		{3, 3, 0, "quality_score > 0.1", Inconclusive},
		{29, 29, 0, "quality_score > 0.1", Fail},
		{50, 1, 0, "quality_score > 0.92", Inconclusive}, // one of 50: up to 9.1 %
		{50, 1, 0, "quality_score > 0.90", Pass},
		{100, 50, 0.8, "quality_score > 0.88", Pass}, // graded: of little spread
		{5, 5, 0.9, "quality_score > 0.8", Pass},     // graded, and all alike
	} {
		a := New(Config{Objectives: objectives(t, c.objective)})
		for i := range c.n {
			r := plain(time.Duration(i)*time.Second, time.Millisecond)
			r.Quality = new(1.0)
			if i*c.bad/c.n != (i+1)*c.bad/c.n {
				r.Quality = new(c.score)
			}
			a.Add(r)
		}
		if j := a.Summary(Run{}).SLO[0]; j.Verdict != c.want {
			t.Errorf("%d of %d at %v, %s: %s, want %s: %s", c.bad, c.n, c.score, c.objective, j.Verdict, c.want, j.Detail)
		}
	}
}

// Values of an edited log may be so large that their spread is no number, which is
// below every limit.
func TestMeanBeyondAllNumbers(t *testing.T) {
	for _, objective := range []string{"mean_latency_ms < 9", "mean_latency_ms > 9"} {
		a := New(Config{Objectives: objectives(t, objective)})
		for i := range 9 {
			r := plain(time.Duration(i)*time.Second, time.Millisecond)
			r.LatencyMs = new([]float64{1e300, 5, math.MaxFloat64}[i%3])
			a.Add(r)
		}
		if j := a.Summary(Run{}).SLO[0]; j.Verdict != Inconclusive || strings.Contains(j.Detail, "NaN") {
			t.Errorf("%s: %s, %s", objective, j.Verdict, j.Detail)
		}
	}
}
