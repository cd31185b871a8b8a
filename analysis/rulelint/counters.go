package rulelint

import (
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

var (
	ofCounters = []string{"rate", "irate", "increase", "resets"}
	ofGauges   = []string{"delta", "idelta", "deriv", "predict_linear", "holt_winters", "double_exponential_smoothing"}
)

// rateOfGauge looks at functions of counters over what is none, and the other way
// round.
func rateOfGauge() Check {
	return Check{ID: "rate-of-gauge", About: "rate of what is no counter, or delta of one", run: func(l *linter, r *rule) {
		inspect(r.expr, func(n parser.Node, _ []parser.Node) {
			call, ok := n.(*parser.Call)
			if !ok || len(call.Args) == 0 {
				return
			}
			m, ok := bare(call.Args[0]).(*parser.MatrixSelector)
			if !ok {
				return
			}
			v, ok := m.VectorSelector.(*parser.VectorSelector)
			if !ok || len(l.recorded[nameOf(v)]) > 0 {
				return
			}
			switch kind := l.catalog.kindOf(nameOf(v)); {
			case kind == gauge && slices.Contains(ofCounters, call.Func.Name):
				l.find(r, call, Warning, "deriv, delta or avg_over_time are for gauges", "%s of %s, which goes up and down: each fall is taken for a restart at zero", call.Func.Name, nameOf(v))
			case kind == counter && slices.Contains(ofGauges, call.Func.Name):
				l.find(r, call, Warning, "rate or increase are for counters", "%s of %s, which is a counter: it goes wrong when that starts again at zero", call.Func.Name, nameOf(v))
			}
		})
	}}
}

// counterWithoutRate looks at thresholds on counters as they stand: what has been
// since the start says nothing about now.
func counterWithoutRate() Check {
	return Check{ID: "counter-without-rate", About: "a threshold on all that a counter has counted since its start", run: func(l *linter, r *rule) {
		inspect(r.expr, func(n parser.Node, path []parser.Node) {
			v, ok := n.(*parser.VectorSelector)
			if !ok || len(l.recorded[nameOf(v)]) > 0 || l.catalog.kindOf(nameOf(v)) != counter {
				return
			}
			for i, above := range slices.Backward(path) {
				switch x := above.(type) {
				case *parser.MatrixSelector, *parser.SubqueryExpr, *parser.Call:
					return
				case *parser.AggregateExpr:
					if x.Op == parser.COUNT || x.Op == parser.GROUP {
						return
					}
				case *parser.BinaryExpr:
					below := parser.Node(v)
					if i+1 < len(path) {
						below = path[i+1]
					}
					other := x.RHS
					if x.RHS == below {
						other = x.LHS
					}
					limit := l.span(other)
					// Above zero: it has happened at all.
					if x.Op.IsComparisonOperator() && limit.low == limit.high && limit.low != 0 {
						l.find(r, v, Warning, "write increase("+nameOf(v)+"[1h]) for what an hour brought, or rate for a second's", "%s counts since the start, and is compared with %s as it stands", nameOf(v), number(limit.low))
					}
					if x.Op.IsComparisonOperator() || x.Op.IsSetOperator() || x.Op == parser.SUB || x.Op == parser.DIV {
						return
					}
				}
			}
		})
	}}
}
