package loadreport

import (
	"math"
	"testing"
	"time"
)

// Of a load that lasts as long as it was asked to, all of that time counts, also
// where little or nothing was due in it.
func TestRateOfASparseLoad(t *testing.T) {
	for _, c := range []struct {
		name      string
		due       []time.Duration
		window    time.Duration
		objective string
		rate      float64
		want      Verdict
	}{
		{"one request", []time.Duration{0}, 10 * time.Second, "requests_per_second > 1", 0.1, Fail},
		{"one request, near", []time.Duration{0}, 4 * time.Second, "requests_per_second > 0.2", 0.25, Inconclusive},
		{"one request, ceiling", []time.Duration{0}, 10 * time.Second, "requests_per_second < 1", 0.1, Pass},
		{"a late one", []time.Duration{9 * time.Second}, 10 * time.Second, "requests_per_second > 1", 0.1, Fail},
		{"not known", []time.Duration{0}, 0, "requests_per_second > 1", 1 / 0.33, Inconclusive},
		{"drained", []time.Duration{0, 1900 * time.Millisecond}, 2 * time.Second, "requests_per_second > 1", 2 / 2.23, Inconclusive},
	} {
		a := New(Config{Objectives: objectives(t, c.objective)})
		a.Start(epoch)
		for _, at := range c.due {
			a.Add(plain(at, 330*time.Millisecond))
		}
		s := a.Summary(Run{Load: Load{Mode: "open"}, Window: c.window})
		if got := *s.Throughput.RequestsPerSecond; math.Abs(got-c.rate) > 1e-6 || s.SLO[0].Verdict != c.want {
			t.Errorf("%s: %v requests/s, %s: %s; want %v, %s", c.name, got, s.SLO[0].Verdict, s.SLO[0].Detail, c.rate, c.want)
		}
	}
}

// Requests of an even schedule fall one into each slice, without any spread: what
// there are of them is all that is known of their rate.
func TestRateOfFewRequests(t *testing.T) {
	for _, c := range []struct {
		n         int
		objective string
		want      Verdict
	}{
		{20, "requests_per_second > 1.02", Inconclusive}, // 20 in 19 s
		{20, "requests_per_second > 0.69", Pass},         // chi-square: at least 13.25 in 19.01 s
		{20, "requests_per_second > 0.70", Inconclusive},
		{20, "requests_per_second < 1.52", Inconclusive}, // at most 29.06
		{20, "requests_per_second < 1.54", Pass},
		{20, "requests_per_second > 1.54", Fail},
		{50, "requests_per_second > 1", Inconclusive}, // 50 in 49 s
		{50, "requests_per_second < 1", Inconclusive},
		{50, "requests_per_second > 0.9", Pass},
	} {
		a := New(Config{Objectives: objectives(t, c.objective)})
		for i := range c.n {
			a.Add(plain(time.Duration(i)*time.Second, 10*time.Millisecond))
		}
		if j := a.Summary(Run{}).SLO[0]; j.Verdict != c.want {
			t.Errorf("%d requests, %s: %s, %s", c.n, c.objective, j.Verdict, j.Detail)
		}
	}
}

// Nothing good in a window speaks only for as long as that is.
func TestRateWithoutAny(t *testing.T) {
	for window, want := range map[time.Duration]Verdict{time.Second: Inconclusive, 10 * time.Second: Fail} {
		a := New(Config{Objectives: objectives(t, "max_latency_ms < 10", "goodput > 1")})
		a.Start(epoch)
		a.Add(plain(0, 100*time.Millisecond))
		if j := a.Summary(Run{Window: window}).SLO[1]; j.Verdict != want {
			t.Errorf("%s: %s, %s", window, j.Verdict, j.Detail)
		}
	}
}
