// Package alerting replays Prometheus rule groups over recorded metrics: which alerts
// would have been pending, firing and resolved when, and what recording rules would
// have recorded. It does what Prometheus does, to the sample. It reads no file, tells
// nobody, and knows no clock.
//
// # Times
//
// Every group is evaluated at Start, Start + its interval, ... up to End; groups are
// not spread over their interval as a server does. At equal times the groups take their
// turns in the order in which they are given, and their rules in the order of the
// group: a rule sees what those before it recorded at the same time, and of those after
// it what they recorded the time before. No rule sees what came later than the time at
// which it is evaluated, whatever its offset or @ says.
//
// # Series that rules record
//
// An export of a server holds what its rules recorded, and its ALERTS. Of these,
// series that a rule under replay may write are left out, and the rule records them
// anew; but not when the rule finds none of the series that it is made of, as in an
// export of nothing but recorded series.
package alerting

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
	"llmops/rules/alert"
)

// Options say how rules are replayed.
type Options struct {
	Start, End     time.Time         // zero: the times of the store's first and newest sample
	Interval       time.Duration     // of groups without one; 0: a minute
	Lookback       time.Duration     // how old the newest sample of a series may be; 0: five minutes
	ExternalLabels map[string]string // those of the server, for templates
	ExternalURL    string            // that of the server, for templates
	Workers        int               // rules that are evaluated at a time; 0: as many as processors
	// Merge keeps the series of the store that rules may write, as unit tests of
	// promtool do: a sample that a rule records where the store has one is an error of
	// the rule.
	Merge bool
	// Observe is called for each of the times of ObserveAt (ms) and each group, in order
	// of time and of the groups, with the alerts that were active after the group's last
	// evaluation at or before that time, if there was one.
	ObserveAt []int64
	Observe   func(at int64, group alert.Group, active []Alert)

	stepwise bool // every rule by itself at every time: what the faster ways must equal
}

// ErrNoData says that there is no time to evaluate anything at.
var ErrNoData = errors.New("there is no sample, so no time at which rules could be evaluated")

// State is what an alert is in.
type State string

// The states of an alert.
const (
	Pending  State = "pending"  // its condition holds, for less than the rule's "for"
	Firing   State = "firing"   // its condition has held for that long
	Resolved State = "resolved" // it has fired, and does no more
)

// Alert is one time that an alert was active.
type Alert struct {
	Rule           int // its index in Result.Rules
	Group          string
	Name, Severity string
	Labels         map[string]string // without alertname
	Annotations    map[string]string // as of the last evaluation at which its condition held
	State          State
	ActiveAt       int64 // ms since the epoch
	FiredAt        int64 // of use unless it is pending
	ResolvedAt     int64 // of use when it is resolved, as one is that its rule's limit swept away
	// Value is that of the condition when it last held; nil when that is not finite.
	Value *float64
}

// SentLabels are the labels with which a server tells Alertmanager of the alert:
// alertname is among them, and so are those external labels that the alert has not
// itself.
func (a Alert) SentLabels(external map[string]string) map[string]string {
	sent := map[string]string{}
	maps.Copy(sent, external)
	maps.Copy(sent, a.Labels)
	sent[labels.AlertName] = a.Name
	return sent
}

// Outcome is what became of one rule.
type Outcome struct {
	Rule        alert.Rule
	Group       string
	Labels      map[string]string // of the rule and of its group
	Evaluations int64
	Failures    int64    // evaluations that had an error; they change nothing
	FirstError  *Failure // nil: none
	LastError   *Failure
	Fired       int   // how often an alert of it fired
	Pending     int   // how often one was pending and did not fire
	Firing      int64 // ms during which at least one was firing
	Series      int   // how many different ones it recorded; of an alert, its ALERTS and ALERTS_FOR_STATE
	// Missing are the selectors, as text, that match neither a series of the store nor
	// one that a rule may write.
	Missing []string
}

// Failure is an error of a rule and the time of its evaluation, in ms.
type Failure struct {
	At      int64
	Message string
}

// Result is what became of the rules.
type Result struct {
	Start, End  int64 // ms: the first evaluation, and the time up to which there were others
	Evaluations int64 // of all rules
	// Alerts are those that fired, each time, and those that are pending at the end, by
	// the time at which they fired, or became active; then by name and labels.
	Alerts []Alert
	Rules  []Outcome // of all groups, in order
	// Store is what was replayed and what the rules recorded, ALERTS and
	// ALERTS_FOR_STATE among it.
	Store    *series.Store
	Recorded *series.Store // the latter alone
	Replaced []string      // names of series that were left out of the store, since rules record them
}

// Replay evaluates the groups over the store. Errors of rules are in the Result; an
// error is one of the context, of the options, or ErrNoData.
func Replay(ctx context.Context, store *series.Store, groups []alert.Group, o Options) (Result, error) {
	p, err := newPlan(store, groups, o)
	if err != nil {
		return Result{}, err
	}
	if err := p.run(ctx); err != nil {
		return Result{}, err
	}
	return p.result(), nil
}
