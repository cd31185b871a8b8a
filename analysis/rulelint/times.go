package rulelint

import (
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// shortFor looks at "for" that ends before the next evaluation.
func shortFor() Check {
	return Check{ID: "short-for", About: "a 'for' shorter than the interval of the group", run: func(l *linter, r *rule) {
		interval := l.interval(r)
		if wait := time.Duration(r.For); wait > 0 && wait < interval {
			l.find(r, nil, Info, "write the interval, or leave it out to fire at once", "for: %s is shorter than the interval of %s, so it is as long as that", r.For, model.Duration(interval))
		}
	}}
}

// needTwo are functions that need two samples.
var needTwo = []string{"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "changes", "resets"}

// shortRange looks at ranges that hold two samples by luck.
func shortRange() Check {
	return Check{ID: "short-range", About: "a range shorter than two intervals, which may hold one sample only", run: func(l *linter, r *rule) {
		interval := l.interval(r)
		inspect(r.expr, func(n parser.Node, _ []parser.Node) {
			call, ok := n.(*parser.Call)
			if !ok || !slices.Contains(needTwo, call.Func.Name) || len(call.Args) == 0 {
				return
			}
			m, ok := bare(call.Args[0]).(*parser.MatrixSelector)
			if ok && m.Range > 0 && m.Range < 2*interval {
				l.find(r, call, Info, "take "+model.Duration(4*interval).String()+" if samples are as far apart as evaluations",
					"%s over %s: with an interval of %s it may find one sample, and gives nothing then", call.Func.Name, model.Duration(m.Range), model.Duration(interval))
			}
		})
	}}
}
