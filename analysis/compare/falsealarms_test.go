package compare

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// The table of docs/compare.md is made by
//
//	go test ./analysis/compare -run FalseAlarms -v -rounds 300 -timeout 60m
var rounds = flag.Int("rounds", 5, "comparisons of each row of TestFalseAlarms")

// service is what is simulated: requests with a time to the first token and tokens at
// an even pace.
type service struct {
	name  string
	n     int
	sigma float64 // of the logarithm of the time to the first token
	// rho is the correlation of neighbours in the schedule.
	rho float64
	// load, above 0, makes the time to the first token that in a queue with one server
	// that is busy so much of the time (Lindley 1952), beside the time of the service.
	load float64
	// runs a side; their levels differ by noise, in logarithms.
	runs   int
	noise  float64
	errors float64 // share of requests that fail
}

// change is what a candidate does: factors of all times to the first token, and of those
// above the percentile 98.
type change struct{ all, tail float64 }

func (s service) run(rng *rand.Rand, c change) Run {
	level := 200 * c.all * math.Exp(s.noise*rng.NormFloat64())
	var b Builder
	z, wait, at := rng.NormFloat64(), 0.0, 0.0
	for i := range s.n {
		z = s.rho*z + math.Sqrt(1-s.rho*s.rho)*rng.NormFloat64()
		ttft := level * math.Exp(s.sigma*z)
		if z > 2.0537 { // percentile 98 of the standard normal
			ttft *= c.tail
		}
		if s.load > 0 {
			ttft += wait
			wait = max(0, wait+level*s.load*rng.ExpFloat64()-level*rng.ExpFloat64())
		}
		tpot := 20 * math.Exp(0.1*rng.NormFloat64())
		latency := ttft + tpot*64
		at += 0.05 * rng.ExpFloat64()
		b.Add(Request{
			Place: int64(i), Failed: rng.Float64() < s.errors, Start: at, End: at + latency/1000, Tokens: 65,
			Values: map[string]float64{"ttft_ms": ttft, "tpot_ms": tpot, "latency_ms": latency},
		})
	}
	return b.Run("")
}

func (s service) side(rng *rand.Rand, c change) (list []Run) {
	for range max(s.runs, 1) {
		list = append(list, s.run(rng, c))
	}
	return list
}

func moved(c Comparison, name string, v Verdict) bool {
	for _, m := range c.Metrics {
		if m.Name == name {
			return m.Verdict == v || m.Gate == Fail && v == Worse
		}
	}
	return false
}

// outcomes are shares of comparisons.
type outcomes struct {
	fail, any float64 // of a service with itself: fails, and calls anything better or worse
	p50, p99  float64 // finds 5 % more of the median, and 10 % more of the percentile 99 alone
	p99asked  float64 // that, with --max-regression p99_ttft_ms=0
}

func (s service) try(t *testing.T, rounds int) (o outcomes) {
	t.Helper()
	compare := func(a, b []Run, o Options) Comparison {
		c, err := Runs(a, b, o)
		if err != nil {
			t.Error(err)
		}
		return c
	}
	for i := range rounds {
		rng := rand.New(rand.NewPCG(uint64(i), uint64(len(s.name))))
		a, b := s.side(rng, change{1, 1}), s.side(rng, change{1, 1})
		same := compare(a, b, Options{})
		if same.Verdict == Fail {
			o.fail++
		}
		for _, m := range same.Metrics {
			if m.Verdict == Worse || m.Verdict == Better {
				o.any++
				break
			}
		}
		if moved(compare(a, s.side(rng, change{1.05, 1}), Options{}), "p50_ttft_ms", Worse) {
			o.p50++
		}
		tail := s.side(rng, change{1, 1.1})
		if moved(compare(a, tail, Options{}), "p99_ttft_ms", Worse) {
			o.p99++
		}
		if moved(compare(a, tail, Options{Limits: map[string]float64{"p99_ttft_ms": 0}}), "p99_ttft_ms", Worse) {
			o.p99asked++
		}
	}
	for _, v := range []*float64{&o.fail, &o.any, &o.p50, &o.p99, &o.p99asked} {
		*v /= float64(rounds)
	}
	return o
}

func TestFalseAlarms(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of comparisons")
	}
	rows := []struct {
		service
		power float64 // that must be reached for 5 % more of the median
	}{
		{service{name: "log-normal 0.1", n: 2000, sigma: 0.1}, 0.9},
		{service{name: "log-normal 0.2", n: 2000, sigma: 0.2}, 0.9},
		{service{name: "log-normal 0.3", n: 2000, sigma: 0.3}, 0.9},
		{service{name: "log-normal 0.3, 5 % fail", n: 2000, sigma: 0.3, errors: 0.05}, 0.9},
		{service{name: "log-normal 0.3, n 200", n: 200, sigma: 0.3}, 0},
		{service{name: "AR(1) 0.5, log-normal 0.2", n: 2000, sigma: 0.2, rho: 0.5}, 0},
		{service{name: "AR(1) 0.9, log-normal 0.2", n: 2000, sigma: 0.2, rho: 0.9}, 0},
		{service{name: "queue, 50 % busy", n: 2000, sigma: 0.1, load: 0.5}, 0},
		{service{name: "queue, 80 % busy", n: 2000, sigma: 0.1, load: 0.8}, 0},
		{service{name: "3 runs a side, noise 1 %", n: 700, sigma: 0.2, runs: 3, noise: 0.01}, 0},
		{service{name: "5 runs a side, noise 1 %", n: 400, sigma: 0.2, runs: 5, noise: 0.01}, 0},
	}
	got := make([]outcomes, len(rows))
	var wg sync.WaitGroup
	for i, row := range rows {
		wg.Go(func() { got[i] = row.try(t, *rounds) })
	}
	wg.Wait()
	// A share of so many comparisons may be off by so much by chance, at about 1 in 400.
	slack := func(p float64) float64 { return 2.8 * math.Sqrt(p*(1-p)/float64(*rounds)) }
	table := "\n| service | fails | any | +5 % p50 | +10 % p99 | asked |\n|---|---|---|---|---|---|\n"
	for i, row := range rows {
		o := got[i]
		table += fmt.Sprintf("| %s | %.1f %% | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n", row.name, 100*o.fail, 100*o.any, 100*o.p50, 100*o.p99, 100*o.p99asked)
		if o.fail > 0.05+slack(0.05) || o.any > 0.05+slack(0.05) {
			t.Errorf("%s: of comparisons with itself %.3f fail, %.3f find a change", row.name, o.fail, o.any)
		}
		if o.p50 < row.power-slack(0.9) {
			t.Errorf("%s: found %.3f of medians 5 %% higher, want %.2f", row.name, o.p50, row.power)
		}
	}
	t.Log(table)
}
