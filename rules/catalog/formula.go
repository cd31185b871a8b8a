package catalog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Formula is PromQL that makes the metric of other names of the catalogue; "" where
// there is none.
func (m Metric) Formula() string {
	if m.SameAs != "" {
		return m.SameAs + unscaled(m.Factor)
	}
	return m.Expr
}

// Scaled is PromQL for an expression times a factor. It gives what Scale gives.
func Scaled(expr string, factor float64) string {
	if whole, ok := oneOver(factor); ok {
		return fmt.Sprintf("%s / %s", expr, number(whole))
	}
	if factor == 1 {
		return expr
	}
	return fmt.Sprintf("%s * %s", expr, number(factor))
}

// Scale is a value times a factor. Where the factor is one over a whole number it
// divides, for 7 / 100 is 0.07, and 7 * 0.01 is a little more.
func Scale(value, factor float64) float64 {
	if whole, ok := oneOver(factor); ok {
		return value / whole
	}
	return value * factor
}

// unscaled is what undoes a factor.
func unscaled(factor float64) string {
	if whole, ok := oneOver(factor); ok {
		return " * " + number(whole)
	}
	if factor == 1 {
		return ""
	}
	return " / " + number(factor)
}

func oneOver(factor float64) (float64, bool) {
	if factor >= 1 {
		return 0, false
	}
	whole := math.Round(1 / factor)
	return whole, 1/whole == factor
}

// number writes whole numbers without an exponent.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Spellings are a name of the system, or an expression of such names, with each prefix
// that these may have; as it stands first.
func (s System) Spellings(text string) []string {
	list := []string{text}
	i := slices.IndexFunc(s.Prefixes, func(p string) bool { return strings.Contains(text, p) })
	for k, p := range s.Prefixes {
		if i >= 0 && k != i {
			list = append(list, strings.ReplaceAll(text, s.Prefixes[i], p))
		}
	}
	return list
}
