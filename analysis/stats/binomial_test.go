package stats

import (
	"math"
	"math/big"
	"testing"
)

func rat(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// Sample sizes of MLPerf's early stopping: the least n at which so many events
// over the percentile still show it.
func TestRateBelowKnownSampleSizes(t *testing.T) {
	for _, c := range []struct {
		confidence, limit string
		k, n              uint64
	}{
		{"0.99", "0.01", 0, 459}, {"0.99", "0.01", 1, 662}, {"0.99", "0.01", 2, 838},
		{"0.99", "0.01", 5, 1307}, {"0.99", "0.01", 10, 2010},
		{"0.99", "0.001", 0, 4603}, {"0.99", "0.001", 1, 6636},
		{"0.95", "0.01", 0, 299}, {"0.95", "0.01", 1, 473}, {"0.95", "0.01", 2, 628},
		{"0.95", "0.05", 0, 59}, {"0.95", "0.05", 1, 93}, {"0.9", "0.1", 0, 22},
	} {
		if !RateBelow(c.k, c.n, rat(c.limit), rat(c.confidence)) {
			t.Errorf("%d of %d is not enough for %s at %s", c.k, c.n, c.limit, c.confidence)
		}
		if RateBelow(c.k, c.n-1, rat(c.limit), rat(c.confidence)) {
			t.Errorf("%d of %d is enough for %s at %s", c.k, c.n-1, c.limit, c.confidence)
		}
		// The bound is the other face of the test.
		limit, _ := rat(c.limit).Float64()
		confidence, _ := rat(c.confidence).Float64()
		if b := UpperBound(c.k, c.n, confidence); b > limit {
			t.Errorf("upper bound of %d of %d is %v", c.k, c.n, b)
		}
		if b := UpperBound(c.k, c.n-1, confidence); b <= limit {
			t.Errorf("upper bound of %d of %d is %v", c.k, c.n-1, b)
		}
	}
}

// exactCDF sums the terms as fractions: an independent definition.
func exactCDF(k, n uint64, p *big.Rat) *big.Rat {
	q := new(big.Rat).Sub(big.NewRat(1, 1), p)
	sum := new(big.Rat)
	for i := range k + 1 {
		term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(i)))
		for range i {
			term.Mul(term, p)
		}
		for range n - i {
			term.Mul(term, q)
		}
		sum.Add(sum, term)
	}
	return sum
}

func TestTestsAgainstExactFractions(t *testing.T) {
	one := big.NewRat(1, 1)
	for _, limit := range []string{"0.05", "0.5", "0.9", "0.95", "0.25"} {
		p := rat(limit)
		for n := uint64(1); n <= 14; n++ {
			for k := range n + 1 {
				want := exactCDF(k, n, p)
				f, _ := want.Float64()
				pf, _ := p.Float64()
				if got := BinomialCDF(k, n, pf); math.Abs(got-f) > 1e-12 {
					t.Errorf("CDF(%d, %d, %s) = %v, want %v", k, n, limit, got, f)
				}
				for _, confidence := range []string{"0.95", "0.99", "0.75", "0.5"} {
					alpha := new(big.Rat).Sub(one, rat(confidence))
					if got, want := RateBelow(k, n, p, rat(confidence)), want.Cmp(alpha) <= 0; got != want {
						t.Errorf("RateBelow(%d, %d, %s, %s) = %v", k, n, limit, confidence, got)
					}
					above := one
					if k > 0 {
						above = new(big.Rat).Sub(one, exactCDF(k-1, n, p))
					}
					if got, want := RateAbove(k, n, p, rat(confidence)), above.Cmp(alpha) <= 0; got != want {
						t.Errorf("RateAbove(%d, %d, %s, %s) = %v", k, n, limit, confidence, got)
					}
				}
			}
		}
	}
}

// With n = 1 and p = 0.95 the tail is 1-0.95 = 0.05 exactly, which floating
// point puts on the wrong side.
func TestExactTie(t *testing.T) {
	if !RateBelow(0, 1, rat("0.95"), rat("0.95")) {
		t.Error("a tail equal to 1-confidence decides")
	}
	if !RateAbove(1, 1, rat("0.05"), rat("0.95")) {
		t.Error("a tail equal to 1-confidence decides")
	}
}

// Clopper-Pearson bounds with closed forms: 1-(1-c)^(1/n) for no event, and
// the mirror for nothing but events. 5 of 20 at 97.5 % is the textbook interval
// 0.0866 to 0.4910.
func TestClopperPearson(t *testing.T) {
	for _, n := range []uint64{1, 2, 10, 100, 100_000} {
		want := -math.Expm1(math.Log(0.05) / float64(n))
		if got := UpperBound(0, n, 0.95); math.Abs(got-want) > 1e-9*want {
			t.Errorf("upper bound of 0 of %d: %v, want %v", n, got, want)
		}
		if got := LowerBound(n, n, 0.95); math.Abs(got-(1-want)) > 1e-9 {
			t.Errorf("lower bound of %d of %d: %v, want %v", n, n, got, 1-want)
		}
	}
	if l, u := LowerBound(5, 20, 0.975), UpperBound(5, 20, 0.975); math.Abs(l-0.08657) > 1e-5 || math.Abs(u-0.49105) > 1e-5 {
		t.Errorf("5 of 20: %v to %v", l, u)
	}
	if LowerBound(0, 10, 0.95) != 0 || UpperBound(10, 10, 0.95) != 1 {
		t.Error("the ends are 0 and 1")
	}
}

func TestNothingToDecide(t *testing.T) {
	c := rat("0.95")
	for name, got := range map[string]bool{
		"no trials below":   RateBelow(0, 0, rat("0.5"), c),
		"no trials above":   RateAbove(0, 0, rat("0.5"), c),
		"below zero":        RateBelow(0, 1000, new(big.Rat), c),
		"above one":         RateAbove(1000, 1000, big.NewRat(1, 1), c),
		"none above":        RateAbove(0, 1000, rat("0.5"), c),
		"both ways, low":    RateBelow(5, 100, rat("0.05"), c),
		"both ways, high":   RateAbove(5, 100, rat("0.05"), c),
		"everything, below": RateBelow(10, 10, rat("0.99"), c),
	} {
		if got {
			t.Errorf("%s is decided", name)
		}
	}
}

func TestTrialsToDecide(t *testing.T) {
	c := rat("0.95")
	for _, k := range []struct{ k, n, want uint64 }{{0, 10, 299}, {0, 298, 299}, {0, 299, 300}} {
		if got, ok := TrialsToDecide(k.k, k.n, k.n, rat("0.01"), c); !ok || got != k.want {
			t.Errorf("%d of %d: %d, want %d", k.k, k.n, got, k.want)
		}
	}
	if n, ok := TrialsToDecide(5, 100, 100, rat("0.05"), c); ok {
		t.Errorf("a ratio at the limit is decided after %d", n)
	}
	for _, k := range []struct{ k, n uint64 }{{3, 100}, {8, 100}, {49, 1000}, {52, 1000}, {1, 3}} {
		n, ok := TrialsToDecide(k.k, k.n, k.n, rat("0.05"), c)
		if !ok || n <= k.n {
			t.Fatalf("%v: %d %v", k, n, ok)
		}
		x := float64(k.k) / float64(k.n) * float64(n)
		if !RateBelow(uint64(math.Ceil(x)), n, rat("0.05"), c) && !RateAbove(uint64(x), n, rat("0.05"), c) {
			t.Errorf("%v: %d trials do not decide", k, n)
		}
	}
}
