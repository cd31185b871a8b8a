package alerting

import (
	"context"
	"time"

	"llmops/analysis/series"
)

// ahead is the answers for a number of evaluations, asked for at once.
type ahead struct {
	until  int64 // the last of them
	rows   []row
	failed bool // one of them has an error: they are asked for one by one
	filled bool
	found  []result
}

type row struct {
	*source
	points []series.Point
}

const (
	// aheadPoints bounds the points of an answer: 32 MB.
	aheadPoints = 2_000_000
	leastAhead  = 64
	mostAhead   = 50_000
)

// query gives the results of the rule's expression at t. They are valid until the next.
func (r *rule) query(ctx context.Context, t int64) ([]result, error) {
	if !r.batch {
		return r.instant(ctx, t)
	}
	a := &r.ahead
	if !a.filled || t > a.until {
		r.fill(ctx, t)
	}
	if a.failed {
		return r.instant(ctx, t)
	}
	a.found = a.found[:0]
	at := t - r.offset
	for i := range a.rows {
		x := &a.rows[i]
		if len(x.points) > 0 && x.points[0].T == at {
			a.found = append(a.found, result{x.source, x.points[0].F})
			x.points = x.points[1:]
		}
	}
	return a.found, nil
}

// fill asks for the evaluations from t on, as many as are good at a time.
func (r *rule) fill(ctx context.Context, t int64) {
	a := &r.ahead
	wide := 1
	view := r.view(r.plan.end, nil)
	for _, s := range r.reads[:r.own] {
		for _, l := range view {
			wide += len(l.Of.Select(s.matchers...))
		}
	}
	steps := min(max(aheadPoints/int64(wide), leastAhead), mostAhead, (r.plan.end-t)/r.interval+1)
	a.filled, a.until = true, t+(steps-1)*r.interval
	a.rows = a.rows[:0]
	answer, err := r.plan.engine.Range(ctx, view, r.Expr, time.UnixMilli(t-r.offset), time.UnixMilli(a.until-r.offset), time.Duration(r.interval)*time.Millisecond)
	if a.failed = err != nil; a.failed {
		return
	}
	for _, x := range answer.Rows {
		a.rows = append(a.rows, row{r.source(x.Labels), x.Points})
	}
}
