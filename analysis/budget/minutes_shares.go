package budget

import (
	"fmt"
	"math"
)

// A Share is the bad events of one key in the window of an objective. Of slices
// there are none.
type Share struct {
	Objective int
	By        string // error, model, route or key
	Key       string // "": the Bad of all keys that are not counted one by one
	Bad       int64
}

// AddShare takes the bad events of a key; those of the same key add up.
func (m *Minutes) AddShare(s Share) error {
	if err := m.check(s.Objective, 0); err != nil {
		return err
	}
	if s.Bad < 0 {
		return fmt.Errorf("%d bad events of %s %q", s.Bad, s.By, s.Key)
	}
	for d, name := range dimensionNames {
		if name != s.By {
			continue
		}
		g := m.p.groups[d]
		to := g.rest
		if s.Key != "" {
			if to = g.byKey[cut(s.Key)]; to == nil {
				to = g.add(group{key: cut(s.Key), hash: hashOf(cut(s.Key))})
			}
		}
		to.bad[s.Objective] += s.Bad
		return nil
	}
	return fmt.Errorf("no contributors by %q", s.By)
}

// weigh lets the keys with the most bad events come first.
func (g *groups) weigh() {
	for _, x := range g.byKey {
		var sum uint32
		for _, n := range x.bad {
			sum += uint32(min(n, int64(math.MaxUint32-sum)))
		}
		x.weight = sum
	}
}
