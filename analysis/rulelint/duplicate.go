package rulelint

import (
	"maps"

	"github.com/prometheus/prometheus/model/labels"
)

// duplicateRule looks at rules with one name and the same labels.
func duplicateRule() Check {
	return Check{ID: "duplicate-rule", About: "two rules with the same name and labels", run: func(l *linter, r *rule) {
		key := r.Alert + "\xff" + r.Record + "\xff" + labelsOf(r)
		before := l.firsts[key]
		if before == nil {
			l.firsts[key] = r
			return
		}
		same := before.Expr == r.Expr && before.For == r.For && before.KeepFiringFor == r.KeepFiringFor && maps.Equal(before.Annotations, r.Annotations)
		switch {
		case same:
			l.find(r, nil, Warning, "remove one of them", "%s stands at %s already, word for word", r.Name(), before.Position)
		case r.Record != "":
			l.find(r, nil, Error, "give one of them another name or label", "%s is recorded by the rule at %s too: where both have a result, Prometheus drops one", r.Name(), before.Position)
		default:
			l.find(r, nil, Warning, "give one of them another name, or a label such as severity", "the alert at %s has the same name and labels: they cannot be told apart", before.Position)
		}
	}}
}

// labelsOf are the labels of a rule with those of its group, as text.
func labelsOf(r *rule) string {
	all := maps.Clone(r.group.Labels)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, r.Labels)
	return labels.FromMap(all).String()
}
