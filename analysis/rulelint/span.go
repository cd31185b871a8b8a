package rulelint

import (
	"math"

	"github.com/prometheus/prometheus/promql/parser"
)

// span is what the values of an expression may be: interval arithmetic over what is
// known of its series. It may be too wide, but never too narrow where it is sure.
func (l *linter) span(e parser.Expr) span {
	switch x := bare(e).(type) {
	case *parser.NumberLiteral:
		return span{low: x.Val, high: x.Val, sure: true}
	case *parser.VectorSelector:
		return l.series(nameOf(x))
	case *parser.MatrixSelector:
		return l.span(x.VectorSelector)
	case *parser.SubqueryExpr:
		return l.span(x.Expr)
	case *parser.UnaryExpr:
		s := l.span(x.Expr)
		if x.Op == parser.SUB {
			s.low, s.high = -s.high, -s.low
		}
		return s
	case *parser.AggregateExpr:
		return l.aggregate(x)
	case *parser.Call:
		return l.call(x)
	case *parser.BinaryExpr:
		return l.binary(x)
	}
	return anything()
}

// mostDepth is how far recorded series are followed that are made of recorded ones.
const mostDepth = 8

// series is the span of the series of a name; of recorded ones that of their rule.
func (l *linter) series(name string) span {
	rules := l.recorded[name]
	if len(rules) == 0 {
		return l.catalog.spanOf(name)
	}
	if l.depth >= mostDepth {
		return anything()
	}
	l.depth++
	defer func() { l.depth-- }()
	all := l.span(rules[0].expr)
	for _, r := range rules[1:] {
		all = union(all, l.span(r.expr))
	}
	if promised := byName(name); math.IsInf(all.high, 1) && !math.IsInf(promised.high, 1) && all.low >= 0 {
		return promised
	}
	all.of = name
	return all
}

func union(a, b span) span {
	s := span{low: math.Min(a.low, b.low), high: math.Max(a.high, b.high), sure: a.sure && b.sure}
	if a.unit == b.unit {
		s.unit = a.unit
	}
	if a.of == b.of {
		s.of = a.of
	}
	return s
}

// sum is the span of sums of values of a span.
func sum(s span) span {
	if s.low < 0 {
		s.low = math.Inf(-1)
	}
	if s.high > 0 {
		s.high = math.Inf(1)
	}
	if s.unit == "ratio" || s.unit == "bool" || s.unit == "percent" {
		s.unit = "" // of several it is none
	}
	return s
}

func (l *linter) aggregate(x *parser.AggregateExpr) span {
	inner := l.span(x.Expr)
	switch x.Op {
	case parser.SUM:
		return sum(inner)
	case parser.COUNT, parser.COUNT_VALUES, parser.STDDEV, parser.STDVAR:
		return span{low: 0, high: math.Inf(1), sure: true}
	case parser.GROUP:
		return span{low: 1, high: 1, sure: true}
	}
	return inner // one of the values, or between them
}

func (l *linter) call(x *parser.Call) span {
	switch x.Func.Name {
	case "rate", "irate", "increase", "changes", "resets", "count_over_time", "stddev_over_time", "stdvar_over_time", "exp", "sqrt":
		return span{low: 0, high: math.Inf(1), sure: true}
	case "absent", "absent_over_time", "present_over_time":
		return span{low: 1, high: 1, sure: true}
	case "avg_over_time", "min_over_time", "max_over_time", "last_over_time", "first_over_time", "sort", "sort_desc", "scalar", "vector", "label_replace", "label_join":
		if len(x.Args) > 0 {
			return l.span(x.Args[0])
		}
	case "quantile_over_time":
		if len(x.Args) > 1 {
			return l.span(x.Args[1])
		}
	case "sum_over_time":
		if len(x.Args) > 0 {
			return sum(l.span(x.Args[0]))
		}
	case "histogram_quantile":
		if len(x.Args) > 1 {
			s := anything()
			s.of = l.bucket(x.Args[1])
			s.unit = byName(s.of).unit
			return s
		}
	}
	return anything()
}

// bucket is the series that a histogram_quantile is of.
func (l *linter) bucket(e parser.Expr) string {
	name := ""
	inspect(e, func(n parser.Node, _ []parser.Node) {
		if v, ok := n.(*parser.VectorSelector); ok && name == "" {
			name = nameOf(v)
		}
	})
	return name
}

func (l *linter) binary(x *parser.BinaryExpr) span {
	a, b := l.span(x.LHS), l.span(x.RHS)
	switch {
	case x.Op.IsComparisonOperator() && x.ReturnBool:
		return span{low: 0, high: 1, unit: "bool", sure: true}
	case x.Op.IsComparisonOperator(), x.Op == parser.LAND, x.Op == parser.LUNLESS:
		if a.low == a.high && x.Op.IsComparisonOperator() && !isVector(x.LHS) {
			return b // 5 < x gives x
		}
		return a
	case x.Op == parser.LOR:
		return union(a, b)
	}
	s := span{sure: a.sure && b.sure, of: a.of}
	if a.of == "" {
		s.of = b.of
	}
	switch x.Op {
	case parser.ADD:
		s.low, s.high = a.low+b.low, a.high+b.high
	case parser.SUB:
		s.low, s.high = a.low-b.high, a.high-b.low
	case parser.MUL:
		s.low, s.high = product(a, b)
	case parser.DIV:
		if l.isShare(x) {
			return span{low: 0, high: 1, unit: "ratio", of: s.of}
		}
		s.low, s.high = quotient(a, b)
	default:
		return anything()
	}
	if s.low != s.low || s.high != s.high { // the difference of infinities
		s.low, s.high = math.Inf(-1), math.Inf(1)
	}
	s.unit = unitOf(x.Op, a, b)
	return s
}

func isVector(e parser.Expr) bool { return e.Type() == parser.ValueTypeVector }

// product keeps 0 times infinity at 0, since no value is infinite.
func product(a, b span) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, x := range []float64{a.low, a.high} {
		for _, y := range []float64{b.low, b.high} {
			p := x * y
			if x == 0 || y == 0 {
				p = 0
			}
			low, high = math.Min(low, p), math.Max(high, p)
		}
	}
	return low, high
}

func quotient(a, b span) (low, high float64) {
	if b.low < 0 || b.low == 0 && b.high == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	inverse := span{low: 0, high: math.Inf(1)}
	if b.low > 0 {
		inverse.high = 1 / b.low
	}
	if !math.IsInf(b.high, 1) {
		inverse.low = 1 / b.high
	}
	return product(a, inverse)
}

// unitOf is the unit of a result; "" where it is not one of those that are compared.
func unitOf(op parser.ItemType, a, b span) string {
	constant := b.low == b.high && b.of == ""
	switch {
	case (op == parser.ADD || op == parser.SUB) && (a.unit == b.unit || constant):
		return a.unit
	case (op == parser.ADD || op == parser.SUB) && a.low == a.high && a.of == "":
		return b.unit // 1 - x
	case op == parser.MUL && a.low == a.high && a.of == "":
		return scaled(b.unit, a.low)
	case op == parser.MUL && constant:
		return scaled(a.unit, b.low)
	case op == parser.DIV && constant && b.low != 0:
		return scaled(a.unit, 1/b.low)
	}
	return ""
}

// scaled is the unit of what is multiplied by a constant.
func scaled(unit string, by float64) string {
	near := func(want float64) bool { return math.Abs(by/want-1) < 1e-9 }
	for _, c := range []struct {
		from, to string
		by       float64
	}{
		{"ratio", "percent", 100}, {"percent", "ratio", 0.01}, {"s", "ms", 1000}, {"ms", "s", 0.001},
		{"bytes", "GiB", 1.0 / (1 << 30)}, {"GiB", "bytes", 1 << 30},
	} {
		if unit == c.from && near(c.by) {
			return c.to
		}
	}
	if near(1) {
		return unit
	}
	return ""
}
