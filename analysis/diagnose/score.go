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
}

// shown is a symptom and the evidence for it.
type shown struct {
	symptom fault.Symptom
	evidence
	known bool // there is a series of it for the entity
}

// capRequired is the most that a fault can be trusted while something that it cannot be
// without is not measured.
const capRequired = 0.5

// threshold is the confidence from which on a fault is an answer.
const threshold = 0.5

// score fits a fault to an entity.
func score(f *fault.Fault, e Entity, all map[string][]evidence, g grid) *candidate {
	c := &candidate{fault: f, entity: e, score: make([]float64, g.n)}
	seen := false
	for i := range f.Symptoms {
		s := shown{symptom: f.Symptoms[i]}
		s.evidence, s.known = about(all[key(&f.Symptoms[i])], e)
		seen = seen || s.known && s.symptom.Required
		c.symptoms = append(c.symptoms, s)
	}
	for i := range f.Against {
		s := shown{symptom: f.Against[i]}
		s.evidence, s.known = about(all[key(&f.Against[i])], e)
		c.against = append(c.against, s)
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
	c.fit(g)
	return c
}

// fit finds where the score is highest, and how far to both sides it is half of that.
func (c *candidate) fit(g grid) {
	for t, v := range c.score {
		if v > c.confidence {
			c.confidence, c.peak = v, t
		}
	}
	c.from, c.to = c.peak, c.peak
	gap := gapSteps(g)
	for t, quiet := c.peak, 0; t >= 0 && quiet <= gap; t-- {
		quiet++
		if c.score[t] >= c.confidence/2 {
			c.from, quiet = t, 0
		}
	}
	for t, quiet := c.peak, 0; t < len(c.score) && quiet <= gap; t++ {
		quiet++
		if c.score[t] >= c.confidence/2 {
			c.to, quiet = t, 0
		}
	}
	if c.to < len(c.score)-1 {
		c.to = max(c.from, c.to-c.held/2) // the mean falls to a half so long after the end
	}
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

// gapSteps is how long an interruption may last within one incident.
func gapSteps(g grid) int { return g.steps(3*time.Minute, 20, 4) }

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

// candidates fits every fault to everything that it may befall.
func candidates(c fault.Catalogue, all map[string][]evidence, g grid) []*candidate {
	type job struct {
		fault  *fault.Fault
		entity Entity
	}
	var jobs []job
	for i := range c.Faults {
		f := &c.Faults[i]
		for _, e := range entitiesOf(f, all) {
			jobs = append(jobs, job{f, e})
		}
	}
	found := make([]*candidate, len(jobs))
	_ = parallel(len(jobs), func(i int) error {
		found[i] = score(jobs[i].fault, jobs[i].entity, all, g)
		return nil
	})
	return slices.DeleteFunc(found, func(c *candidate) bool { return c == nil })
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
		for _, x := range all[key(&f.Symptoms[i])] {
			e := x.entity
			switch {
			case f.Scope == fault.Upstream && e.Label != "upstream", e == Entity{}:
				continue
			case f.Scope != fault.Upstream && e.Label == "upstream":
				continue
			case f.Scope == fault.GPU && e.GPU == "":
				continue
			case f.Scope == fault.Replica:
				e = e.whole()
			}
			es = append(es, e)
		}
	}
	slices.SortFunc(es, Entity.compare)
	es = slices.Compact(es)
	if len(es) == 0 && f.Scope != fault.Upstream {
		es = []Entity{{}} // series without labels: there is one thing only
	}
	return es
}
