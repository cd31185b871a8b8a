package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawn is a run of n requests with log-normal times.
func drawn(rng *rand.Rand, n int, ttft float64, sigma float64) Run {
	r := Run{Name: "r", Total: int64(n), Values: map[string][]float64{}}
	for range n {
		t := ttft * math.Exp(sigma*rng.NormFloat64())
		tpot := 20 * math.Exp(0.1*rng.NormFloat64())
		r.Values["ttft_ms"] = append(r.Values["ttft_ms"], t)
		r.Values["tpot_ms"] = append(r.Values["tpot_ms"], tpot)
		r.Values["latency_ms"] = append(r.Values["latency_ms"], t+tpot*64)
	}
	for range 100 {
		q := 20 + 2*rng.NormFloat64()
		r.Slices = append(r.Slices, Slice{Seconds: 1, Requests: q, Tokens: 64 * q})
	}
	return r
}

func TestFalseAlarmsAndPower(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of comparisons")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	const rounds = 20
	for _, sigma := range []float64{0.2, 0.3, 0.4} {
		alarms, found, any := 0, 0, 0
		for range rounds {
			a, b, c := drawn(rng, 2000, 200, sigma), drawn(rng, 2000, 200, sigma), drawn(rng, 2000, 210, sigma)
			aa, err := Runs([]Run{a}, []Run{b}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if aa.Verdict == Fail {
				alarms++
			}
			for _, m := range aa.Metrics {
				if m.Judged && (m.Verdict == Worse || m.Verdict == Better) {
					any++
					break
				}
			}
			ac, _ := Runs([]Run{a}, []Run{c}, Options{})
			for _, m := range ac.Metrics {
				if m.Name == "p50_ttft_ms" && m.Verdict == Worse {
					found++
				}
			}
		}
		t.Logf("sigma %v: fail %.3f, any %.3f, power %.3f", sigma, float64(alarms)/rounds, float64(any)/rounds, float64(found)/rounds)
	}
}
