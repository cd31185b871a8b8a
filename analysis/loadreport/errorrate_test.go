package loadreport

import (
	"math/rand/v2"
	"testing"
	"time"
)

// At the limit itself neither verdict is right, and each may come up in at most
// 5 % of runs. The tests must keep that promise, for clustered gaps too.
func TestFalseVerdictsAreRare(t *testing.T) {
	const runs = 400
	for name, c := range map[string]struct {
		objective string
		add       func(*rand.Rand, *Aggregator)
	}{
		"share": {"p95_latency_ms < 100", func(r *rand.Rand, a *Aggregator) {
			for i := range 300 {
				latency := ms(50)
				if r.Float64() < 0.05 {
					latency = ms(200)
				}
				a.Add(plain(time.Duration(i)*ms(10), latency))
			}
		}},
		"gaps": {"p95_itl_ms < 15", func(r *rand.Rand, a *Aggregator) {
			for i := range 150 {
				gap := ms(10)
				if r.Float64() < 0.05 { // the whole request is slow
					gap = ms(20)
				}
				a.Add(streamed(time.Duration(i)*ms(10), ms(5), gap, 21))
			}
		}},
		"queue": {"p95_latency_ms < 59.914645", func(r *rand.Rand, a *Aggregator) {
			// M/M/1 at rho 0.5 with a service time of 10 ms, in its stationary
			// state: the sojourn is exponential with mean 20 ms.
			wait := 0.0
			if r.Float64() < 0.5 {
				wait = r.ExpFloat64() * 20
			}
			for i := range 1000 {
				sojourn := wait + r.ExpFloat64()*10
				a.Add(plain(time.Duration(i)*ms(20), ms(sojourn)))
				wait = max(0, sojourn-r.ExpFloat64()*20)
			}
		}},
		"mean": {"mean_latency_ms < 50", func(r *rand.Rand, a *Aggregator) {
			for i := range 200 {
				a.Add(plain(time.Duration(i)*ms(10), ms(50+r.NormFloat64()*10)))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(21, 22))
			count := map[Verdict]int{}
			for range runs {
				a := New(Config{Objectives: objectives(t, c.objective)})
				c.add(r, a)
				count[a.Summary(Run{}).SLO[0].Verdict]++
			}
			t.Logf("of %d runs: %v", runs, count)
			// 5 % of 400 and three standard deviations of that count.
			// A fail of requests that resemble each other is one of the run.
			if limit := 20 + 13; count[Pass] > limit || count[Fail] > limit && name != "queue" {
				t.Errorf("of %d runs at the limit %d pass and %d fail", runs, count[Pass], count[Fail])
			}
		})
	}
}
