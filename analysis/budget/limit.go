package budget

import (
	"math"
	"math/big"
	"math/bits"

	"llmops/analysis/accesslog"
	"llmops/rules/slo"
)

// A limit is a fraction, at least 0, that ratios of counts are compared with,
// exactly.
type limit struct {
	num, den uint64
	wide     *big.Rat // of a fraction whose terms do not fit; else nil
}

func newLimit(r *big.Rat) limit {
	if !r.Num().IsUint64() || !r.Denom().IsUint64() {
		return limit{wide: r}
	}
	return limit{num: r.Num().Uint64(), den: r.Denom().Uint64()}
}

// cmp is the sign of bad/total - l; neither count is negative, total is not 0.
func (l limit) cmp(bad, total int64) int {
	if l.wide != nil {
		return big.NewRat(bad, total).Cmp(l.wide)
	}
	leftHi, leftLo := bits.Mul64(uint64(bad), l.den)
	rightHi, rightLo := bits.Mul64(uint64(total), l.num)
	switch {
	case leftHi != rightHi:
		return sign(leftHi > rightHi)
	case leftLo != rightLo:
		return sign(leftLo > rightLo)
	}
	return 0
}

func sign(above bool) int {
	if above {
		return 1
	}
	return -1
}

// between are the least and the greatest whole number that meet "n op x".
func between(op slo.Op, x *big.Rat) (low, high int64) {
	floor, rest := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int))
	whole := rest.Sign() == 0
	if !floor.IsInt64() || floor.Int64() >= math.MaxInt64-1 {
		floor.SetInt64(math.MaxInt64 - 2)
	}
	n := floor.Int64()
	switch {
	case op == slo.Less && whole:
		return math.MinInt64, n - 1
	case op == slo.Less, op == slo.LessEqual:
		return math.MinInt64, n
	case op == slo.GreaterEqual && whole:
		return n, math.MaxInt64
	}
	return n + 1, math.MaxInt64
}

// fixedOf is x the way that logs carry it. What is beyond every value of a log
// becomes the greatest one.
func fixedOf(x *big.Rat) accesslog.Fixed {
	millionths := new(big.Rat).Mul(x, big.NewRat(1_000_000, 1))
	n, rest := new(big.Int).QuoRem(millionths.Num(), millionths.Denom(), new(big.Int))
	if !n.IsInt64() || n.Int64() >= math.MaxInt64/2 {
		return math.MaxInt64
	}
	v := 2 * n.Int64()
	if rest.Sign() != 0 {
		v++
	}
	return accesslog.Fixed(v)
}

// fraction is a/b as the nearest float64.
func fraction(a, b int64) float64 {
	f, _ := big.NewRat(a, b).Float64()
	return f
}
