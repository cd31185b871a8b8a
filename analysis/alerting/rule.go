package alerting

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/series"
	"llmops/rules/alert"
)

// A rule and what it is in.
type rule struct {
	alert.Rule
	plan  *plan
	unit  *unit
	index int // of all rules: their order
	group int

	expr        parser.Expr
	merged      map[string]string // labels of the rule and its group
	labels      []labels.Label    // the same, sorted
	annotations []labels.Label
	dependence  dependence // of its labels
	interval    int64
	offset      int64
	hold, keep  int64
	limit       int

	reads []selector
	own   int  // how many of them are of the expression; the rest is of templates
	all   bool // it may read anything
	needs []*rule
	batch bool // it may be asked for many times at once

	next    int64 // when it is evaluated again
	ahead   ahead
	sources map[string]*source // by the labels of the results
	buf     []byte

	rec      *series.Recorder
	store    *series.Store // what was recorded, once the unit is done
	tracks   map[string]*track
	written  []*track // series of the evaluation before
	spare    []*track
	pending  []write // of this evaluation
	count    int64   // of evaluations; marks what was seen in this one
	instance map[string]*instance
	active   []*instance
	seen     int // times of Options.ObserveAt that are past
	observed [][]Alert
	alerts   []Alert
	out      Outcome
}

// before tells whether the rule has its turn first when both are evaluated at a time.
func (r *rule) before(other *rule) bool { return r.index < other.index }

// A source is one series of the results of a rule's expression, and what it leads to.
type source struct {
	labels   labels.Labels
	instance *instance // of an alert, unless its labels depend on the time; nil before it is known
	value    uint64    // bits of that with which it was found, for labels that depend on it
	track    *track    // of a recording rule; nil before it is known
}

// A result of a rule's expression.
type result struct {
	*source
	value float64
}

// view is what the rule sees when it is evaluated at t. What is decoded for it may be
// kept.
func (r *rule) view(t int64, keep *series.Ahead) series.Looks {
	looks := make(series.Looks, 1, 1+len(r.needs))
	looks[0] = series.Look{Of: r.plan.input, Until: t, Ahead: keep}
	for _, w := range r.needs {
		l := series.Look{Of: w.rec, Until: t - w.offset}
		if w.store != nil {
			l.Of, l.Ahead = w.store, keep
		}
		if !w.before(r) {
			l.Until-- // what it records at t comes later
		}
		looks = append(looks, l)
	}
	return looks
}

// evaluate is one evaluation. An error is one of the context.
func (r *rule) evaluate(ctx context.Context, t int64) error {
	r.observe(ctx, t)
	r.count++
	r.out.Evaluations++
	found, err := r.query(ctx, t)
	switch {
	case err != nil:
	case r.Alert != "":
		err = r.raise(ctx, t, found)
	default:
		err = r.record(t, found)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		f := &Failure{t, err.Error()}
		r.out.Failures++
		r.out.LastError = f
		if r.out.FirstError == nil {
			r.out.FirstError = f
		}
	}
	return nil
}

// source is the one with these labels.
func (r *rule) source(ls labels.Labels) *source {
	r.buf = ls.Bytes(r.buf)
	s := r.sources[string(r.buf)]
	if s == nil {
		s = &source{labels: ls}
		r.sources[string(r.buf)] = s
	}
	return s
}

// finite is a value that JSON can hold; nil for others.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// instant asks for the rule's expression at one time.
func (r *rule) instant(ctx context.Context, t int64) ([]result, error) {
	answer, err := r.plan.engine.Vector(ctx, r.view(t, &r.unit.decoded), r.Expr, time.UnixMilli(t-r.offset))
	if err != nil {
		return nil, err
	}
	found := make([]result, 0, len(answer))
	for _, x := range answer {
		found = append(found, result{r.source(x.Metric), x.F})
	}
	return found, nil
}
