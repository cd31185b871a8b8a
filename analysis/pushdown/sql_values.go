package pushdown

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"llmops/rules/slo"
)

// A binder hands out the parameters of a query, so that no value stands in its
// text.
type binder struct{ params map[string]string }

func (b *binder) bind(typ, value string) string {
	if b.params == nil {
		b.params = map[string]string{}
	}
	name := "p" + strconv.Itoa(len(b.params))
	b.params[name] = value
	return "{" + name + ":" + typ + "}"
}

func (b *binder) number(typ string, n int64) string { return b.bind(typ, strconv.FormatInt(n, 10)) }

// widest is how many digits a Decimal of 128 and of 256 bits takes.
const widest, widest256 = 38, 76

// holds compares a column with the threshold of an objective, exactly: integers
// and decimals with the last value of theirs that meets it, floats with the float
// nearest to it.
func (f *field) holds(b *binder, op slo.Op, threshold *big.Rat) string {
	limit := new(big.Rat).Quo(threshold, power(f.Scale))
	switch f.family {
	case integer:
		n := lastGood(op, limit)
		return f.sql + inclusive(op) + b.number("Int64", clamp(n).Int64())
	case decimals:
		digits := widest
		if f.digits > widest {
			digits = widest256
		}
		n := lastGood(op, new(big.Rat).Mul(limit, power(f.scale)))
		most := new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil), big.NewInt(1))
		if n.CmpAbs(most) > 0 {
			n.Set(most) // thresholds are not negative
		}
		text := new(big.Rat).Quo(new(big.Rat).SetInt(n), power(f.scale)).FloatString(f.scale)
		return f.sql + inclusive(op) + b.bind(fmt.Sprintf("Decimal(%d, %d)", digits, f.scale), text)
	}
	v, _ := limit.Float64()
	return fmt.Sprintf("%s %s %s", f.sql, op, b.bind("Float64", strconv.FormatFloat(v, 'g', -1, 64)))
}

// inclusive is the operator for the last value that meets op.
func inclusive(op slo.Op) string {
	if op.Upper() {
		return " <= "
	}
	return " >= "
}

// lastGood is the greatest whole number that meets "n op x", or of an op that
// limits from below the least one.
func lastGood(op slo.Op, x *big.Rat) *big.Int {
	n, rest := new(big.Int).DivMod(x.Num(), x.Denom(), new(big.Int))
	whole := rest.Sign() == 0
	switch {
	case op == slo.Less && whole:
		return n.Sub(n, big.NewInt(1))
	case op.Upper(), op == slo.GreaterEqual && whole:
		return n
	}
	return n.Add(n, big.NewInt(1))
}

// clamp keeps n within the range of Int64.
func clamp(n *big.Int) *big.Int {
	if n.IsInt64() {
		return n
	}
	return new(big.Int).SetInt64(1<<63 - 1) // thresholds are not negative
}

// power is 10^n.
func power(n int) *big.Rat {
	x := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil))
	if n < 0 {
		x.Inv(x)
	}
	return x
}

// integerList is a value for a parameter of the type Array.
func integerList(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return "[" + strings.Join(words, ",") + "]"
}
