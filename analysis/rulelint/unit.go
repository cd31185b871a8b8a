package rulelint

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// unit looks at thresholds that are possible, and most likely meant in another unit,
// and at values of two units that are compared.
func unit() Check {
	return Check{ID: "unit", About: "a threshold, or two values, in units that do not go together", run: func(l *linter, r *rule) {
		inspect(r.expr, func(n parser.Node, _ []parser.Node) {
			c, ok := n.(*parser.BinaryExpr)
			if !ok {
				return
			}
			additive := c.Op == parser.ADD || c.Op == parser.SUB
			if !additive && !c.Op.IsComparisonOperator() {
				return
			}
			left, right := l.span(c.LHS), l.span(c.RHS)
			if (c.Op.IsComparisonOperator() || additive) && differ(left.unit, right.unit) {
				l.find(r, c, Warning, "bring both into one unit", "%s puts %s in %s together with %s in %s", c, orValue(left.of), left.unit, orValue(right.of), right.unit)
			}
			if !c.Op.IsComparisonOperator() || never(c.Op, left, right) || always(c.Op, left, right) {
				return // the check of those says more
			}
			if left.low == left.high && left.of == "" {
				left, right = right, left
			}
			if right.low != right.high {
				return
			}
			if why, hint := doubt(left, right.low); why != "" {
				l.find(r, c, Warning, hint, "%s: %s", c, why)
			}
		})
	}}
}

func orValue(name string) string {
	if name == "" {
		return "a value"
	}
	return name
}

// scales are units of one thing.
var scales = [][]string{{"ms", "s"}, {"ratio", "percent"}, {"bytes", "GiB"}}

// differ tells whether two units are of one thing, and not the same.
func differ(a, b string) bool {
	for _, s := range scales {
		if a != b && (a == s[0] && b == s[1] || a == s[1] && b == s[0]) {
			return true
		}
	}
	return false
}

// doubt says why a threshold is most likely not meant in the unit of the series.
func doubt(s span, v float64) (why, hint string) {
	switch {
	case v == 0 || v != v:
	case s.unit == "percent" && v > 0 && v <= 1:
		return fmt.Sprintf("%s is in percent, from 0 to 100", orValue(s.of)), fmt.Sprintf("write %s if %s of all is meant", number(100*v), number(v))
	case s.unit == "ms" && v > 0 && v < 1:
		return fmt.Sprintf("%s is in milliseconds", orValue(s.of)), fmt.Sprintf("write %s if seconds are meant", number(1000*v))
	case s.unit == "s" && v >= 100 && isLatency(s.of):
		return fmt.Sprintf("%s is in seconds", orValue(s.of)), fmt.Sprintf("write %s if milliseconds are meant", number(v/1000))
	case s.unit == "bytes" && v > 0 && v < 1024:
		return fmt.Sprintf("%s is in bytes", orValue(s.of)), fmt.Sprintf("write %s * 1024^3 if GiB are meant", number(v))
	}
	return "", ""
}

// isLatency tells whether a name is of the time that a request takes.
func isLatency(name string) bool {
	for _, word := range []string{"latency", "ttft", "tpot", "itl", "time_to_first", "time_per_output", "inter_token", "request_duration", "response_time"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
