package diagnose

import (
	"math"
	"slices"
	"time"

	"llmops/rules/fault"
)

// candidate is a fault of an entity and how well it fits over time.
type candidate struct {
	fault      *fault.Fault
	entity     Entity
	symptoms   []shown
	against    []shown
	score      []float64 // over the grid; smoothed over hold
	confidence float64
	held       int // steps for which it has to be seen
	peak       int // where it fits best
	from, to   int // where it fits, on the grid
	explained  *candidate
	first      *candidate // where the same fault of the same entity fits best of all
}

// shown is a symptom and the evidence for it.
type shown struct {
	symptom fault.Symptom
	evidence
	known bool    // there is a series of it for the entity
	ways  []shown // of one with alternatives: each that is known
}

// seen is the way in which it is seen best at a time; itself where there is one only.
func (s shown) seen(at int) shown {
	for _, way := range s.ways {
		if s.v[at] == way.v[at] {
			return way
		}
	}
	return s
}

// capRequired is the most that a fault can be trusted while something that it cannot be
// without is not measured.
const capRequired = 0.5

// threshold is the score from which on users are hurt enough for an incident without a
// fault that is named.
const threshold = fault.DefaultSureFrom

// sure tells whether a candidate is an answer, and no mere effect of another one.
func (c *candidate) sure() bool { return c.explained == nil && c.confidence >= c.fault.Least() }

// score fits a fault to an entity: where it fits best, and at whatever other times it is an
// answer. What comes and goes is there each time.
func score(f *fault.Fault, e Entity, all map[string][]evidence, g grid) []*candidate {
	c := &candidate{fault: f, entity: e, score: make([]float64, g.n)}
	seen := false
	for i := range f.Symptoms {
		s := told(&f.Symptoms[i], all, e)
		seen = seen || s.known && s.symptom.Required
		c.symptoms = append(c.symptoms, s)
	}
	for i := range f.Against {
		c.against = append(c.against, told(&f.Against[i], all, e))
	}
	if !seen {
		return nil // nothing of what it cannot be without is measured
	}
	for t := range c.score {
		if t >= int(g.window().Milliseconds()/g.step) || g.n < 3*minNormal { // before, rates are of too little
			c.score[t] = c.at(t)
		}
	}
	c.held = max(holdSteps(g), g.steps(time.Duration(f.Hold*float64(time.Second)), 12, 3))
	c.score = hold(c.score, c.held)
	return c.episodes(g, keepFrom, f.Least())
}

// told is the evidence of a symptom for an entity; of one with alternatives at each time
// the strongest.
func told(s *fault.Symptom, all map[string][]evidence, e Entity) shown {
	best := shown{symptom: *s}
	var v []float64
	for _, part := range parts(s) {
		x, known := about(all[key(part)], e)
		if known && len(s.Any) > 0 {
			best.ways = append(best.ways, shown{symptom: *part, evidence: x, known: true})
		}
		switch {
		case !known:
		case v == nil:
			best.evidence, best.symptom.Name, v = x, part.Name, x.v
		default:
			if total(x.v) > total(best.v) {
				best.evidence, best.symptom.Name = x, part.Name
			}
			stronger := make([]float64, len(v))
			for t := range v {
				if stronger[t] = v[t]; math.IsNaN(v[t]) || x.v[t] > v[t] {
					stronger[t] = x.v[t]
				}
			}
			v = stronger
		}
	}
	best.known, best.v = v != nil, v
	return best
}

// at is the confidence at one time: logistic in the sum of weights, times the weakest of
// what is required.
func (c *candidate) at(t int) float64 {
	logit, required, blind, seen := c.fault.Prior, 1.0, 0.0, 0.0
	for _, s := range c.symptoms {
		e := math.NaN()
		if s.known {
			e = s.v[t]
		}
		switch {
		case math.IsNaN(e) && s.symptom.Required:
			blind += s.symptom.Weight
		case math.IsNaN(e): // not collected: it speaks neither for nor against
		case s.symptom.Required:
			required = min(required, e)
			seen += s.symptom.Weight
			logit += s.symptom.Weight * e
		default:
			logit += s.symptom.Weight * e
		}
	}
	for _, s := range c.against {
		if s.known && !math.IsNaN(s.v[t]) {
			logit -= s.symptom.Weight * s.v[t]
		}
	}
	p := required / (1 + math.Exp(-logit))
	if blind > 0 {
		p = min(p, capRequired) * seen / (seen + blind)
	}
	return p
}

// holdSteps is for how long a fault must be seen: two minutes, at least three scrapes.
func holdSteps(g grid) int { return g.steps(2*time.Minute, 20, 3) }

// hold is the mean over n steps, ending at each; what is not known counts as nothing.
func hold(v []float64, n int) []float64 {
	out := make([]float64, len(v))
	sum := 0.0
	for i, x := range v {
		sum += x
		if i >= n {
			sum -= v[i-n]
		}
		out[i] = sum / float64(n)
	}
	return out
}

// key tells symptoms apart that are judged differently.
func key(s *fault.Symptom) string { return s.Position.String() + s.Name }

// candidates fits every fault to everything that it may befall, and keeps what is worth a
// word. The evidence for a fault of many entities over a long time is large: it is made
// for one fault after the other.
func (w *world) candidates(c fault.Catalogue) []*candidate {
	found := make([][]*candidate, len(c.Faults))
	_ = parallel(len(c.Faults), func(i int) error {
		f := &c.Faults[i]
		all := map[string][]evidence{}
		for _, group := range [][]fault.Symptom{f.Symptoms, f.Against} {
			for k := range group {
				for _, s := range parts(&group[k]) {
					all[key(s)] = evidences(w.signals[s.Expr], s.Test)
				}
			}
		}
		for _, e := range entitiesOf(f, all) {
			found[i] = append(found[i], score(f, e, all, w.grid)...)
		}
		return nil
	})
	return slices.Concat(found...)
}

// entitiesOf is what a fault may befall: whatever its required symptoms are measured of.
func entitiesOf(f *fault.Fault, all map[string][]evidence) []Entity {
	if f.Scope == fault.Fleet {
		return []Entity{{}}
	}
	var es []Entity
	for i := range f.Symptoms {
		if !f.Symptoms[i].Required {
			continue
		}
		for _, part := range parts(&f.Symptoms[i]) {
			for _, x := range all[key(part)] {
				e := x.entity
				switch {
				case f.Scope == fault.Upstream && e.Label != "upstream", e == Entity{}:
					continue
				case f.Scope != fault.Upstream && e.Label == "upstream":
					continue
				case f.Scope == fault.Replica:
					e = e.whole()
				}
				es = append(es, e)
			}
		}
	}
	if f.Scope == fault.GPU { // a whole replica only where none of its GPUs is measured
		all := slices.Clone(es)
		es = slices.DeleteFunc(es, func(e Entity) bool {
			return e.GPU == "" && slices.ContainsFunc(all, func(o Entity) bool { return o.GPU != "" && o.whole() == e })
		})
	}
	slices.SortFunc(es, Entity.compare)
	es = slices.Compact(es)
	if len(es) == 0 && f.Scope != fault.Upstream {
		es = []Entity{{}} // series without labels: there is one thing only
	}
	return es
}
