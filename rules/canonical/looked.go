package canonical

import (
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/alert"
)

// Looked tells which metrics rules look at in their expressions, and what they record,
// both sorted: Names and Recorded of Options. Selectors that name no metric say nothing.
func Looked(groups []alert.Group) (names, recorded []string, err error) {
	for _, g := range groups {
		for _, r := range g.Rules {
			found, err := selected(r.Expr)
			if err != nil {
				return nil, nil, fmt.Errorf("rule %s: %w", r.Name(), err)
			}
			names = append(names, found...)
			if r.Record != "" {
				recorded = append(recorded, r.Record)
			}
		}
	}
	slices.Sort(names)
	slices.Sort(recorded)
	return slices.Compact(names), slices.Compact(recorded), nil
}

// named is the matcher that names the metric of a selector; nil: there is none.
func named(v *parser.VectorSelector) *labels.Matcher {
	i := slices.IndexFunc(v.LabelMatchers, func(l *labels.Matcher) bool {
		return l.Name == model.MetricNameLabel && l.Type == labels.MatchEqual
	})
	if i < 0 {
		return nil
	}
	return v.LabelMatchers[i]
}

// selected are the metrics that an expression names, sorted.
func selected(expr string) ([]string, error) {
	parsed, err := parse(expr)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			if l := named(v); l != nil {
				found[l.Value] = true
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(found)), nil
}

func parse(expr string) (parser.Expr, error) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	return parsed, nil
}
