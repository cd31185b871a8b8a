package detect

import "math"

// A Score is what a Detector says of one row.
type Score struct {
	// Value is from 0 to 1. At Alert and above an alert begins; it is given once, at the
	// row at which something begins, and again only for a stranger row. 0 while nothing
	// is known yet, and for a missing value.
	Value float64
	// Level is how strange the row is by itself, from 0 to 1, whether or not it was
	// alerted on before: intervals are made of it.
	Level float64
	// P is the conformal p-value of the row: the share of the last rows, this one among
	// them, that are as strange. 1 while nothing is known.
	P float64
	// Low and High bound what was expected; NaN where that is not known.
	Low, High float64
	// Channels are those by whose limit the row is strange.
	Channels Set
}

// Alert is the score at which an alert begins. Detectors put their own limits there.
const Alert = 0.5

// level maps a strangeness, in units of a channel's limit, to 0..1: the limit is Alert.
func level(s float64) float64 {
	if !(s > 0) {
		return 0
	}
	if math.IsInf(s, 1) {
		return 1
	}
	return s / (1 + s)
}

// A Look is what a channel says of one row.
type Look struct {
	// Strange is at least 0, in units of the channel's limit: 1 is where it would alert.
	// Below 0 the channel knows too little to judge the row.
	Strange float64
	// Low and High bound the values that would not be strange; NaN: not known.
	Low, High float64
}

// early is what a channel says that knows too little.
var early = Look{-1, math.NaN(), math.NaN()}

// nothing is what a channel says that has judged a row and finds nothing to say, such as
// where all values are the same.
var nothing = Look{0, math.NaN(), math.NaN()}

// A Channel looks at one series in one way. It is fed every row that has a value, in
// their order, and judges a row by those before it alone.
type Channel interface {
	Next(t int64, v float64) Look
}
