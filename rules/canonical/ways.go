package canonical

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"llmops/rules/catalog"
)

// uses tells whether there may be series of an alias.
func (m *maker) uses(a catalog.Alias) bool {
	return !a.Bare && (m.options.Systems == nil || slices.Contains(m.options.Systems, a.System))
}

// outside are the ways to a metric from the series of systems.
func (m *maker) outside(metric catalog.Metric) []string {
	type way struct {
		name, expr string
		system     catalog.System
	}
	var named, computed []way
	for _, a := range metric.Aliases {
		if !m.uses(a) {
			continue
		}
		system, _ := m.catalog.System(a.System)
		if a.Expr == "" {
			for _, name := range system.Spellings(a.Name) {
				named = append(named, way{name, catalog.Scaled(name, a.Factor), system})
			}
			continue
		}
		for _, expr := range system.Spellings(a.Expr) {
			computed = append(computed, way{a.Name, expr, system})
		}
	}
	slices.SortStableFunc(named, func(a, b way) int { return strings.Compare(a.name, b.name) })
	var all []string
	for rest := slices.Concat(named, computed); len(rest) > 0; {
		// Neighbours of a system have the same labels.
		n := 0
		var same []string
		for ; n < len(rest) && rest[n].system.ID == rest[0].system.ID; n++ {
			same = append(same, rest[n].expr)
		}
		all = append(all, renamed(strings.Join(same, or), rest[0].system.Labels))
		rest = rest[n:]
	}
	return all
}

// or takes what is on its left, and the series of its right that have other labels.
const or = " or "

// renamed gives labels their canonical names. A canonical label that is there already
// stays, and so does the system's own: to tell, both are joined in the own one at first.
func renamed(expr string, to map[string]string) string {
	for _, own := range slices.Sorted(maps.Keys(to)) {
		expr = fmt.Sprintf("label_join(%s, %q, \";\", %[2]q, %q)", expr, own, to[own])
		expr = fmt.Sprintf("label_replace(%s, %q, \"$1\", %q, \"(.+);\")", expr, to[own], own)
		expr = fmt.Sprintf("label_replace(%s, %q, \"$1\", %[2]q, \".*;|(.*);.+\")", expr, own)
	}
	return expr
}

// inside are the ways to a metric by its formula. Over a range that is better done of
// what was scraped, of which there is more than of what a rule has recorded: the names
// of the formula give way to those of each system that has all of them as they are.
// What is left is computed of the metrics that it names, whose rules are made here.
func (m *maker) inside(formula string) ([]string, error) {
	names, err := selected(formula)
	if err != nil {
		return nil, err
	}
	var ways []string
	rest := true
	if strings.Contains(formula, "[") {
		systems := map[string]bool{}
		for _, s := range m.catalog.Systems {
			own := m.own(names, s)
			if own == nil {
				continue
			}
			replaced, ok, err := replace(formula, own)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			systems[s.ID] = true
			ways = append(ways, renamed(strings.Join(s.Spellings(replaced), or), s.Labels))
		}
		rest = m.others(names, systems)
	}
	if !rest {
		return ways, nil
	}
	for _, n := range names {
		there, err := m.make(n)
		if err != nil {
			return nil, err
		}
		rest = rest && there
	}
	if rest {
		ways = append(ways, formula)
	}
	return ways, nil
}

// own are what a system has for each of the metrics, by a factor; nil unless it has all.
func (m *maker) own(names []string, s catalog.System) map[string]catalog.Alias {
	own := map[string]catalog.Alias{}
	for _, n := range names {
		metric, _ := m.catalog.Lookup(n)
		i := slices.IndexFunc(metric.Aliases, func(a catalog.Alias) bool { return a.System == s.ID && a.Expr == "" && m.uses(a) })
		if i < 0 || slices.Contains(m.options.Recorded, n) {
			return nil
		}
		own[n] = metric.Aliases[i]
	}
	return own
}

// others tells whether one of the metrics can come from anything but these systems.
func (m *maker) others(names []string, systems map[string]bool) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		metric, _ := m.catalog.Lookup(name)
		return metric.Formula() != "" || slices.Contains(m.options.Recorded, name) || slices.ContainsFunc(metric.Aliases, func(a catalog.Alias) bool {
			return m.uses(a) && (a.Expr != "" || !systems[a.System])
		})
	})
}

// linear are the functions of a range that give a multiple for a multiple.
var linear = []string{"rate", "irate", "increase", "delta", "idelta", "deriv"}

// replace puts a system's series for the metrics of a formula. False: one of them is in
// another unit, and under a function for which that is more than a factor.
func replace(formula string, own map[string]catalog.Alias) (string, bool, error) {
	parsed, err := parse(formula)
	if err != nil {
		return "", false, err
	}
	type edit struct {
		at   int
		over int // bytes that the text takes the place of
		text string
	}
	var edits []edit
	possible := true
	parser.Inspect(parsed, func(n parser.Node, path []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		a, ok := own[v.Name]
		if !ok {
			return nil
		}
		edits = append(edits, edit{int(v.PosRange.Start), len(v.Name), a.Name})
		if a.Factor == 1 {
			return nil
		}
		whole := parser.Node(v)
		if len(path) > 0 {
			if _, ranged := path[len(path)-1].(*parser.MatrixSelector); ranged {
				call, ok := path[max(len(path)-2, 0)].(*parser.Call)
				if !ok || !slices.Contains(linear, call.Func.Name) {
					possible = false
					return nil
				}
				whole = call
			}
		}
		at := whole.PositionRange()
		edits = append(edits, edit{int(at.Start), 0, "("}, edit{int(at.End), 0, catalog.Scaled("", a.Factor) + ")"})
		return nil
	})
	slices.SortStableFunc(edits, func(a, b edit) int { return b.at - a.at })
	for _, e := range edits {
		formula = formula[:e.at] + e.text + formula[e.at+e.over:]
	}
	return formula, possible, nil
}
