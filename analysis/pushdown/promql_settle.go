package pushdown

import (
	"cmp"
	"slices"
)

// A run has all minutes from one to another.
type run struct{ from, to int64 }

// A comeback is a series that is not lower after a gap.
type comeback struct{ left, at, before, after int64 }

// settle counts what could not be before all series were known: the first values of
// those that appeared on a target that was there before, and what became of those that
// were away.
func (c *counting) settle() {
	targets := map[string][]run{}
	for _, r := range c.readers {
		for _, s := range r.series {
			if s.target != "" {
				targets[s.target] = append(targets[s.target], s.runs...)
			}
		}
	}
	for target, runs := range targets {
		targets[target] = union(runs)
	}
	for _, r := range c.readers {
		ended := r.ended()
		for _, s := range r.series {
			runs := targets[s.target]
			if len(s.runs) > 0 && len(runs) > 0 && s.runs[0].from > runs[0].from {
				if from := s.runs[0].from; ended[ending{s.target, from - minute}] {
					c.renamed++
				} else {
					c.increase(r, s, from, s.first)
				}
			}
			for _, x := range s.returns {
				if between(runs, x.left, x.at) {
					c.increase(r, s, x.at, x.after)
				} else {
					c.increase(r, s, x.at, x.after-x.before)
				}
			}
		}
	}
}

// An ending is when a series of a target was seen last.
type ending struct {
	target string
	at     int64
}

// ended are the endings of the series of a selector. A series that appears a minute
// after another one of its target ended may be that one with another label, and what
// it counted before is not new.
func (r *reader) ended() map[ending]bool {
	all := map[ending]bool{}
	for _, s := range r.series {
		if last := s.last(); last != nil && s.target != "" {
			all[ending{s.target, last.to}] = true
		}
	}
	return all
}

func (c *counting) increase(r *reader, s *series, t, by int64) {
	r.increase(s, t, (t-c.m.Since())/minute, by)
}

// union is all minutes of some runs, ascending.
func union(runs []run) (out []run) {
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.from, b.from) })
	for _, x := range runs {
		if n := len(out); n > 0 && x.from <= out[n-1].to+minute {
			out[n-1].to = max(out[n-1].to, x.to)
			continue
		}
		out = append(out, x)
	}
	return out
}

// between tells whether a minute after left and before at is in the runs, as union
// makes them.
func between(runs []run, left, at int64) bool {
	i, _ := slices.BinarySearchFunc(runs, left, func(x run, left int64) int { return cmp.Compare(x.to, left+1) })
	return i < len(runs) && max(runs[i].from, left+minute) < at
}
