package diagnose

import (
	"cmp"
	"slices"

	"llmops/rules/fault"
)

// event is an incident before it is written down.
type event struct {
	from, to int
	faults   []*candidate // best first; the first is what most likely broke
	impact   []*candidate // how users feel it
}

// events gathers what overlaps in time.
func (w *world) events(c fault.Catalogue) []event {
	chosen := choose(w.candidates(c), c, w.view, w.grid)
	impact := w.unknowns(c)
	var sure []*candidate
	for _, x := range chosen {
		if x.sure() && x.to >= w.since {
			sure = append(sure, x)
		}
	}
	impact = slices.DeleteFunc(impact, func(x *candidate) bool { return x.to < w.since })
	all := append(slices.Clone(sure), impact...)
	slices.SortStableFunc(all, func(a, b *candidate) int { return cmp.Compare(a.from, b.from) })
	var found []event
	gap := gapSteps(w.grid)
	for _, x := range all {
		if n := len(found); n > 0 && x.from <= found[n-1].to+gap {
			found[n-1].to = max(found[n-1].to, x.to)
		} else {
			found = append(found, event{from: x.from, to: x.to})
		}
	}
	for i := range found {
		e := &found[i]
		in := func(x *candidate) bool { return x.from <= e.to+gap && e.from <= x.to+gap }
		for _, x := range chosen {
			if in(x) {
				e.faults = append(e.faults, x)
			}
		}
		for _, x := range impact {
			if in(x) {
				e.impact = append(e.impact, x)
			}
		}
	}
	return found
}
