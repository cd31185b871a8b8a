package stats

import (
	"math"
	"math/big"

	"gonum.org/v1/gonum/mathext"
)

// BinomialCDF is P(X <= k) of X ~ Binomial(n, p), by the regularised
// incomplete beta function: I_{1-p}(n-k, k+1) (DLMF 8.17.5).
func BinomialCDF(k, n uint64, p float64) float64 {
	switch {
	case k >= n || p <= 0:
		return 1
	case p >= 1:
		return 0
	}
	return mathext.RegIncBeta(float64(n-k), float64(k)+1, 1-p)
}

// binomialSF is P(X >= k), without the loss of 1 - CDF in the far tail.
func binomialSF(k, n uint64, p float64) float64 {
	switch {
	case k == 0 || p >= 1:
		return 1
	case k > n || p <= 0:
		return 0
	}
	return mathext.RegIncBeta(float64(k), float64(n-k)+1, p)
}

// UpperBound is the one-sided Clopper-Pearson bound: the greatest rate at
// which k or fewer events out of n still have a probability of 1-confidence.
func UpperBound(k, n uint64, confidence float64) float64 {
	if k >= n {
		return 1
	}
	return mathext.InvRegIncBeta(float64(k)+1, float64(n-k), confidence)
}

// LowerBound is the counterpart of UpperBound for k or more events.
func LowerBound(k, n uint64, confidence float64) float64 {
	if k == 0 || k > n {
		return 0
	}
	return mathext.InvRegIncBeta(float64(k), float64(n-k)+1, 1-confidence)
}

// RateBelow tells whether k events out of n show, at the confidence, that the
// rate is below limit: P(X <= k | n, limit) <= 1-confidence, the exact
// one-sided test behind UpperBound. With limit 0.01 and confidence 0.99 it
// takes 459 trials without an event, 662 with one, 838 with two.
func RateBelow(k, n uint64, limit, confidence *big.Rat) bool {
	if n == 0 || limit.Sign() <= 0 {
		return false
	}
	p, _ := limit.Float64()
	return tailAtMost(BinomialCDF(k, n, p), k, n, limit, confidence)
}

// RateAbove tells whether k events out of n show, at the confidence, that the
// rate is above limit: P(X >= k | n, limit) <= 1-confidence.
func RateAbove(k, n uint64, limit, confidence *big.Rat) bool {
	one := big.NewRat(1, 1)
	if n == 0 || k == 0 || limit.Cmp(one) >= 0 {
		return false
	}
	p, _ := limit.Float64()
	// P(X >= k | p) = P(n-X <= n-k | 1-p).
	return tailAtMost(binomialSF(k, n, p), n-k, n, one.Sub(one, limit), confidence)
}

// exactTrials bounds the exact comparison below; it takes milliseconds there.
const exactTrials = 4096

// tailAtMost compares the tail P(X <= k | n, p) with 1-confidence. Where the
// floating-point value is too near to tell, whole numbers decide.
func tailAtMost(tail float64, k, n uint64, p, confidence *big.Rat) bool {
	alpha := new(big.Rat).Sub(big.NewRat(1, 1), confidence)
	a, _ := alpha.Float64()
	if math.Abs(tail-a) > 1e-9*a || n > exactTrials {
		return tail <= a
	}
	// Sum of C(n,i) u^i (v-u)^(n-i) for p = u/v, against alpha * v^n.
	u, v := p.Num(), p.Denom()
	w := new(big.Int).Sub(v, u)
	if w.Sign() <= 0 {
		return k < n || alpha.Cmp(big.NewRat(1, 1)) >= 0
	}
	exp := func(x *big.Int) *big.Int { return new(big.Int).Exp(x, new(big.Int).SetUint64(n), nil) }
	term, sum := exp(w), new(big.Int)
	for i := range k + 1 {
		sum.Add(sum, term)
		term.Mul(term, u).Mul(term, new(big.Int).SetUint64(n-i))
		term.Quo(term, w).Quo(term, new(big.Int).SetUint64(i+1))
	}
	sum.Mul(sum, alpha.Denom())
	return sum.Cmp(new(big.Int).Mul(alpha.Num(), exp(v))) <= 0
}

// TrialsToDecide is about the least number of trials, more than from, at which
// events in the ratio k/n would settle the question: below (RateBelow) or above
// (RateAbove) the limit. False when the ratio is the limit itself or no number
// up to a billion is enough.
func TrialsToDecide(k, n, from uint64, limit, confidence *big.Rat) (uint64, bool) {
	if n == 0 || k > n {
		return 0, false
	}
	side := new(big.Rat).SetFrac(new(big.Int).SetUint64(k), new(big.Int).SetUint64(n)).Cmp(limit)
	if side == 0 {
		return 0, false
	}
	// The count is rounded against the claim, so that the answer never
	// promises too much.
	decides := func(m uint64) bool {
		x := float64(k) / float64(n) * float64(m)
		if side < 0 {
			return RateBelow(uint64(math.Ceil(x-1e-9)), m, limit, confidence)
		}
		return RateAbove(uint64(math.Floor(x+1e-9)), m, limit, confidence)
	}
	low := from + 1
	high := low
	for !decides(high) {
		if high > 1_000_000_000 {
			return 0, false
		}
		low, high = high+1, high*2
	}
	for low < high {
		if mid := low + (high-low)/2; decides(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return high, true
}
