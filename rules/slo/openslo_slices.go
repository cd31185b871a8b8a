package slo

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// slices reads what the methods with slices need.
func (e *entry) slices(x *Objective, i *indicator, o *object, b binding) {
	if e.err != nil {
		return
	}
	events, err := note(i, o, noteEvents)
	if err != nil {
		e.err = err
		return
	}
	if !x.Method.Sliced() {
		for _, key := range []string{"timeSliceTarget", "timeSliceWindow"} {
			if e.has(key) {
				e.fail(key, fmt.Sprintf("%q is for methods with slices", key), "remove it, or write budgetingMethod: Timeslices")
			}
		}
		switch {
		case x.Statistic == Rate:
			e.fail("", fmt.Sprintf("%s has no events that Occurrences could count", b.metric.name), "write budgetingMethod: Timeslices in the SLO, and timeSliceWindow: 1m here")
		case events.at != nil && e.err == nil:
			e.err = failAt(events.at, "annotation llmops/min-events is for methods with slices", "remove it, or write budgetingMethod: Timeslices")
		}
		return
	}
	if !e.has("timeSliceWindow") {
		e.fail("timeSliceWindow", "slices without 'timeSliceWindow'", "write timeSliceWindow: 1m")
	}
	x.Slice = e.sliceLength()
	if e.err == nil && x.Slice >= x.Window {
		e.fail("timeSliceWindow", "a slice is as long as the timeWindow, or longer", "want a small part of it, such as 1m")
	}
	switch {
	case x.Method == RatioTimeslices && e.has("timeSliceTarget"):
		e.fail("timeSliceTarget", "RatioTimeslices have no 'timeSliceTarget': a slice is not good or bad", "remove it, or write budgetingMethod: Timeslices")
	case x.Method == Timeslices && e.has("timeSliceTarget"):
		x.SliceTarget = e.part("timeSliceTarget", big.NewRat(1, 1), true)
	case x.Method == Timeslices && x.Statistic != Rate:
		e.fail("timeSliceTarget", "Timeslices without 'timeSliceTarget'", "write timeSliceTarget: 0.9, the share of good events that makes a slice good")
	}
	switch x.Statistic {
	case Ratio:
		if x.Method == Timeslices {
			x.Threshold = x.SliceTarget
		}
	case Rate:
		// A slice has one rate, so its share of good values is 0 or 1: any
		// timeSliceTarget says the same, and so does the mean of the shares.
		x.Method, x.SliceTarget = Timeslices, Decimal{}
	}
	if events.at != nil && e.err == nil {
		n := &entry{keys: map[string]*yaml.Node{"min_events": events.at}}
		x.MinEvents, e.err = n.minEvents(), n.err
	}
}

// sliceLength is a duration, or a number of minutes.
func (e *entry) sliceLength() time.Duration {
	text := e.text("timeSliceWindow")
	if text == "" || e.err != nil {
		return 0
	}
	if strings.Trim(text, "0123456789") == "" {
		text += string(Minutes)
	}
	n, unit, err := parseShorthand(text)
	if err != nil || strings.Contains("MQY", string(unit)) {
		e.fail("timeSliceWindow", fmt.Sprintf("timeSliceWindow %q is no length of a slice", e.text("timeSliceWindow")), "want a number of minutes, or one with m, h, d or w, such as 5m")
	}
	return time.Duration(n) * nominal(unit)
}

// failures says what failed requests are to a limit on a value.
func (e *entry) failures(x *Objective, i *indicator, o *object) {
	x.Errors = ErrorsExclude
	policy, err := note(i, o, noteErrors)
	switch {
	case e.err != nil || policy.at == nil && err == nil:
	case err != nil:
		e.err = err
	case x.Statistic != Quantile:
		e.err = failAt(policy.at, fmt.Sprintf("annotation llmops/errors cannot be said of %s", x.Metric), "remove it: it is for limits on a value of single requests")
	default:
		n := &entry{keys: map[string]*yaml.Node{noteErrors: policy.at}}
		x.Errors, e.err = Errors(n.choice(noteErrors, string(ErrorsExclude), string(ErrorsBad))), n.err
	}
}
