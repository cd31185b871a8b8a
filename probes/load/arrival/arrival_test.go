package arrival

import (
	"math"
	"slices"
	"testing"
	"time"
)

func take(p Process, n int) []time.Duration {
	var out []time.Duration
	for at := range p.Times() {
		if out = append(out, at); len(out) == n {
			break
		}
	}
	return out
}

func TestConstantIsConstantAndNeverDrifts(t *testing.T) {
	got := take(Process{Kind: Constant, Rate: 3}, 3_000_001)
	for _, i := range []int{0, 1, 2, 3, 999_999, 3_000_000} {
		want := time.Duration(math.Round(float64(i)/3*1e6)) * time.Microsecond
		if got[i] != want {
			t.Errorf("arrival %d at %v, want %v", i, got[i], want)
		}
	}
	if got[3_000_000] != 1_000_000*time.Second {
		t.Errorf("arrival 3,000,000 at 3/s is at %v, want exactly 1,000,000 s", got[3_000_000])
	}
}

// Kolmogorov-Smirnov: the largest distance between the empirical distribution
// of the gaps and the exponential one stays below 1.63/sqrt(n), the 1 % level.
func TestPoissonGapsAreExponential(t *testing.T) {
	const n, rate = 20_000, 100.0
	for seed := range uint64(5) {
		at := take(Process{Kind: Poisson, Rate: rate, Seed: seed}, n)
		gaps := gapsOf(at)
		slices.Sort(gaps)
		var d float64
		for i, g := range gaps {
			f := 1 - math.Exp(-g*rate)
			d = max(d, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
		}
		if limit := 1.63 / math.Sqrt(n); d > limit {
			t.Errorf("seed %d: D = %.5f, limit %.5f", seed, d, limit)
		}
	}
}

func TestGammaHasItsCoefficientOfVariation(t *testing.T) {
	for _, b := range []float64{0.25, 0.5, 1, 4, 25} {
		gaps := gapsOf(take(Process{Kind: Gamma, Rate: 50, Burstiness: b, Seed: 7}, 200_000))
		var sum, sq float64
		for _, g := range gaps {
			sum += g
			sq += g * g
		}
		n := float64(len(gaps))
		mean := sum / n
		cv := math.Sqrt(sq/n-mean*mean) / mean
		if want := 1 / math.Sqrt(b); math.Abs(cv-want) > 0.03*want {
			t.Errorf("burstiness %v: coefficient of variation %.4f, want %.4f", b, cv, want)
		}
		if math.Abs(mean-0.02) > 0.03*0.02 {
			t.Errorf("burstiness %v: mean gap %.5f s, want 0.02", b, mean)
		}
	}
}

func TestSameSeedSameSchedule(t *testing.T) {
	for _, k := range []Kind{Poisson, Gamma} {
		p := Process{Kind: k, Rate: 10, Burstiness: 2, Seed: 42}
		if !slices.Equal(take(p, 1000), take(p, 1000)) {
			t.Errorf("%s: two schedules of one seed differ", k)
		}
		q := p
		q.Seed = 43
		if slices.Equal(take(p, 1000), take(q, 1000)) {
			t.Errorf("%s: the seed does not matter", k)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, p := range []Process{{Kind: Constant}, {Kind: Constant, Rate: -1}, {Kind: Constant, Rate: math.NaN()},
		{Kind: Constant, Rate: math.Inf(1)}, {Kind: "bursty", Rate: 1}, {Kind: Gamma, Rate: 1}, {Kind: Gamma, Rate: 1, Burstiness: math.NaN()}} {
		if p.Validate() == nil {
			t.Errorf("%+v passes", p)
		}
	}
	if err := (Process{Kind: Constant}).Validate(); err == nil || err.Error() != "rate 0 must be above 0 and at most 1000000 requests a second" {
		t.Errorf("rate 0: %v", err)
	}
	if err := (Process{Kind: Poisson, Rate: 0.1}).Validate(); err != nil {
		t.Error(err)
	}
}

func gapsOf(at []time.Duration) []float64 {
	gaps := make([]float64, len(at))
	var last time.Duration
	for i, a := range at {
		gaps[i] = (a - last).Seconds()
		last = a
	}
	return gaps
}
