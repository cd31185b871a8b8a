package series

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/rules/catalog"
)

// Canonical is a store in which a series also goes by the name that the catalogue has
// for what it measures, in that metric's unit and with that metric's labels:
// DCGM_FI_DEV_GPU_UTIL{UUID="x"} 50 is gpu_utilization{uuid="x"} 0.5 too. Aliases that
// take more than a factor are for Engine.Derive.
//
// What stands under a canonical name already is what was measured. No alias comes
// beside a series of that name which may be about the same thing, that is, unless some
// label that both have tells them apart. Of several aliases with the same labels the
// first one by its own name has them.
func Canonical(s *Store, c catalog.Catalog) *Store {
	type meaning struct {
		name   string // "": none
		factor float64
		kind   Kind
		labels map[string]string
	}
	known := map[string]meaning{} // by the series' own names, of which there are few
	taken := map[string]bool{}
	all := slices.Clone(s.series)
	var key []byte
	for _, x := range s.series {
		if !x.original {
			continue
		}
		name := x.Name()
		m, seen := known[name]
		if !seen {
			if canonical, factor, ok := c.Resolve(name); ok && canonical != name {
				m = meaning{canonical, factor, kindOf(c, canonical), c.Labels(name)}
			}
			known[name] = m
		}
		if m.name == "" {
			continue
		}
		ls := relabel(x.labels, m.name, m.labels)
		if key = ls.Bytes(key); taken[string(key)] || s.measures(ls) {
			continue
		}
		taken[string(key)] = true
		alias := *x
		alias.labels, alias.factor, alias.kind, alias.original = ls, x.factor*m.factor, m.kind, false
		all = append(all, &alias)
	}
	return s.with(all)
}

// with is a store of other series with the same points.
func (s *Store) with(all []*Series) *Store {
	other := newStore(all)
	other.points = s.points
	return other
}

// measures tells whether a series that stood in a file has the name in ls and no label
// that says it is about something else.
func (s *Store) measures(ls labels.Labels) bool {
	return slices.ContainsFunc(s.named[ls.Get(model.MetricNameLabel)], func(x *Series) bool {
		return x.original && agree(x.labels, ls)
	})
}

// agree tells whether each label that both have is the same.
func agree(a, b labels.Labels) bool {
	same := true
	a.Range(func(l labels.Label) {
		if v := b.Get(l.Name); v != "" && v != l.Value {
			same = false
		}
	})
	return same
}

// relabel gives labels the canonical names that to has for them, and a name. A label
// that is there by its canonical name already stays as it is, and so does the other.
func relabel(ls labels.Labels, name string, to map[string]string) labels.Labels {
	b := labels.NewBuilder(ls).Set(model.MetricNameLabel, name)
	for own, canonical := range to {
		if v := ls.Get(own); v != "" && ls.Get(canonical) == "" {
			b.Del(own).Set(canonical, v)
		}
	}
	return b.Labels()
}

// kindOf is the kind of a metric of the catalogue.
func kindOf(c catalog.Catalog, name string) Kind {
	if m, ok := c.Lookup(name); ok && m.Kind == catalog.Counter {
		return Counter
	}
	return Gauge
}
