package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The batches hold everything, whatever the length and the order of adding.
func TestSequenceHoldsEverything(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 7, 31, 32, 33, 64, 65, 1000, 100_000} {
		var inOrder, mixed Sequence
		sum := 0.0
		y := make([]float64, n)
		for i := range y {
			y[i] = float64(src.IntN(10))
			sum += y[i]
			inOrder.Add(uint64(i), y[i], 1)
		}
		for _, i := range src.Perm(n) {
			mixed.Add(uint64(i), y[i], 1)
		}
		if inOrder != mixed {
			t.Errorf("%d clusters: the order of adding shows", n)
		}
		for by := 1; by <= 4; by *= 2 {
			r := inOrder.merged(by)
			if r.y != sum || r.x != float64(n) {
				t.Errorf("%d clusters, merged by %d: %v of %v", n, by, r.y, sum)
			}
			if by == 1 && n > 32 && (r.N < 17 || r.N > 32) {
				t.Errorf("%d clusters in %d batches", n, r.N)
			}
		}
	}
	var far Sequence
	far.Add(math.MaxUint64, 1, 1)
	far.Add(0, 1, 1)
	if r := far.merged(1); r.N != 2 || r.y != 2 {
		t.Errorf("%+v", r)
	}
}

// sequence has n requests, those at the places given a miss.
func sequence(n int, misses ...int) *Sequence {
	var s Sequence
	for i := range n {
		y := 0.0
		for _, m := range misses {
			if m == i {
				y = 1
			}
		}
		s.Add(uint64(i), y, 1)
	}
	return &s
}

func TestDesignEffect(t *testing.T) {
	for name, c := range map[string]struct {
		s         *Sequence
		low, high float64
	}{
		"no miss":            {sequence(299), 1, 1},
		"one":                {sequence(473, 200), 1, 1},
		"one at the end":     {sequence(473, 472), 1, 1},
		"two, far apart":     {sequence(628, 100, 400), 1, 1},
		"three, far apart":   {sequence(1000, 100, 400, 800), 1, 1},
		"two neighbours":     {sequence(628, 100, 101), 1.9, 2.5},
		"four neighbours":    {sequence(628, 100, 101, 102, 103), 3.8, 5.5},
		"few requests":       {sequence(7, 0, 1), 1, 1},
		"nothing but misses": {sequence(20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19), 1, 1},
		"empty":              {&Sequence{}, 1, 1},
	} {
		got, upper := c.s.DesignEffect(0.95)
		if got < c.low || got > c.high || upper < got {
			t.Errorf("%s: %v (upper end %v), want %v to %v", name, got, upper, c.low, c.high)
		}
	}
}

// sojourns are the times in an M/M/1 queue in the order of arrival, from its
// stationary state on (Lindley 1952), with a service time of 1. Their
// distribution is exponential with mean 1/(1-rho). With rho 0 there is no queue.
func sojourns(src *rand.Rand, rho float64, out []float64) {
	wait := 0.0
	if src.Float64() < rho {
		wait = src.ExpFloat64() / (1 - rho)
	}
	for i := range out {
		out[i] = wait + src.ExpFloat64()
		if rho > 0 {
			wait = max(0, out[i]-src.ExpFloat64()/rho)
		}
	}
}

type falseVerdicts struct{ pass, fail, mean float64 } // in percent

// atTheLimit judges "p95 < the true p95" (and "mean < the true mean") on many
// runs of a queue, by the plain binomial test and with the design effect.
// Neither pass nor fail is right there.
func atTheLimit(rho float64, n, runs int) (before, after falseVerdicts) {
	src := rand.New(rand.NewPCG(41, uint64(n)))
	limit, confidence := rat("0.05"), rat("0.95")
	p95, mean := math.Log(20)/(1-rho), 1/(1-rho)
	each := 100 / float64(runs)
	times := make([]float64, n)
	for range runs {
		sojourns(src, rho, times)
		var misses, values Sequence
		for i, x := range times {
			y := 0.0
			if x >= p95 {
				y = 1
			}
			misses.Add(uint64(i), y, 1)
			values.Add(uint64(i), x, 1)
		}
		verdict := func(effect float64, into *falseVerdicts) {
			k, m := misses.y/effect, float64(n)/effect
			switch {
			case RateBelow(uint64(math.Ceil(k-1e-9)), uint64(m+1e-9), limit, confidence):
				into.pass += each
			case RateAbove(uint64(k+1e-9), uint64(math.Ceil(m-1e-9)), limit, confidence):
				into.fail += each
			}
		}
		verdict(1, &before)
		verdict(MissEffect(&misses, &values, 0.95), &after)
		if _, high, _ := values.Ratio.Bounds(0.95); high < mean {
			before.mean += each
		}
		if _, high, _ := values.Bounds(0.95); high < mean {
			after.mean += each
		}
	}
	return before, after
}

// The table of docs/metrics.md, with fewer runs.
func TestQueueKeepsTheConfidence(t *testing.T) {
	for _, n := range []int{500, 2000} {
		for _, rho := range []float64{0, 0.3, 0.5, 0.7, 0.8, 0.9} {
			before, after := atTheLimit(rho, n, 200)
			t.Logf("n %d, rho %.1f: pass %.1f%% -> %.1f%%, fail %.1f%% -> %.1f%%, mean %.1f%% -> %.1f%%", n, rho,
				before.pass, after.pass, before.fail, after.fail, before.mean, after.mean)
			if after.pass > before.pass || after.fail > 8 {
				t.Errorf("n %d, rho %.1f: %+v, was %+v", n, rho, after, before)
			}
			switch {
			case rho == 0 && (after.pass > 6 || after.fail > 6 || after.mean > 7),
				n == 2000 && rho <= 0.8 && after.pass > 10:
				t.Errorf("n %d, rho %.1f: %+v", n, rho, after)
			case n == 2000 && rho == 0.7 && before.pass < 30:
				t.Errorf("the plain test passes only %.1f%%: the queue is not what it should be", before.pass)
			}
		}
	}
}

// Independent requests keep their power: with half of the misses allowed, the
// design effect costs few of the passes.
func TestIndependentRequestsKeepThePower(t *testing.T) {
	src := rand.New(rand.NewPCG(51, 52))
	limit, confidence := rat("0.05"), rat("0.95")
	const runs, n = 300, 500
	plain, with := 0, 0
	for range runs {
		var misses, values Sequence
		for i := range n {
			x, y := src.ExpFloat64(), 0.0
			if x >= math.Log(40) { // 2.5 %
				y = 1
			}
			misses.Add(uint64(i), y, 1)
			values.Add(uint64(i), x, 1)
		}
		if RateBelow(uint64(misses.y), n, limit, confidence) {
			plain++
		}
		effect := MissEffect(&misses, &values, 0.95)
		if RateBelow(uint64(math.Ceil(misses.y/effect-1e-9)), uint64(n/effect+1e-9), limit, confidence) {
			with++
		}
	}
	t.Logf("of %d runs %d pass, %d by the plain test", runs, with, plain)
	if with < plain*85/100 {
		t.Errorf("of %d runs only %d pass, %d by the plain test", runs, with, plain)
	}
}

func BenchmarkSequenceAdd(b *testing.B) {
	var s Sequence
	i := uint64(0)
	for b.Loop() {
		s.Add(i, 1, 1)
		i++
	}
}
