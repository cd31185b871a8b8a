package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestStudentT(t *testing.T) {
	// Printed t tables; df = 1 is the Cauchy quantile tan(pi(p-1/2)).
	for _, c := range []struct{ p, df, want float64 }{
		{0.95, 1, 6.313752}, {0.975, 4, 2.776445}, {0.95, 9, 1.833113}, {0.99, 19, 2.539483},
		{0.975, 1e6, 1.959966}, {0.05, 9, -1.833113}, {0.5, 3, 0},
	} {
		if got := StudentT(c.p, c.df); math.Abs(got-c.want) > 2e-6 {
			t.Errorf("StudentT(%v, %v) = %v, want %v", c.p, c.df, got, c.want)
		}
	}
}

func TestWelford(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var all Welford
	var values []float64
	for range 1000 {
		x := 1e9 + r.NormFloat64()
		values = append(values, x)
		all.Add(x)
	}
	mean, m2 := 0.0, 0.0
	for _, x := range values {
		mean += (x - 1e9) / 1000
	}
	for _, x := range values {
		m2 += (x - 1e9 - mean) * (x - 1e9 - mean)
	}
	if v, ok := all.Variance(); !ok || all.N != 1000 || math.Abs(all.Mean-1e9-mean) > 1e-6 || math.Abs(v-m2/999) > 1e-6 {
		t.Errorf("%+v, want mean %v variance %v", all, 1e9+mean, m2/999)
	}
	// 10 values 1..10: 5.5 -/+ t(0.95, 9) * sqrt(55/6/10).
	var w Welford
	for i := range 10 {
		w.Add(float64(i + 1))
	}
	low, high, _ := w.Bounds(0.95)
	if half := 1.8331129327 * math.Sqrt(55.0/60); math.Abs(low-(5.5-half)) > 1e-8 || math.Abs(high-(5.5+half)) > 1e-8 {
		t.Errorf("%v to %v", low, high)
	}
	var one Welford
	one.Add(3)
	if _, _, ok := one.Bounds(0.95); ok {
		t.Error("one value has no spread")
	}
}

// With clusters of one value the ratio is the mean and its bounds are those of
// the mean.
func TestRatioOfSingles(t *testing.T) {
	var r Ratio
	var w Welford
	src := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		x := src.ExpFloat64() * 100
		r.Add(x, 1)
		w.Add(x)
	}
	e, _ := r.Estimate()
	l1, h1, _ := r.Bounds(0.95)
	l2, h2, _ := w.Bounds(0.95)
	if math.Abs(e-w.Mean) > 1e-9 || math.Abs(l1-l2) > 1e-9 || math.Abs(h1-h2) > 1e-9 {
		t.Errorf("%v [%v, %v], want %v [%v, %v]", e, l1, h1, w.Mean, l2, h2)
	}
}

func TestEffectiveTrials(t *testing.T) {
	var alike, spread Ratio
	src := rand.New(rand.NewPCG(9, 10))
	for i := range 200 {
		all := 0.0
		if i%4 == 0 {
			all = 50 // every value of a cluster misses, or none
		}
		alike.Add(all, 50)
		k := 0.0
		for range 50 {
			if src.Float64() < 0.25 {
				k++
			}
		}
		spread.Add(k, 50)
	}
	if n := alike.EffectiveTrials(); n < 195 || n > 205 {
		t.Errorf("clusters of equal values are worth %v trials, want about 200", n)
	}
	if n := spread.EffectiveTrials(); n < 7000 || n > 10_000 {
		t.Errorf("independent values are worth %v trials, want about 10000", n)
	}
	var none Ratio
	for range 30 {
		none.Add(0, 100)
	}
	if n := none.EffectiveTrials(); n != 30 {
		t.Errorf("without any miss the clusters are the trials: %v", n)
	}
	// One cluster of 901 and 99 of 1: (1000)^2 / (901^2 + 99) = 1.2317.
	var unlike Ratio
	unlike.Add(0, 901)
	for range 99 {
		unlike.Add(0, 1)
	}
	if n := unlike.EffectiveTrials(); math.Abs(n-1e6/(901*901+99)) > 1e-9 {
		t.Errorf("a hundred clusters of unlike size are worth %v", n)
	}
}

// More misses never earn more credit, as long as few clusters have one.
func TestEffectiveTrialsOfFewMisses(t *testing.T) {
	credit := func(misses ...float64) float64 {
		var r Ratio
		for i := range 60 {
			y := 0.0
			if i < len(misses) {
				y = misses[i]
			}
			r.Add(y, 100)
		}
		return r.EffectiveTrials()
	}
	last := credit()
	for _, misses := range [][]float64{{1}, {2}, {1, 1}, {1, 1, 1}, {5, 1, 1}, {50}, {100, 100}} {
		if n := credit(misses...); n > last+1e-9 || n > 60+1e-9 {
			t.Errorf("%v misses earn %v trials, fewer earn %v", misses, n, last)
		} else {
			last = min(last, n)
		}
	}
}

// Requests of unlike length, 5 % of them slow from end to end or by half: a
// p95 of their gaps that sits at the limit must not pass in more than about
// 5 % of runs.
func TestEffectiveTrialsKeepTheConfidence(t *testing.T) {
	const runs = 600
	limit, confidence := rat("0.05"), rat("0.95")
	for _, sigma := range []float64{0, 1, 1.5} {
		for _, share := range []float64{1, 0.5} {
			for _, n := range []int{60, 150, 600} {
				src := rand.New(rand.NewPCG(31, uint64(n)))
				passed := 0
				for range runs {
					var r Ratio
					for range n {
						x, y := max(1, math.Round(100*math.Exp(sigma*src.NormFloat64()-sigma*sigma/2))), 0.0
						if src.Float64() < 0.05/share {
							y = math.Round(share * x)
						}
						r.Add(y, x)
					}
					trials := r.EffectiveTrials()
					k := uint64(math.Ceil(r.y/r.x*trials - 1e-9))
					if RateBelow(k, uint64(trials), limit, confidence) {
						passed++
					}
				}
				got := 100 * float64(passed) / runs
				t.Logf("sigma %.1f, %.0f%% of the gaps of a slow request, %d requests: %.1f%% pass", sigma, share*100, n, got)
				if got > 6 {
					t.Errorf("sigma %.1f, %.0f%%, %d requests: %.1f%% pass at the limit", sigma, share*100, n, got)
				}
			}
		}
	}
}
