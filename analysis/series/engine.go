package series

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// Limits bound what an expression may take.
type Limits struct {
	MaxSamples int           // in memory at a time; 0: 50 million, Prometheus's own
	Timeout    time.Duration // of one query; 0: two minutes, Prometheus's own
	// Lookback is how old the newest sample of a series may be to stand for it; 0:
	// five minutes, Prometheus's own. Data with longer steps need more.
	Lookback time.Duration
}

// An Engine evaluates PromQL. Any number may use it at a time.
type Engine struct {
	engine *promql.Engine
	parser parser.Parser
}

// NewEngine makes an engine.
func NewEngine(l Limits) *Engine {
	p := parser.NewParser(parser.Options{})
	return &Engine{parser: p, engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples:           cmp.Or(l.MaxSamples, 50_000_000),
		Timeout:              cmp.Or(l.Timeout, 2*time.Minute),
		LookbackDelta:        cmp.Or(l.Lookback, 5*time.Minute),
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		// A subquery without a step has that of Prometheus's default configuration.
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		Parser:                   p,
	})}
}

// A Result is what an expression gives.
type Result struct {
	Rows  []Row
	Notes []string // what Prometheus remarks on, such as a rate of what may be no counter
}

// A Row is one series of a Result, sorted by its labels; a scalar has none. NaN is a
// value here, as in PromQL: 0/0.
type Row struct {
	Labels labels.Labels
	Points []Point // of Instant one, at the time asked for, but for range selectors
}

// An ExpressionError says what is wrong with an expression.
type ExpressionError struct {
	Expression string
	Err        error
}

func (e *ExpressionError) Error() string {
	return fmt.Sprintf("expression %q: %v", e.Expression, e.Err)
}

func (e *ExpressionError) Unwrap() error { return e.Err }

// Check tells whether an expression can be evaluated; the error is an
// *ExpressionError, with the place.
func (e *Engine) Check(expression string) error {
	_, err := e.parse(expression)
	return err
}

func (e *Engine) parse(expression string) (parser.Expr, error) {
	parsed, err := e.parser.ParseExpr(expression)
	if list, ok := errors.AsType[parser.ParseErrors](err); ok && len(list) > 0 {
		first := &list[0]
		at := int(first.PositionRange.Start)
		err = fmt.Errorf("at character %d: %w", at+1, first.Err)
	}
	if err != nil {
		return nil, &ExpressionError{expression, err}
	}
	return parsed, nil
}

// Unmatched lists the selectors of an expression, as text, that no series of the
// store matches: what it compares is not measured there.
func (e *Engine) Unmatched(s *Store, expression string) ([]string, error) {
	parsed, err := e.parse(expression)
	if err != nil {
		return nil, err
	}
	var none []string
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok && len(s.Select(v.LabelMatchers...)) == 0 {
			none = append(none, v.String())
		}
		return nil
	})
	return none, nil
}

// Instant evaluates an expression at one time, over a Store or another view of one.
func (e *Engine) Instant(ctx context.Context, s storage.Queryable, expression string, at time.Time) (Result, error) {
	if err := e.Check(expression); err != nil {
		return Result{}, err
	}
	q, err := e.engine.NewInstantQuery(ctx, s, nil, expression, at)
	if err != nil {
		return Result{}, &ExpressionError{expression, err}
	}
	return result(ctx, q, expression)
}

// Vector evaluates an expression at one time as Prometheus does for rules, with its own
// errors: one that gives neither a vector nor a scalar is one.
func (e *Engine) Vector(ctx context.Context, s storage.Queryable, expression string, at time.Time) (promql.Vector, error) {
	q, err := e.engine.NewInstantQuery(ctx, s, nil, expression, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	answer := q.Exec(ctx)
	if answer.Err != nil {
		return nil, answer.Err
	}
	switch v := answer.Value.(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{promql.Sample{T: v.T, F: v.V}}, nil
	}
	return nil, errors.New("rule result is not a vector or scalar")
}

// maxSteps is a month in steps of 3 s. What a query may take is bounded by
// Limits.MaxSamples; this one catches a step that was mistaken.
const maxSteps = 1_000_000

// Range evaluates an expression at start, start+step, ... up to end, a million times
// at most.
func (e *Engine) Range(ctx context.Context, s storage.Queryable, expression string, start, end time.Time, step time.Duration) (Result, error) {
	if err := e.Check(expression); err != nil {
		return Result{}, err
	}
	switch {
	case step < time.Millisecond:
		return Result{}, &ExpressionError{expression, fmt.Errorf("a step of %v; it is at least a millisecond", step)}
	case end.Before(start):
		return Result{}, &ExpressionError{expression, fmt.Errorf("the range ends at %s, before it begins at %s",
			end.UTC().Format(time.RFC3339Nano), start.UTC().Format(time.RFC3339Nano))}
	case end.Sub(start)/step >= maxSteps:
		return Result{}, &ExpressionError{expression, fmt.Errorf("more than %d steps; take a longer step or a shorter range", maxSteps)}
	}
	q, err := e.engine.NewRangeQuery(ctx, s, nil, expression, start, end, step)
	if err != nil {
		return Result{}, &ExpressionError{expression, err}
	}
	return result(ctx, q, expression)
}

// result runs a query and copies what it gives, whose memory is the engine's.
func result(ctx context.Context, q promql.Query, expression string) (Result, error) {
	defer q.Close()
	answer := q.Exec(ctx)
	if answer.Err != nil {
		return Result{}, &ExpressionError{expression, answer.Err}
	}
	var r Result
	switch v := answer.Value.(type) {
	case promql.Vector:
		for _, x := range v {
			r.Rows = append(r.Rows, Row{x.Metric, []Point{{T: x.T, F: x.F}}})
		}
	case promql.Matrix:
		for _, x := range v {
			if len(x.Floats) > 0 {
				r.Rows = append(r.Rows, Row{x.Metric, append([]Point(nil), x.Floats...)})
			}
		}
	case promql.Scalar:
		r.Rows = []Row{{Points: []Point{{T: v.T, F: v.V}}}}
	default:
		return Result{}, &ExpressionError{expression, fmt.Errorf("it gives a %s, not numbers", answer.Value.Type())}
	}
	warnings, infos := answer.Warnings.AsStrings(expression, 0, 0)
	r.Notes = append(warnings, infos...)
	slices.Sort(r.Notes) // they come from a map
	return r, nil
}
