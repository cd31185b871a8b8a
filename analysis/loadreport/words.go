package loadreport

import (
	"fmt"
	"math/big"
	"strconv"
)

// noun is what is counted, for one and for many.
type noun struct{ one, many string }

var (
	requests  = noun{"request", "requests"}
	failed    = noun{"failed request", "failed requests"}
	succeeded = noun{"succeeded request", "succeeded requests"}
	checked   = noun{"checked reply", "checked replies"}
	replies   = noun{"reply", "replies"}
	gaps      = noun{"gap", "gaps"}
	slice     = noun{"slice", "slices"}
)

// of is "1 request" or "2 requests".
func (w noun) of(n uint64) string {
	if n == 1 {
		return "1 " + w.one
	}
	return strconv.FormatUint(n, 10) + " " + w.many
}

// more is "1 more request" or "2 more requests".
func (w noun) more(n uint64) string {
	if n == 1 {
		return "1 more " + w.one
	}
	return strconv.FormatUint(n, 10) + " more " + w.many
}

// was is the verb for n of something.
func was(n uint64) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// slicesOf is the noun for slices of a length.
func slicesOf(length string) noun { return noun{"slice of " + length, "slices of " + length} }

// pct is a share in percent with up to four digits.
func pct(x float64) string { return fmt.Sprintf("%.4g%%", x*100) }

func pctRat(r *big.Rat) string {
	f, _ := r.Float64()
	return pct(f)
}
