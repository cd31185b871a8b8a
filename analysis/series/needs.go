package series

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Needs is what expressions look at.
type Needs struct {
	// Selectors match every series that is looked at: those of one metric are one
	// selector. Those without a metric's name are as they stand, and last.
	Selectors []Selector
}

// A Selector is a selector of PromQL.
type Selector struct {
	Name string // of the metric; "": it names none, or by an expression
	Text string
	// Before is how far behind the time of an evaluation it looks: its range with
	// offsets and subqueries, and five minutes, for which a sample stands.
	Before time.Duration
}

// lookback is how old a sample may be to stand for its series, by default.
const lookback = 5 * time.Minute

// Needs lists what the expressions look at; the error is an *ExpressionError.
func (e *Engine) Needs(expressions ...string) (Needs, error) {
	var needs Needs
	named := map[string][]*labels.Matcher{} // what all selectors of a name have in common
	before := map[string]time.Duration{}    // by name, and by text
	nameless := map[string]bool{}
	for _, expression := range expressions {
		parsed, err := e.parse(expression)
		if err != nil {
			return Needs{}, err
		}
		parser.Inspect(parsed, func(n parser.Node, path []parser.Node) error {
			v, ok := n.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			name := nameOf(v)
			key := name
			if name == "" {
				key = selectorText(v.LabelMatchers)
				nameless[key] = true
			} else if common, there := named[name]; there {
				named[name] = slices.DeleteFunc(common, func(m *labels.Matcher) bool { return !holds(v.LabelMatchers, m) })
			} else {
				named[name] = slices.Clone(v.LabelMatchers)
			}
			before[key] = max(before[key], behind(v, path))
			return nil
		})
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		needs.Selectors = append(needs.Selectors, Selector{name, selectorText(named[name]), before[name]})
	}
	for _, text := range slices.Sorted(maps.Keys(nameless)) {
		needs.Selectors = append(needs.Selectors, Selector{Text: text, Before: before[text]})
	}
	return needs, nil
}

// behind is how far a selector looks behind the time at which the expression above it
// is evaluated.
func behind(v *parser.VectorSelector, path []parser.Node) time.Duration {
	d := lookback + max(v.OriginalOffset, 0)
	for _, n := range path {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			d += n.Range
		case *parser.SubqueryExpr:
			d += n.Range + max(n.OriginalOffset, 0)
		}
	}
	return d
}

// nameOf is the metric that a selector names, "" if it does not name one.
func nameOf(v *parser.VectorSelector) string {
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

func holds(list []*labels.Matcher, m *labels.Matcher) bool {
	return slices.ContainsFunc(list, func(o *labels.Matcher) bool { return o.String() == m.String() })
}

// selectorText writes matchers as a selector, the name before the brace.
func selectorText(matchers []*labels.Matcher) string {
	name := ""
	var inside []string
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && name == "" && model.LegacyValidation.IsValidMetricName(m.Value) {
			name = m.Value
		} else {
			inside = append(inside, m.String())
		}
	}
	slices.Sort(inside)
	if name != "" && len(inside) == 0 {
		return name
	}
	return fmt.Sprintf("%s{%s}", name, strings.Join(inside, ","))
}

// Selector tells whether an expression is a selector, of samples as they are stored and
// without an offset, and gives it in one spelling; the error is an *ExpressionError.
func (e *Engine) Selector(expression string) (Selector, bool, error) {
	parsed, err := e.parse(expression)
	if err != nil {
		return Selector{}, false, err
	}
	v, ok := parsed.(*parser.VectorSelector)
	if !ok || v.OriginalOffset != 0 || v.Timestamp != nil || v.StartOrEnd != 0 {
		return Selector{}, false, nil
	}
	return Selector{nameOf(v), selectorText(v.LabelMatchers), lookback}, true, nil
}
