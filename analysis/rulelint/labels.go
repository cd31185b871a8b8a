package rulelint

import (
	"maps"
	"regexp"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// lostLabel looks at templates that ask for a label which the result does not have.
func lostLabel() Check {
	return Check{ID: "lost-label", About: "a template asks for a label that the expression does not keep", run: func(l *linter, r *rule) {
		if r.Alert == "" {
			return
		}
		kept := l.keeps(r.expr)
		check := func(what, key, text string) {
			for _, m := range labelReference.FindAllStringSubmatch(text, -1) {
				name := m[1] + m[2]
				if kept.may(name) || name == "" {
					continue
				}
				hint := "keep it: by (" + name + ")"
				if _, own := r.Labels[name]; own {
					hint = "$labels has the labels of the result, and not those of the rule"
				}
				l.find(r, nil, Warning, hint, "%s %s asks for the label %s, which the expression does not keep", what, key, name)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(r.Annotations)) {
			check("annotation", key, r.Annotations[key])
		}
		for _, key := range slices.Sorted(maps.Keys(r.Labels)) {
			check("label", key, r.Labels[key])
		}
	}}
}

var labelReference = regexp.MustCompile(`(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)|index\s+(?:\$labels|\.Labels)\s+"([^"]+)"`)

// kept is which labels a result may have: those that are listed, or all but those.
type kept struct {
	all    bool
	listed []string
}

func (k kept) may(name string) bool { return k.all != slices.Contains(k.listed, name) }

func only(names ...string) kept { return kept{listed: names} }

func (k kept) with(name string) kept {
	if k.may(name) {
		return k
	}
	if k.all {
		return kept{true, slices.DeleteFunc(slices.Clone(k.listed), func(n string) bool { return n == name })}
	}
	return only(append(slices.Clone(k.listed), name)...)
}

func (k kept) without(name string) kept {
	switch {
	case !k.may(name):
		return k
	case k.all:
		return kept{true, append(slices.Clone(k.listed), name)}
	}
	return only(slices.DeleteFunc(slices.Clone(k.listed), func(n string) bool { return n == name })...)
}

// keeps is which labels the result of an expression may have.
func (l *linter) keeps(e parser.Expr) kept {
	switch x := bare(e).(type) {
	case *parser.VectorSelector:
		k := l.recordedLabels(nameOf(x))
		for _, m := range x.LabelMatchers {
			if m.Type == labels.MatchEqual && m.Value == "" {
				k = k.without(m.Name)
			}
		}
		return k
	case *parser.MatrixSelector:
		return l.keeps(x.VectorSelector)
	case *parser.SubqueryExpr:
		return l.keeps(x.Expr)
	case *parser.UnaryExpr:
		return l.keeps(x.Expr)
	case *parser.AggregateExpr:
		return l.aggregated(x)
	case *parser.Call:
		return l.called(x)
	case *parser.BinaryExpr:
		return l.combined(x)
	}
	return only()
}

// recordedLabels are those of a series by the rules that record it; any, where none does.
func (l *linter) recordedLabels(name string) kept {
	rules := l.recorded[name]
	if len(rules) == 0 || l.depth >= mostDepth {
		return kept{all: true}
	}
	l.depth++
	defer func() { l.depth-- }()
	all := only()
	for _, r := range rules {
		all = either(all, l.keeps(r.expr))
		for _, own := range []map[string]string{r.group.Labels, r.Labels} {
			for label := range own {
				all = all.with(label)
			}
		}
	}
	return all
}

func (l *linter) aggregated(x *parser.AggregateExpr) kept {
	inner := l.keeps(x.Expr)
	switch x.Op {
	case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO:
		return inner
	}
	k := only()
	if x.Without {
		k = inner
		for _, name := range x.Grouping {
			k = k.without(name)
		}
	} else {
		for _, name := range x.Grouping {
			if inner.may(name) {
				k = k.with(name)
			}
		}
	}
	if s, ok := x.Param.(*parser.StringLiteral); ok && x.Op == parser.COUNT_VALUES {
		k = k.with(s.Val)
	}
	return k
}

func (l *linter) called(x *parser.Call) kept {
	if len(x.Args) == 0 {
		return only()
	}
	switch x.Func.Name {
	case "absent", "absent_over_time": // the labels that the selector asks for
		k := only()
		for _, v := range selectors(x)[:min(1, len(selectors(x)))] {
			for _, m := range v.LabelMatchers {
				if m.Type == labels.MatchEqual {
					k = k.with(m.Name)
				}
			}
		}
		return k
	case "label_replace", "label_join":
		k := l.keeps(x.Args[0])
		if s, ok := x.Args[1].(*parser.StringLiteral); ok {
			k = k.with(s.Val)
		}
		return k
	case "histogram_quantile", "histogram_fraction":
		return l.keeps(x.Args[len(x.Args)-1]).without("le")
	case "info":
		return kept{all: true}
	case "vector", "scalar", "time":
		return only()
	}
	for _, arg := range x.Args {
		if t := arg.Type(); t == parser.ValueTypeVector || t == parser.ValueTypeMatrix {
			return l.keeps(arg)
		}
	}
	return only()
}

func (l *linter) combined(x *parser.BinaryExpr) kept {
	left, right := isVector(x.LHS), isVector(x.RHS)
	switch {
	case left && !right:
		return l.keeps(x.LHS)
	case right && !left:
		return l.keeps(x.RHS)
	case !left || x.VectorMatching == nil:
		return only()
	}
	a, b := l.keeps(x.LHS), l.keeps(x.RHS)
	m := x.VectorMatching
	switch {
	case x.Op == parser.LOR:
		return either(a, b)
	case x.Op.IsSetOperator():
		return a
	case m.Card == parser.CardManyToOne || m.Card == parser.CardOneToMany:
		if m.Card == parser.CardOneToMany {
			a = b
		}
		for _, name := range m.Include {
			a = a.with(name)
		}
		return a
	case m.On:
		k := only()
		for _, name := range m.MatchingLabels {
			if a.may(name) {
				k = k.with(name)
			}
		}
		return k
	}
	for _, name := range m.MatchingLabels {
		a = a.without(name)
	}
	return a
}

// either is what one or the other may have.
func either(a, b kept) kept {
	switch {
	case a.all && b.all:
		return kept{true, slices.DeleteFunc(slices.Clone(a.listed), func(n string) bool { return b.may(n) })}
	case b.all:
		a, b = b, a
	}
	for _, name := range b.listed {
		a = a.with(name)
	}
	return a
}
