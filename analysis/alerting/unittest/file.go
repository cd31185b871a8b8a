// Package unittest reads the unit-test files of Prometheus rules, the format of
// "promtool test rules" with some keys of its own, and runs the tests over replayed
// rules. It opens no file and prints nothing: rule files and routes are given to it.
package unittest

import (
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/rules/alert"
)

// A File is a unit-test file.
type File struct {
	Name string
	// RuleFiles are the rule files it tests, as they stand there: globs, relative to
	// the folder of the file.
	RuleFiles []Text
	// RoutesFile says who is told; "" for none. Not in promtool's format.
	RoutesFile Text
	// Interval is how far apart evaluations lie; a minute where the file says nothing.
	Interval time.Duration
	// GroupOrder are names of groups in the order in which they are evaluated; groups
	// that are not among them come with the first.
	GroupOrder []string
	// Fuzzy lets values differ by one unit in the last place.
	Fuzzy bool
	Tests []Test
	// Notes are doubts about what is written, each with its place.
	Notes []alert.Problem
}

// Text is a value and its place.
type Text struct {
	Value    string
	Position alert.Position
}

// A Test is a set of series, and what rules and expressions make of them.
type Test struct {
	Name           string // "": it has none
	Number         int    // of the test in its file, from 1
	Interval       time.Duration
	Start          time.Time // of the first sample and the first evaluation; the epoch by default
	Series         []Series
	Alerts         []AlertCase
	Exprs          []ExprCase
	ExternalLabels map[string]string
	ExternalURL    string
	RoutesFile     Text // that of the file, where the test has none
	Position       alert.Position
}

// Title is the test's name, or its number.
func (t Test) Title() string {
	if t.Name != "" {
		return t.Name
	}
	return fmt.Sprintf("test %d", t.Number)
}

// Series is one input series; its samples are an Interval apart.
type Series struct {
	Labels   labels.Labels
	Values   []Value
	Position alert.Position
}

// Value is one sample. Omitted: there is none at that time. A stale marker is the NaN
// that Prometheus uses for it.
type Value struct {
	Value   float64
	Omitted bool
}

// An AlertCase says what becomes of an alert at a time.
type AlertCase struct {
	At    time.Duration // after the start
	Alert string
	// Firing are those expected to fire; nil if the case says nothing about them,
	// which it does only where it has one of the keys that follow.
	Firing  []Expected
	Pending []Expected // nil: nothing is said
	// Receivers were told by then of what fires, in any order; nil: nothing is said.
	Receivers []string
	Position  alert.Position
}

// Expected is an alert, with alertname among its labels.
type Expected struct {
	Labels, Annotations labels.Labels
}

// An ExprCase says what an expression gives at a time.
type ExprCase struct {
	Expr     string
	At       time.Duration // after the start
	Samples  []Sample
	Position alert.Position
}

// Sample is a series of a result and its value.
type Sample struct {
	Labels labels.Labels
	Value  float64
}

// duration is how long after the start the last case is.
func (t Test) duration() time.Duration {
	var last time.Duration
	for _, c := range t.Alerts {
		last = max(last, c.At)
	}
	for _, c := range t.Exprs {
		last = max(last, c.At)
	}
	return last
}
