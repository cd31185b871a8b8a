// Package canonical makes Prometheus recording rules that give a server, which scrapes
// engines and exporters, the names of the catalogue, so that rules on these names work
// there. It evaluates no rule and reads no metric.
package canonical

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"llmops/rules/alert"
	"llmops/rules/catalog"
	"llmops/rules/near"
)

// Options say which names are made, and of what.
type Options struct {
	// Systems are those whose series there are, as catalog.System.ID; nil: all.
	Systems []string
	// Names are the metrics that are wanted; what they are made of comes with them. Nil:
	// every one that the systems have, second names left out.
	Names []string
	// Recorded are names that other rules record. They are theirs.
	Recorded []string
	Interval model.Duration // of the groups; 0: that of the server
}

// Result is a rule file, and what could not be made.
type Result struct {
	File alert.File
	// Missing are the names of the catalogue that are wanted, by Names or by what is made
	// of them, and that no system has; sorted.
	Missing []string
}

// Rules makes one rule a metric, in groups that are called llmops-canonical-GROUP. What
// a metric is made of stands before it. Where there are several ways to it the first
// one that has a value counts, series by series, in the order in which analysis/series
// has them: names of systems that take a factor, by name; then expressions of systems'
// series; then its own expression of other metrics.
//
// No rule looks at its own name: it would see what it recorded itself, and go on with
// it for ever after its source is gone. So there must be nothing on the server of that
// name with the same labels.
//
// The error is about the options.
func Rules(c catalog.Catalog, o Options) (Result, error) {
	for _, id := range o.Systems {
		if _, ok := c.System(id); !ok {
			return Result{}, unknownSystem(c, id)
		}
	}
	m := maker{catalog: c, options: o, rules: map[string]string{}, done: map[string]bool{}, missing: map[string]bool{}}
	for _, metric := range c.Metrics {
		if o.Names == nil && metric.SameAs != "" || o.Names != nil && !slices.Contains(o.Names, metric.Name) {
			continue
		}
		if _, err := m.make(metric.Name); err != nil {
			return Result{}, err
		}
	}
	r := Result{File: alert.File{Groups: m.groups()}}
	if o.Names != nil {
		r.Missing = slices.Sorted(maps.Keys(m.missing))
	}
	return r, nil
}

func unknownSystem(c catalog.Catalog, id string) error {
	var ids []string
	for _, s := range c.Systems {
		ids = append(ids, s.ID)
	}
	likely := near.Names(id, slices.Values(ids), 1)
	if len(likely) == 0 {
		likely = ids
	}
	return fmt.Errorf("no engine or exporter is called %q: did you mean %s?", id, strings.Join(likely, ", "))
}

// maker makes the rules, each after those that it is made of.
type maker struct {
	catalog catalog.Catalog
	options Options
	rules   map[string]string // expressions, by what they record
	order   []string          // of what is recorded
	done    map[string]bool   // whether there will be such a series
	missing map[string]bool
}

// make makes the rule of a metric, if it can be made, and tells whether there will be
// series of that name.
func (m *maker) make(name string) (bool, error) {
	metric, ok := m.catalog.Lookup(name)
	if there, seen := m.done[name]; !ok || seen {
		return there, nil
	}
	if slices.Contains(m.options.Recorded, name) {
		m.done[name] = true
		return true, nil
	}
	m.done[name] = false // should the catalogue go round in circles
	ways := m.outside(metric)
	if formula := metric.Formula(); formula != "" {
		more, err := m.inside(formula)
		if err != nil {
			return false, err
		}
		ways = append(ways, more...)
	}
	if len(ways) == 0 {
		m.missing[name] = true
		return false, nil
	}
	expr, err := parse(strings.Join(ways, or))
	if err != nil {
		return false, err
	}
	m.done[name] = true
	m.rules[name] = expr.Pretty(0)
	m.order = append(m.order, name)
	return true, nil
}

// groups are the rules by the group that they are of in the catalogue, a group at the
// place of its first rule.
func (m *maker) groups() []alert.Group {
	var groups []alert.Group
	for _, name := range m.order {
		metric, _ := m.catalog.Lookup(name)
		called := "llmops-canonical-" + strings.ReplaceAll(metric.Group, " ", "-")
		i := slices.IndexFunc(groups, func(g alert.Group) bool { return g.Name == called })
		if i < 0 {
			i = len(groups)
			groups = append(groups, alert.Group{Name: called, Interval: m.options.Interval})
		}
		groups[i].Rules = append(groups[i].Rules, alert.Rule{Record: name, Expr: m.rules[name]})
	}
	return groups
}
