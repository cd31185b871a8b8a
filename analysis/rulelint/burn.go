package rulelint

import (
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// burnRate looks at alerts on burn rates whose factor is beyond what can be reached:
// the share of bad events is at most 1, and the limit is factor * (1 - target).
func burnRate() Check {
	return Check{ID: "burn-rate", About: "a burn rate that cannot be reached: factor * (1 - target) is 1 or more", run: func(l *linter, r *rule) {
		comparisons(r.expr, func(c *parser.BinaryExpr) {
			if !l.isBurn(r, c) {
				return
			}
			limit := l.span(c.RHS).low
			if factor, budget, ok := factors(c.RHS); ok {
				l.find(r, c, Error, "take a factor below "+number(1/budget)+", which is 1/(1 - target)",
					"the alert cannot fire: %s times a budget of %s is %s, and no more than all events can be bad", number(factor), number(budget), number(limit))
				return
			}
			l.find(r, c, Error, "take a factor below 1/(1 - target)", "the alert cannot fire: the share of bad events is at most 1, and never above %s", number(limit))
		})
	}}
}

// isBurn tells whether a comparison is that of a burn rate alert that cannot fire.
func (l *linter) isBurn(r *rule, c *parser.BinaryExpr) bool {
	if c.Op != parser.GTR && c.Op != parser.GTE {
		return false
	}
	limit := l.span(c.RHS)
	if limit.low != limit.high || len(selectors(c.RHS)) > 0 || limit.low < 1 || c.Op == parser.GTE && limit.low == 1 {
		return false
	}
	if _, _, ok := factors(c.RHS); ok {
		return true
	}
	left := l.span(c.LHS)
	text := strings.ToLower(r.Name())
	return left.unit == "ratio" && left.high == 1 && (strings.HasPrefix(left.of, "slo:") || strings.Contains(text, "burn") || strings.Contains(text, "budget"))
}

// factors takes a limit apart: 14.4 * (1 - 0.99), or 14.4 * 0.01. The budget is the
// part below 1, the factor the one above it.
func factors(e parser.Expr) (factor, budget float64, ok bool) {
	m, is := bare(e).(*parser.BinaryExpr)
	if !is || m.Op != parser.MUL {
		return 0, 0, false
	}
	var l linter
	a, b := l.span(m.LHS), l.span(m.RHS)
	if a.low != a.high || b.low != b.high {
		return 0, 0, false
	}
	factor, budget = max(a.low, b.low), min(a.low, b.low)
	return factor, budget, factor > 1 && budget > 0 && budget < 1
}
