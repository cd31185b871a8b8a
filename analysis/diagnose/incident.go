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

// events gathers what overlaps in time. A fault that comes back is told each time; within one
// event it is told by where it fits best, and the other times are left out before any cause
// is held against its effects.
func (w *world) events(c fault.Catalogue) []event {
	impact := slices.DeleteFunc(w.unknowns(c), func(x *candidate) bool { return x.to < w.since })
	for all := w.candidates(c); ; {
		copies := make([]*candidate, len(all)) // choosing changes them
		for i, x := range all {
			copies[i] = new(*x)
		}
		found := w.together(choose(copies, c, w.view, w.grid), impact)
		left := len(all)
		for _, e := range found {
			all = slices.DeleteFunc(all, func(x *candidate) bool { return e.repeats(x) })
		}
		if len(all) == left {
			return found
		}
	}
}

// repeats tells whether a candidate is one of several times at which a fault of an entity was
// seen in an event, and not the best of these.
func (e event) repeats(x *candidate) bool {
	mine := func(k *candidate) bool { return k.first == x.first && k.peak == x.peak }
	better := func(k *candidate) bool {
		return k.first == x.first && (k.first.score[k.peak] > x.score[x.peak] || k.first.score[k.peak] == x.score[x.peak] && k.peak < x.peak)
	}
	return slices.ContainsFunc(e.faults, mine) && slices.ContainsFunc(e.faults, better)
}

// together gathers what is chosen, and how users feel it.
func (w *world) together(chosen, impact []*candidate) []event {
	var sure []*candidate
	for _, x := range chosen {
		if x.sure() && x.to >= w.since {
			sure = append(sure, x)
		}
	}
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
