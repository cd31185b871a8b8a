package slo

import (
	"errors"
	"math/big"
	"strings"
)

// Decimal is an exact number and the text it was read from. The zero value
// means "not given".
type Decimal struct {
	Rat  *big.Rat
	Text string
}

// Given tells whether there is a number.
func (d Decimal) Given() bool { return d.Rat != nil }

// Float64 is the nearest float64; 0 when not given.
func (d Decimal) Float64() float64 {
	if d.Rat == nil {
		return 0
	}
	f, _ := d.Rat.Float64()
	return f
}

// maxDigits bounds the text of a number, and with it the work that exact
// arithmetic on it can cost.
const maxDigits = 30

var errNumber = errors.New("want a plain decimal number such as 500, 0.95 or 1.5")

// ParseDecimal reads digits with at most one decimal point. Signs, exponents
// and separators are refused: no objective needs them.
func ParseDecimal(text string) (Decimal, error) {
	if text == "" || len(text) > maxDigits || strings.Trim(text, "0123456789.") != "" ||
		strings.Count(text, ".") > 1 || !strings.ContainsAny(text, "0123456789") {
		return Decimal{}, errNumber
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return Decimal{}, errNumber
	}
	return Decimal{Rat: r, Text: text}, nil
}

// decimalOf writes r, which must have a finite decimal expansion.
func decimalOf(r *big.Rat) Decimal {
	digits, exact := r.FloatPrec()
	if !exact {
		digits = 12
	}
	return Decimal{Rat: r, Text: r.FloatString(digits)}
}

func percent(r *big.Rat) string {
	if r == nil {
		return "?"
	}
	return decimalOf(new(big.Rat).Mul(r, big.NewRat(100, 1))).Text
}

func isRatio(r *big.Rat) bool { return r.Sign() >= 0 && r.Cmp(big.NewRat(1, 1)) <= 0 }
