package budget

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"llmops/analysis/accesslog"
	"llmops/rules/slo"
)

// outcome is what one event is to one objective.
type outcome uint8

const (
	good outcome = iota
	bad
	unmeasured
	failed
	cancelled
	clientError
	healthCheck
	outcomes
)

// excluded names the outcomes that are left out.
var excluded = [outcomes]string{unmeasured: "unmeasured", failed: "failed", cancelled: "cancelled", clientError: "client_error", healthCheck: "health_check"}

// A value is the field of an event that an objective looks at.
type value uint8

const (
	none    value = iota // only whether it failed
	timeout              // only whether it timed out
	latency
	ttft
	tpot
	cost
	quality
	values
)

// A rate is what a slice of an objective on a rate adds up.
type rate uint8

const (
	noRate rate = iota
	requests
	tokens
)

// ratioUnit is one slice where shares of slices are added up: a share is kept to
// 5e-11 of a slice, and what differs by less over all slices counts as equal.
const ratioUnit = 10_000_000_000

// A rule is an objective made ready to count by.
type rule struct {
	slo.Objective
	value     value
	low, high accesslog.Fixed // good values, both included
	errorsBad bool

	rate              rate
	amount, amountMax int64 // of a good slice, both included
	slice             int64 // ms; 0: occurrences
	sliceGood         limit // the share of good events of a good slice
	minEvents         int64

	unit    int64    // what one event or slice counts
	allowed *big.Rat // 1 - target
	even    limit    // the same
	span    int64    // ms, of a window that rolls
	burns   []int64  // burn windows in ms, ascending
	alerts  []alert
}

// An alert of a rule, with its limit on the bad ratio.
type alert struct {
	slo.BurnAlert
	long, short, hold int64 // ms
	above             limit // threshold * (1 - target)
}

// standardBurns are the windows of burn rates that every objective shows.
var standardBurns = []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// compile checks that an objective has an error budget that events can tell of.
func compile(o slo.Objective) (*rule, error) {
	r := &rule{Objective: o, unit: 1, errorsBad: o.Errors == slo.ErrorsBad}
	fields := map[string]value{"success_rate": none, "error_rate": none, "timeout_rate": timeout, "latency_ms": latency, "ttft_ms": ttft,
		"tpot_ms": tpot, "cost_per_request": cost, "quality_score": quality}
	rates := map[string]rate{"requests_per_second": requests, "tokens_per_second": tokens}
	field, known := fields[o.Metric]
	amount := rates[o.Metric]
	switch {
	case !known && amount == noRate:
		return nil, fmt.Errorf("objective %q: request logs do not tell %s", o.Name, o.Metric)
	case amount != noRate && (o.Statistic != slo.Rate || o.Method != slo.Timeslices):
		return nil, fmt.Errorf("objective %q: a rate over the whole period has no error budget; write sli: %s %s %s, target and method: timeslices into a file",
			o.Name, o.Metric, o.Op, o.Threshold.Text)
	case known && field <= timeout && o.Statistic != slo.Ratio, known && field > timeout && o.Statistic != slo.Quantile:
		return nil, fmt.Errorf("objective %q: a %s has no error budget; write a percentile, or %s %s %s with a target into a file",
			o.Name, o.Statistic, o.Metric, o.Op, o.Threshold.Text)
	case !o.Target.Given():
		return nil, fmt.Errorf("objective %q has no target", o.Name)
	}
	r.value, r.rate = field, amount
	r.allowed = new(big.Rat).Sub(big.NewRat(1, 1), o.Target.Rat)
	if r.allowed.Sign() < 0 {
		return nil, fmt.Errorf("objective %q: target %s is above 1", o.Name, o.Target.Text)
	}
	r.even = newLimit(r.allowed)
	if r.value > timeout {
		low, high := between(o.Op, new(big.Rat).SetInt64(int64(fixedOf(o.Threshold.Rat))))
		r.low, r.high = max(accesslog.Fixed(low), accesslog.Absent+1), accesslog.Fixed(high)
	}
	if err := r.compileSlices(); err != nil {
		return nil, err
	}
	return r, r.compileWindows()
}

func (r *rule) compileSlices() (err error) {
	if !r.Method.Sliced() {
		return nil
	}
	if r.slice, err = millis(r.Name, "slice", r.Slice); err != nil {
		return err
	}
	r.minEvents = max(int64(r.MinEvents), 1)
	switch {
	case r.rate != noRate:
		amount := big.NewRat(r.slice, 1000)
		r.amount, r.amountMax = between(r.Op, amount.Mul(amount, r.Threshold.Rat))
	case r.Method == slo.RatioTimeslices:
		r.unit = ratioUnit
	case !r.SliceTarget.Given():
		return fmt.Errorf("objective %q has slices but no slice_target", r.Name)
	default:
		r.sliceGood = newLimit(r.SliceTarget.Rat)
	}
	return nil
}

func (r *rule) compileWindows() (err error) {
	if r.span, err = millis(r.Name, "window", r.Window); err != nil {
		return err
	}
	for _, w := range standardBurns {
		r.burns = append(r.burns, w.Milliseconds())
	}
	for _, b := range r.Alerts {
		a := alert{BurnAlert: b, above: newLimit(new(big.Rat).Mul(b.Threshold.Rat, r.allowed)), hold: b.For.Milliseconds()}
		if a.long, err = millis(r.Name, "window", b.Long); err == nil {
			a.short, err = millis(r.Name, "window", b.Short)
		}
		if err != nil {
			return err
		}
		r.burns = append(r.burns, a.long, a.short)
		r.alerts = append(r.alerts, a)
	}
	slices.Sort(r.burns)
	r.burns = slices.Compact(r.burns)
	return nil
}

// millis refuses what is shorter than the counting can tell apart.
func millis(name, what string, d time.Duration) (int64, error) {
	if d < time.Second || d%time.Millisecond != 0 {
		return 0, fmt.Errorf("objective %q: a %s of %s: want a whole number of milliseconds, from 1s", name, what, d)
	}
	return d.Milliseconds(), nil
}

// of is what the event is to the objective.
func (r *rule) of(e *record) outcome {
	switch e.class {
	case classHealthCheck:
		return healthCheck
	case classCancelled:
		return cancelled
	case classClientError:
		return clientError
	case classBad:
		switch {
		case r.value == none, r.value == timeout && e.timeout, r.value > timeout && r.errorsBad:
			return bad
		case r.value == timeout:
			return good
		}
		return failed
	}
	if r.value <= timeout {
		return good
	}
	switch v := e.fixed[r.value]; {
	case v == accesslog.Absent:
		return unmeasured
	case v >= r.low && v <= r.high:
		return good
	}
	return bad
}

// exceeds tells whether the bad ratio of t is above l; with orEqual also at it.
func (r *rule) exceeds(t tally, l limit, orEqual bool) bool {
	if t.total == 0 {
		return false
	}
	c := r.compare(t, l)
	return c > 0 || orEqual && c == 0
}

// compare is the sign of the bad ratio of t less l. Sums of shares are rounded,
// by half a unit a slice; within that they are equal.
func (r *rule) compare(t tally, l limit) int {
	c := l.cmp(t.bad, t.total)
	if r.unit == 1 || c == 0 {
		return c
	}
	slack := t.total/r.unit/2 + 1
	if c > 0 && l.cmp(max(t.bad-slack, 0), t.total) <= 0 || c < 0 && l.cmp(t.bad+slack, t.total) >= 0 {
		return 0
	}
	return c
}
