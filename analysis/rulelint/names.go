package rulelint

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/catalog"
	"llmops/rules/near"
)

// unknownMetric looks at names that neither the catalogue, nor another rule, nor the
// metrics that are given know.
func unknownMetric() Check {
	return Check{ID: "unknown-metric", About: "a metric that nobody knows, or that is not among those given", run: func(l *linter, r *rule) {
		inspect(r.expr, func(n parser.Node, _ []parser.Node) {
			v, ok := n.(*parser.VectorSelector)
			if !ok {
				return
			}
			name := nameOf(v)
			if name == "" || builtIn(name) || len(l.recorded[name]) > 0 || l.metrics[name] {
				return
			}
			known := l.catalog.has(name)
			if known && (l.metrics == nil || l.given(name)) {
				return
			}
			likely, seen := l.likely[name]
			if !seen {
				likely = near.Names(name, l.names(), 2)
				l.likely[name] = likely
			}
			severity, hint := Warning, "if it is right, name a file with its series by --metrics"
			if len(likely) > 0 {
				hint = "did you mean " + strings.Join(likely, " or ") + "?"
			}
			switch {
			case !known && strings.Contains(name, ":") && !l.catalog.prefixes[prefix(name)] && len(likely) == 0:
				l.find(r, v, Info, "name the file with that rule too", "none of the rules given records %s", name)
				return
			case known:
				l.find(r, v, Info, "nothing can be said of the rule without it", "no series of %s is among the metrics given", name)
				return
			case len(likely) == 0 && l.catalog.prefixes[prefix(name)] && l.metrics == nil:
				severity = Info // of an exporter with more names than the catalogue has
			}
			l.find(r, v, severity, hint, "nobody knows a metric called %s", name)
		})
	}}
}

// given tells whether the metrics that are given have a name by another of its names,
// or what it is computed of.
func (l *linter) given(name string) bool {
	canonical, _, ok := l.catalog.Resolve(name)
	if !ok {
		return false
	}
	for m := range l.metrics {
		if other, _, ok := l.catalog.Resolve(m); ok && other == canonical {
			return true
		}
	}
	m, _ := l.catalog.Lookup(canonical)
	return slices.ContainsFunc(m.Aliases, func(a catalog.Alias) bool { return l.metrics[a.Name] })
}

// builtIn tells whether Prometheus itself makes the series.
func builtIn(name string) bool {
	return name == "up" || name == "ALERTS" || name == "ALERTS_FOR_STATE" || strings.HasPrefix(name, "scrape_")
}

// names are all that are known.
func (l *linter) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, m := range slices.Sorted(maps.Keys(l.recorded)) {
			if !yield(m) {
				return
			}
		}
		for _, m := range slices.Sorted(maps.Keys(l.metrics)) {
			if !yield(m) {
				return
			}
		}
		for m := range l.catalog.Names() {
			if !yield(m) {
				return
			}
		}
		for _, m := range slices.Sorted(maps.Keys(l.catalog.parts)) {
			if !yield(m) {
				return
			}
		}
	}
}
