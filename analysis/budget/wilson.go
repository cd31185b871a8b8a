package budget

import (
	"math"
	"math/big"

	"llmops/analysis/stats"
)

// The level of confidence of all intervals, and the quantile of the normal
// distribution that goes with it.
const (
	level = 0.95
	z     = 1.959963984540054
)

// wilson is the Wilson score interval of a ratio of which bad of total were seen
// (E. B. Wilson, JASA 22, 1927). total is above 0; neither need be whole.
func wilson(bad, total float64) (low, high float64) {
	p, zz := bad/total, z*z
	centre := (p + zz/(2*total)) / (1 + zz/total)
	half := z * math.Sqrt(p*(1-p)/total+zz/(4*total*total)) / (1 + zz/total)
	low, high = centre-half, centre+half
	if bad <= 0 {
		low = 0
	}
	if bad >= total {
		high = 1
	}
	return max(low, 0), min(high, 1)
}

// weigh decides without rounding whether the upper end of the interval is at
// most the limit (pass) or the lower end above it (fail). The ends are where
// (p-x)^2 = z^2 x(1-x)/total, so a limit is outside of the interval if its own
// left side is greater, and its place with respect to the centre says on which
// side. z is its decimal text.
func weigh(bad, total int64, allowed *big.Rat) Verdict {
	if total == 0 {
		return NoData
	}
	n, p := new(big.Rat).SetInt64(total), big.NewRat(bad, total)
	quantile := stats.Exact(z)
	zz := mul(quantile, quantile)
	// centre*(1+zz/n) = p + zz/2n, with the limit on the other side.
	perEvent := new(big.Rat).Quo(zz, n)
	centre := new(big.Rat).Add(p, mul(perEvent, big.NewRat(1, 2)))
	side := mul(allowed, new(big.Rat).Add(one(), perEvent)).Cmp(centre)
	d := new(big.Rat).Sub(p, allowed)
	outside := mul(d, d).Cmp(mul(perEvent, allowed, new(big.Rat).Sub(one(), allowed)))
	switch {
	case side >= 0 && outside >= 0:
		return Pass
	case side < 0 && outside > 0:
		return Fail
	}
	return Undetermined
}

func one() *big.Rat { return big.NewRat(1, 1) }

func mul(first *big.Rat, more ...*big.Rat) *big.Rat {
	p := new(big.Rat).Set(first)
	for _, x := range more {
		p.Mul(p, x)
	}
	return p
}

// weighFloat is weigh where the count is not whole: the interval itself.
func weighFloat(low, high float64, allowed *big.Rat) Verdict {
	limit, _ := allowed.Float64()
	switch {
	case high <= limit:
		return Pass
	case low > limit:
		return Fail
	}
	return Undetermined
}
