// Package slo holds service level objectives: the one type that every command
// judges by, and its readers, an inline expression ("p95_latency_ms < 500") and
// the short YAML form. It says what ought to be; it measures and judges nothing.
package slo

import (
	"fmt"
	"math/big"
	"time"
)

// Statistic says what of a metric an objective looks at.
type Statistic string

// The statistics. Those of a share (Ratio, Quantile) have a Target and can be
// counted event by event; the others are one value of the whole period.
const (
	Ratio    Statistic = "ratio"    // share of events: success_rate, error_rate, ...
	Quantile Statistic = "quantile" // share of events whose value meets the threshold
	Mean     Statistic = "mean"
	Min      Statistic = "min"
	Max      Statistic = "max"
	Rate     Statistic = "rate" // per second of the period, or of each slice
)

// Op compares a measured value (left) with the threshold (right).
type Op string

// The operators.
const (
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
)

// Upper tells whether the threshold limits the value from above.
func (o Op) Upper() bool { return o == Less || o == LessEqual }

// Holds tells whether "value o threshold" is true, given the sign of
// value - threshold.
func (o Op) Holds(cmp int) bool {
	switch o {
	case Less:
		return cmp < 0
	case LessEqual:
		return cmp <= 0
	case Greater:
		return cmp > 0
	case GreaterEqual:
		return cmp >= 0
	}
	return false
}

// Method says what an objective counts.
type Method string

// The methods.
const (
	Occurrences     Method = "occurrences"      // events
	Timeslices      Method = "timeslices"       // slices of time, each good or bad
	RatioTimeslices Method = "ratio_timeslices" // the mean of the slices' shares of good events, each slice alike
)

// Sliced tells whether the method looks at slices of time.
func (m Method) Sliced() bool { return m == Timeslices || m == RatioTimeslices }

// Errors says what failed events are to an objective on a measured value.
type Errors string

// The policies.
const (
	ErrorsExclude Errors = "exclude" // left out, and counted as such
	ErrorsBad     Errors = "bad"     // each is a bad event
)

// Objective is one service level objective. It is read-only once parsed.
//
// A percentile is a share: "p95_latency_ms < 500" has Metric latency_ms,
// Statistic Quantile, Threshold 500 and Target 0.95, exactly like the file
// entry "latency_ms < 500" with target 0.95.
type Objective struct {
	Name string // file: its name; inline: the expression
	Expr string // the expression as it was written
	// Inline tells that Expr alone says what is judged, target included.
	Inline bool

	Metric    string // canonical: latency_ms, success_rate, tokens_per_second, ...
	Statistic Statistic
	Op        Op
	// Threshold is in the metric's unit: ms, a ratio from 0 to 1, one per
	// second, USD. For a Ratio over occurrences it is the limit of the share
	// itself; over timeslices, the limit that makes a slice good.
	Threshold Decimal
	// Target is the least share of good events or slices, 0 to 1. Its zero
	// value means that the statistic is judged as a whole.
	Target Decimal

	// Window is the period of a budget. With a Calendar it is only what that is
	// called, a month being 30 d; the real period is Calendar.Period.
	Window   time.Duration
	Calendar *Calendar // nil: the window rolls
	Method   Method
	Errors   Errors
	Alerts   []BurnAlert // read-only, may be shared between objectives

	Slice time.Duration // of the methods with slices, else 0
	// SliceTarget is the least share of good events that makes a slice good. It
	// is not given where a slice has one value (Rate), and for RatioTimeslices.
	SliceTarget Decimal
	MinEvents   int // fewer events leave a slice unmeasured; 0: not given

	Source *Source // of OpenSLO: what its indicator asks other monitoring for; else nil
}

// BurnAlert fires while the budget burns faster than Threshold times the even
// pace over both windows. One window is Long and Short alike.
type BurnAlert struct {
	Severity    string
	Long, Short time.Duration
	Op          Op // Greater, or GreaterEqual for "at least as fast"
	Threshold   Decimal
	For         time.Duration // how long that must last before it fires; 0: at once
}

// DefaultWindow is the window of an objective that names none.
const DefaultWindow = 30 * 24 * time.Hour

// DefaultExcludeStatus lists the statuses that are the caller's mistake and no
// event of the service, where no file says otherwise. A load test excludes
// none: it made the requests itself.
func DefaultExcludeStatus() []int {
	return []int{400, 401, 403, 404, 405, 413, 415, 422, 499}
}

// String is the objective as one line: as it was written, or a file entry put
// into the inline form where there is one.
func (o Objective) String() string {
	switch {
	case o.Inline:
		return o.Expr
	case o.Method == RatioTimeslices && o.Statistic == Quantile:
		return fmt.Sprintf("%s %s %s for %s%% as mean of %s slices", o.Metric, o.Op, o.Threshold.Text, percent(o.Target.Rat), FormatDuration(o.Slice))
	case o.Method == RatioTimeslices:
		return fmt.Sprintf("%s %s %s as mean of %s slices", o.Metric, o.Op, o.Threshold.Text, FormatDuration(o.Slice))
	case o.Method == Timeslices:
		each := fmt.Sprintf("%s %s %s", o.Metric, o.Op, o.Threshold.Text)
		if o.Statistic == Quantile {
			each += " for " + percent(o.SliceTarget.Rat) + "%"
		}
		return fmt.Sprintf("%s in %s%% of %s slices", each, percent(o.Target.Rat), FormatDuration(o.Slice))
	case o.Statistic == Quantile:
		order := "p" + percent(o.quantile())
		switch order {
		case "p100":
			order = "max"
		case "p0":
			order = "min"
		}
		return fmt.Sprintf("%s_%s %s %s", order, o.Metric, o.Op, o.Threshold.Text)
	}
	return fmt.Sprintf("%s %s %s", o.Metric, o.Op, o.Threshold.Text)
}

// QuantileOf is the q of "pNN" as a float64, 0.95 for p95; false for another
// statistic, and where slices are judged.
func (o Objective) QuantileOf() (float64, bool) {
	if o.Statistic != Quantile || o.Target.Rat == nil || o.Method.Sliced() {
		return 0, false
	}
	q, _ := o.quantile().Float64()
	return q, true
}

// quantile is the order of the percentile: the target for a limit from above;
// for one from below, the share that may lie under it.
func (o Objective) quantile() *big.Rat {
	if o.Op.Upper() {
		return o.Target.Rat
	}
	return new(big.Rat).Sub(big.NewRat(1, 1), o.Target.Rat)
}
