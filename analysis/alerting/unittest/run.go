package unittest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/alerting"
	"llmops/analysis/series"
	"llmops/rules/alert"
	"llmops/rules/alert/routing"
)

// Outcome is what became of a test.
type Outcome struct {
	Checks   int // how many cases it has
	Failures []Failure
	Store    *series.Store // the input and what the rules recorded
}

// Kind is what a failure is about.
type Kind string

// The kinds.
const (
	Firing     Kind = "firing"     // the alerts that fire
	Pending    Kind = "pending"    // those that are pending
	Receivers  Kind = "receivers"  // who was told
	Expr       Kind = "expr"       // the result of an expression
	Evaluation Kind = "evaluation" // a rule had an error
)

// Failure is one case that does not hold.
type Failure struct {
	Kind     Kind
	Position alert.Position
	At       time.Duration // after the test's start
	Name     string        // of the alert, or of the rule
	Expr     string
	Message  string // of an error; "": the differences say it
	Expected []Entry
	Got      []Entry
	// Differences are the entries that are not the same on both sides.
	Differences []Difference
}

// Run evaluates the rules over the test's series, as far as its last case, and looks at
// every case. The groups are evaluated in the order given, all of them at the file's
// interval, as promtool does it. routes may be nil where no case asks for receivers.
// The error is one of the context, or of options that no case can be judged with.
func (f File) Run(ctx context.Context, t Test, groups []alert.Group, routes *routing.Config) (Outcome, error) {
	p := parser.NewParser(parser.Options{})
	start, end := t.Start, t.Start.Add(t.duration())
	last := start.Add(end.Sub(start).Truncate(f.Interval)) // evaluation
	store := t.store(last.UnixMilli())
	seen := &observed{f: f, t: t, at: map[int64][]alerting.Alert{}}
	result, err := alerting.Replay(ctx, store, f.prepare(p, groups), alerting.Options{
		Start: start, End: last, Interval: f.Interval, Merge: true,
		ExternalLabels: t.ExternalLabels, ExternalURL: t.ExternalURL,
		ObserveAt: seen.times(), Observe: seen.take,
	})
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Checks: len(t.Exprs), Store: result.Store}
	for _, r := range result.Rules {
		if r.FirstError != nil {
			out.Failures = append(out.Failures, Failure{
				Kind: Evaluation, Position: t.Position, At: time.UnixMilli(r.FirstError.At).Sub(start), Name: r.Rule.Name(), Expr: r.Rule.Expr,
				Message: r.FirstError.Message,
			})
		}
	}
	for _, c := range t.Alerts {
		checks, failures := seen.check(c)
		out.Checks += checks
		out.Failures = append(out.Failures, failures...)
		if c.Receivers != nil {
			out.Checks++
			if routes == nil {
				return Outcome{}, fmt.Errorf("%s: exp_receivers needs routes", c.Position)
			}
			out.Failures = append(out.Failures, receivers(c, t, result.Alerts, *routes)...)
		}
	}
	engine := series.NewEngine(series.Limits{})
	for _, c := range t.Exprs {
		failure, err := c.check(ctx, p, engine, result.Store, t.Start, f)
		if err != nil {
			return Outcome{}, err
		}
		if failure != nil {
			out.Failures = append(out.Failures, *failure)
		}
	}
	return out, nil
}

// store has the samples that there are when rules are evaluated for the last time.
func (t Test) store(last int64) *series.Store {
	newest := map[string]int{} // of two series with the same labels the last one counts
	for i, s := range t.Series {
		newest[s.Labels.String()] = i
	}
	r := series.NewRecorder()
	start, step := t.Start.UnixMilli(), t.Interval.Milliseconds()
	for i, s := range t.Series {
		if newest[s.Labels.String()] != i {
			continue
		}
		into := r.Series(s.Labels)
		for k, v := range s.Values {
			at := start + int64(k)*step
			if at > last {
				break
			}
			if !v.Omitted {
				_ = into.Append(at, v.Value) // the times grow
			}
		}
	}
	return r.Store()
}

// prepare puts the groups in order, to be evaluated at the file's interval.
func (f File) prepare(p parser.Parser, groups []alert.Group) []alert.Group {
	out := slices.Clone(groups)
	place := func(g alert.Group) int { return max(0, slices.Index(f.GroupOrder, g.Name)) }
	slices.SortStableFunc(out, func(a, b alert.Group) int { return cmp.Compare(place(a), place(b)) })
	for i := range out {
		out[i].Interval = model.Duration(f.Interval)
		out[i].Rules = slices.Clone(out[i].Rules)
		for k := range out[i].Rules {
			r := &out[i].Rules[k]
			r.Expr = withSteps(p, r.Expr, f.Interval)
		}
	}
	return out
}

// withSteps gives subqueries without a step the interval of evaluation, which is what
// they have in a server.
func withSteps(p parser.Parser, expr string, step time.Duration) string {
	parsed, err := p.ParseExpr(expr)
	if err != nil {
		return expr // whoever evaluates it says so
	}
	changed := false
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.SubqueryExpr); ok && s.Step == 0 && s.StepExpr == nil {
			s.Step, changed = step, true
		}
		return nil
	})
	if !changed {
		return expr
	}
	return parsed.String()
}

// observed is what is active at the times of the cases.
type observed struct {
	f  File
	t  Test
	at map[int64][]alerting.Alert
}

func (o *observed) time(at time.Duration) int64 { return o.t.Start.Add(at).UnixMilli() }

func (o *observed) times() []int64 {
	var list []int64
	for _, c := range o.t.Alerts {
		list = append(list, o.time(c.At))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (o *observed) take(at int64, _ alert.Group, active []alerting.Alert) {
	o.at[at] = append(o.at[at], active...)
}

// check compares what is active with a case.
func (o *observed) check(c AlertCase) (checks int, failures []Failure) {
	for _, want := range []struct {
		kind     Kind
		state    alerting.State
		expected []Expected
	}{{Firing, alerting.Firing, c.Firing}, {Pending, alerting.Pending, c.Pending}} {
		if want.expected == nil {
			continue
		}
		checks++
		var expected, got []Entry
		for _, e := range want.expected {
			expected = append(expected, entryOf(e.Labels, e.Annotations))
		}
		for _, a := range o.at[o.time(c.At)] {
			if a.Name == c.Alert && a.State == want.state {
				got = append(got, activeEntry(a))
			}
		}
		if d := compare(expected, got, false); len(d) > 0 {
			failures = append(failures, Failure{Kind: want.kind, Position: c.Position, At: c.At, Name: c.Alert, Expected: expected, Got: got, Differences: d})
		}
	}
	return checks, failures
}

func activeEntry(a alerting.Alert) Entry {
	ls := map[string]string{labels.AlertName: a.Name}
	for name, value := range a.Labels {
		ls[name] = value
	}
	return entryOf(labels.FromMap(ls), labels.FromMap(a.Annotations))
}

// check evaluates the expression and compares what it gives.
func (c ExprCase) check(ctx context.Context, p parser.Parser, engine *series.Engine, store *series.Store, start time.Time, f File) (*Failure, error) {
	failure := Failure{Kind: Expr, Position: c.Position, At: c.At, Expr: c.Expr}
	for _, s := range c.Samples {
		failure.Expected = append(failure.Expected, sampleEntry(s.Labels, s.Value))
	}
	parsed, err := p.ParseExpr(c.Expr)
	if err == nil && parsed.Type() != parser.ValueTypeVector && parsed.Type() != parser.ValueTypeScalar {
		failure.Message = fmt.Sprintf("it gives a %s, and neither a vector nor a scalar", parsed.Type())
		return &failure, nil
	}
	result, err := engine.Instant(ctx, store, withSteps(p, c.Expr, f.Interval), start.Add(c.At))
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		failure.Message = strings.TrimPrefix(err.Error(), fmt.Sprintf("expression %q: ", c.Expr))
		return &failure, nil
	}
	for _, row := range result.Rows {
		failure.Got = append(failure.Got, sampleEntry(row.Labels, row.Points[len(row.Points)-1].F))
	}
	if failure.Differences = compare(failure.Expected, failure.Got, f.Fuzzy); len(failure.Differences) == 0 {
		return nil, nil
	}
	return &failure, nil
}
