package rulelint

import (
	"fmt"
	"strconv"

	"github.com/prometheus/prometheus/promql/parser"
)

// neverTrue looks at comparisons that no value can satisfy, or that every value does.
func neverTrue() Check {
	return Check{ID: "never-true", About: "a comparison that is never, or always, true", run: func(l *linter, r *rule) {
		comparisons(r.expr, func(c *parser.BinaryExpr) {
			left, right := l.span(c.LHS), l.span(c.RHS)
			if left.of == "" && right.of == "" && len(selectors(c)) == 0 {
				return // such as vector(1) > 0, for an alert that always fires
			}
			severity := Warning
			if left.sure && right.sure {
				severity = Error
			}
			switch {
			case never(c.Op, left, right) && !l.isBurn(r, c):
				hint := "compare with a value that it can have"
				if h := likelyUnit(left, right); h != "" {
					hint = h
				}
				l.find(r, c, severity, hint, "%s is never true: %s", c, reach(left, right))
			case always(c.Op, left, right):
				l.find(r, c, Warning, "leave it out, or compare with another value", "%s is always true: %s", c, reach(left, right))
			}
		})
	}}
}

// comparisons calls look for each.
func comparisons(e parser.Expr, look func(*parser.BinaryExpr)) {
	inspect(e, func(n parser.Node, _ []parser.Node) {
		if b, ok := n.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() {
			look(b)
		}
	})
}

func never(op parser.ItemType, a, b span) bool {
	switch op {
	case parser.GTR:
		return a.high <= b.low
	case parser.GTE:
		return a.high < b.low
	case parser.LSS:
		return a.low >= b.high
	case parser.LTE:
		return a.low > b.high
	case parser.EQLC:
		return a.high < b.low || b.high < a.low
	case parser.NEQ:
		return a.low == a.high && b.low == b.high && a.low == b.low
	}
	return false
}

func always(op parser.ItemType, a, b span) bool {
	switch op {
	case parser.GTR:
		return a.low > b.high
	case parser.GTE:
		return a.low >= b.high
	case parser.LSS:
		return a.high < b.low
	case parser.LTE:
		return a.high <= b.low
	case parser.NEQ:
		return a.high < b.low || b.high < a.low
	}
	return false // absent(x) == 1 is a custom, and says what is meant
}

// reach says what the sides of a comparison can be.
func reach(a, b span) string {
	if b.low == b.high {
		return words(a)
	}
	if a.low == a.high {
		return words(b)
	}
	return words(a) + ", and " + words(b)
}

func words(s span) string {
	what := s.of
	if what == "" {
		what = "its value"
	}
	unit := ""
	switch s.unit {
	case "ratio":
		unit = " is a ratio and"
		if !s.sure {
			unit = " is a ratio, to judge by its name, and"
		}
	case "percent":
		unit = " is in percent and"
	}
	switch low, high := number(s.low), number(s.high); {
	case s.low == s.high:
		return fmt.Sprintf("%s%s is %s", what, unit, low)
	case high == "+Inf":
		return fmt.Sprintf("%s%s is %s or more", what, unit, low)
	case low == "-Inf":
		return fmt.Sprintf("%s%s is at most %s", what, unit, high)
	default:
		return fmt.Sprintf("%s%s runs from %s to %s", what, unit, low, high)
	}
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }

// likelyUnit is what to do where a threshold is most likely in another unit.
func likelyUnit(a, b span) string {
	constant, series := b, a
	if a.low == a.high && a.of == "" {
		constant, series = a, b
	}
	if constant.low != constant.high {
		return ""
	}
	v := constant.low
	if series.unit == "ratio" && v > 1 && v <= 100 {
		return fmt.Sprintf("write %s for %s percent", number(v/100), number(v))
	}
	return ""
}
