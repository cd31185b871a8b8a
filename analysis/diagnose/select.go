package diagnose

import (
	"cmp"
	"slices"
	"time"

	"llmops/rules/fault"
)

// Unknown is the fault of an incident that no pattern fits.
const Unknown = "unknown"

// keepFrom is the confidence below which a fault is not worth a word.
const keepFrom = 0.12

// choose makes of all that may be the case what most likely is, answers first: faults of many are faults
// of the whole, of neighbours only the worst counts where one is broken and the others
// feel it, and effects are marked with their cause.
func choose(all []*candidate, c fault.Catalogue, v view, g grid) []*candidate {
	byFault := map[string][]*candidate{}
	for _, x := range all {
		byFault[x.fault.ID] = append(byFault[x.fault.ID], x)
	}
	var chosen []*candidate
	for i := range c.Faults {
		chosen = append(chosen, gather(byFault[c.Faults[i].ID], v, g)...)
	}
	explain(chosen, g)
	slices.SortStableFunc(chosen, func(a, b *candidate) int {
		return cmp.Or(-compareBool(a.sure(), b.sure()), cmp.Compare(b.confidence, a.confidence), cmp.Compare(a.from, b.from), a.entity.compare(b.entity))
	})
	return chosen
}

// compareBool has false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// gather joins the candidates of one fault.
func gather(all []*candidate, v view, g grid) []*candidate {
	if len(all) < 2 {
		return all
	}
	slices.SortStableFunc(all, func(a, b *candidate) int { return cmp.Compare(b.confidence, a.confidence) })
	if all[0].fault.Single {
		return firstOfEach(all, g, func(a, b *candidate) bool { return true })
	}
	// GPUs of one replica, then replicas of the fleet.
	all = firstOfEach(all, g, func(a, b *candidate) bool {
		if a.entity.GPU == "" || b.entity.GPU == "" || a.entity.whole() != b.entity.whole() {
			return false
		}
		if b.sure() {
			a.entity = a.entity.whole()
		}
		return true
	})
	var whole []*candidate // one for each time at which all have it
	for _, best := range all {
		sure := map[Entity]bool{}
		for _, x := range all {
			if x.sure() && overlaps(x, best, g) && x.entity.Label != "upstream" {
				sure[x.entity] = true
			}
		}
		of := slices.ContainsFunc(whole, func(k *candidate) bool { return overlaps(k, best, g) })
		if n := len(v.replicas); n >= 2 && 4*len(sure) >= 3*n && !of {
			whole = append(whole, best)
		}
	}
	for _, x := range whole {
		x.entity = Entity{}
	}
	return firstOfEach(all, g, func(a, b *candidate) bool { return a.entity == Entity{} })
}

// firstOfEach leaves out candidates that are one with a better one at the same time; the
// list is sorted, best first.
func firstOfEach(all []*candidate, g grid, same func(a, b *candidate) bool) []*candidate {
	var kept []*candidate
	for _, x := range all {
		i := slices.IndexFunc(kept, func(k *candidate) bool { return overlaps(k, x, g) && same(k, x) })
		if i < 0 {
			kept = append(kept, x)
			continue
		}
		if x.sure() {
			kept[i].from, kept[i].to = min(kept[i].from, x.from), max(kept[i].to, x.to)
		}
	}
	return kept
}

// overlaps tells whether two are seen at the same time, or nearly so.
func overlaps(a, b *candidate, g grid) bool {
	gap := gapSteps(g)
	return a.from <= b.to+gap && b.from <= a.to+gap
}

// lateSteps is how much later than its effect a cause may be seen: it takes a while until
// either is sure.
func lateSteps(g grid) int { return g.steps(5*time.Minute, 10, 4) }

// explained is what is left of the confidence in an effect.
const explained = 0.35

// explain goes through causes in the order of the catalogue.
func explain(all []*candidate, g grid) {
	for _, a := range all {
		if !a.sure() {
			continue
		}
		for _, b := range all {
			if a == b || b.explained != nil || !slices.Contains(a.fault.Explains, b.fault.ID) {
				continue
			}
			late := lateSteps(g)
			if slices.Contains(b.fault.Explains, a.fault.ID) {
				late = holdSteps(g) / 2 // either may lead to the other: the first one did, if one clearly was
			}
			if overlaps(a, b, g) && a.began() <= b.began()+late {
				b.explained = a
				b.confidence *= explained
			}
		}
	}
}

// began is when a candidate came, as far as its mean tells: that is at a half of what it
// comes to when half of its steps have been.
func (c *candidate) began() int { return c.from - c.held/2 }

// unknowns are times at which users are hurt, as the impact of signals tells.
func (w *world) unknowns(c fault.Catalogue) []*candidate {
	var found []*candidate
	steps := w.grid.steps(6*time.Minute, 10, 4)
	for i := range c.Signals {
		sig := &c.Signals[i]
		if sig.Impact == nil {
			continue
		}
		for _, e := range evidences(w.signals[sig.Name], *sig.Impact) {
			x := &candidate{entity: e.entity, held: steps}
			s := fault.Symptom{Name: sig.En, Expr: sig.Name, Test: *sig.Impact, Weight: 1}
			x.symptoms = []shown{{symptom: s, evidence: e, known: true}}
			v := make([]float64, len(e.v))
			for t := range v {
				if e.v[t] > 0 { // NaN is not
					v[t] = e.v[t]
				}
			}
			x.score = hold(v, steps)
			found = append(found, x.episodes(w.grid, threshold, threshold)...)
		}
	}
	return found
}
