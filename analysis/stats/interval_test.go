package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestWilson(t *testing.T) {
	// Values of the closed form, worked out in exact arithmetic elsewhere:
	// 10 of 100 and 0 of 10 are the usual textbook cases.
	for _, c := range []struct {
		k, n      uint64
		low, high float64
	}{{10, 100, 0.0552291, 0.1743657}, {0, 10, 0, 0.2775328}, {10, 10, 0.7224672, 1}, {1, 2, 0.0945312, 0.9054688}} {
		low, high, ok := Wilson(c.k, c.n, Z95)
		if !ok || math.Abs(low-c.low) > 1e-6 || math.Abs(high-c.high) > 1e-6 {
			t.Errorf("Wilson(%d, %d) = %v, %v", c.k, c.n, low, high)
		}
	}
	if _, _, ok := Wilson(0, 0, Z95); ok {
		t.Error("an interval of nothing")
	}
}

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
	var parts [2]Welford
	var values []float64
	for range 1000 {
		x := 1e9 + r.NormFloat64()
		values = append(values, x)
		all.Add(x)
		parts[r.IntN(2)].Add(x)
	}
	mean, m2 := 0.0, 0.0
	for _, x := range values {
		mean += (x - 1e9) / 1000
	}
	for _, x := range values {
		m2 += (x - 1e9 - mean) * (x - 1e9 - mean)
	}
	parts[0].Merge(parts[1])
	for _, w := range []Welford{all, parts[0]} {
		v, ok := w.Variance()
		if !ok || w.N != 1000 || math.Abs(w.Mean-1e9-mean) > 1e-6 || math.Abs(v-m2/999) > 1e-6 {
			t.Errorf("%+v, want mean %v variance %v", w, 1e9+mean, m2/999)
		}
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
		t.Errorf("clusters of equal values are worth %d trials, want about 200", n)
	}
	if n := spread.EffectiveTrials(); n < 7000 || n > 10_000 {
		t.Errorf("independent values are worth %d trials, want about 10000", n)
	}
	var none Ratio
	for range 30 {
		none.Add(0, 100)
	}
	if n := none.EffectiveTrials(); n != 30 {
		t.Errorf("without any event the clusters are the trials: %d", n)
	}
}
