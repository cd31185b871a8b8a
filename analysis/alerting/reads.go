package alerting

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// The series that alerts write.
const (
	alertsName   = "ALERTS"
	forStateName = "ALERTS_FOR_STATE"
	stateLabel   = "alertstate"
)

// A selector is what a rule looks at.
type selector struct {
	text     string
	matchers []*labels.Matcher
}

func sortedLabels(m map[string]string) []labels.Label {
	var all []labels.Label
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, labels.Label{Name: name, Value: m[name]})
	}
	return all
}

func selectors(e parser.Expr) []selector {
	var found []selector
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			found = append(found, selector{v.String(), v.LabelMatchers})
		}
		return nil
	})
	return found
}

// look finds what the rule reads: by its expression, and by queries in its templates.
func (r *rule) look() {
	r.reads = selectors(r.expr)
	r.own = len(r.reads)
	for _, l := range r.labels {
		r.dependence = max(r.dependence, dependenceOf(l.Value))
		r.lookAt(l.Value)
	}
	for _, a := range r.annotations {
		r.lookAt(a.Value)
	}
}

func templated(text string) bool { return strings.Contains(text, "{{") }

// known is the value of a label in every series of a name that the rule writes.
func (r *rule) known(name, label string) (string, bool) {
	switch {
	case label == model.MetricNameLabel:
		return name, true
	case r.Alert != "" && label == labels.AlertName:
		return r.Alert, true
	}
	v, ok := r.merged[label]
	if r.Alert != "" && (templated(v) || label == stateLabel) {
		return "", false
	}
	return v, ok
}

// names are those of the series that the rule writes.
func (r *rule) names() []string {
	if r.Alert != "" {
		return []string{alertsName, forStateName}
	}
	return []string{r.Record}
}

// mayMatch tells whether the rule may write a series that a selector matches.
func (r *rule) mayMatch(s selector) bool {
	return slices.ContainsFunc(r.names(), func(name string) bool {
		return !slices.ContainsFunc(s.matchers, func(m *labels.Matcher) bool {
			if name == alertsName && m.Name == stateLabel {
				return !m.Matches(string(Pending)) && !m.Matches(string(Firing))
			}
			v, ok := r.known(name, m.Name)
			return ok && !m.Matches(v)
		})
	})
}

// mayBe tells whether the rule may write a series with these labels, which has one of
// its names.
func (r *rule) mayBe(ls labels.Labels) bool {
	if r.Alert != "" && ls.Get(labels.AlertName) != r.Alert {
		return false
	}
	for label := range r.merged {
		if v, ok := r.known(ls.Get(model.MetricNameLabel), label); ok && ls.Get(label) != v {
			return false
		}
	}
	return true
}

// mayShare tells whether both rules, which write the same names, may write one series.
func (r *rule) mayShare(other *rule) bool {
	if r == other || r.Alert != other.Alert {
		return false
	}
	name := r.names()[0]
	for label := range r.merged {
		a, ok := r.known(name, label)
		b, too := other.known(name, label)
		if ok && too && a != b {
			return false
		}
	}
	return true
}

// separable tells whether the rule gives the same when it is asked for many times at
// once: when it looks neither ahead nor at where a query begins or ends, needs nothing
// that is recorded meanwhile, and adds up nothing whose order would be another.
func (r *rule) separable() bool {
	if r.plan.options.stepwise {
		return false
	}
	for _, w := range r.needs {
		if !slices.ContainsFunc(r.reads[:r.own], w.mayMatch) {
			continue // a template asks, one time at a time
		}
		if w.unit == r.unit || w.offset > r.offset || w.offset == r.offset && !w.before(r) {
			return false
		}
	}
	ok := true
	parser.Inspect(r.expr, func(n parser.Node, _ []parser.Node) error {
		switch x := n.(type) {
		case *parser.VectorSelector:
			ok = ok && x.OriginalOffset >= 0 && x.OriginalOffsetExpr == nil && x.Timestamp == nil && x.StartOrEnd == 0
		case *parser.SubqueryExpr:
			ok = ok && x.OriginalOffset >= 0 && x.OriginalOffsetExpr == nil && x.Timestamp == nil && x.StartOrEnd == 0
		case *parser.AggregateExpr:
			ok = ok && (!byOrder(x.Op) || inOrder(x.Expr))
		}
		return nil
	})
	return ok
}

// byOrder tells whether the result of an aggregation depends on the order of what it
// aggregates, be it by the rounding of a sum.
func byOrder(op parser.ItemType) bool {
	switch op {
	case parser.COUNT, parser.GROUP, parser.MIN, parser.MAX, parser.QUANTILE, parser.COUNT_VALUES:
		return false
	}
	return true
}

// inOrder tells whether the series of an expression come in the order of the store
// whether one time is asked for or many. Those of operators come in any order.
func inOrder(e parser.Expr) bool {
	switch x := e.(type) {
	case *parser.ParenExpr:
		return inOrder(x.Expr)
	case *parser.VectorSelector:
		return true
	case *parser.Call:
		return slices.ContainsFunc(x.Args, func(a parser.Expr) bool { _, ok := a.(*parser.MatrixSelector); return ok })
	}
	return false
}
