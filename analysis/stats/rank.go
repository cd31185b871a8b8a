package stats

import (
	"math/big"
	"strconv"
)

// Rank is the nearest rank of quantile q among n values, ceil(q*n), from 1 to
// n. It is the program's one definition of a percentile. q stands for the
// shortest decimal that reads as the same float64, so that Rank(0.07, 100) is
// 7, not the 8 that 0.07*100 = 7.000000000000001 would give. q below 0 or not
// a number is taken as 0, q above 1 as 1; n must not be 0.
func Rank(q float64, n uint64) uint64 {
	if !(q > 0) {
		return 1
	}
	if q >= 1 {
		return n
	}
	x := Exact(q)
	num := new(big.Int).Mul(x.Num(), new(big.Int).SetUint64(n))
	num.Add(num, x.Denom()).Sub(num, big.NewInt(1))
	return max(num.Quo(num, x.Denom()).Uint64(), 1)
}

// Exact is the shortest decimal that reads as x, as a fraction: 0.95 is 19/20.
// x must be finite; anything else gives 0.
func Exact(x float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(x, 'g', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return r
}
