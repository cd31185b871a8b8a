package budget

import (
	"cmp"
	"slices"
)

// The dimensions that bad events are grouped by.
const (
	byError = iota
	byModel
	byRoute
	byKey
	dimensions
)

var dimensionNames = [dimensions]string{"error", "model", "route", "key"}

// maxGroups bounds the keys of one dimension; the events of all others are
// counted together.
const maxGroups = 10_000

// weights counts the bad events of one dimension by a part of the hash of their
// key. It does not grow, and adding up those of shards gives the same in any
// order; so it can say, before any key is counted, which ones may be large.
type weights [1 << 14]uint32

func (w *weights) at(hash uint64) *uint32 { return &w[hash>>50] }

func hashOf[T string | []byte](key T) uint64 { // FNV-1a: the same in every run
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return h ^ h>>29
}

// A group is the bad events of one key, by rule. The group without a key is the
// rest.
type group struct {
	key    string
	hash   uint64
	weight uint32
	bad    []int64
}

// before orders groups by which are kept: all bad events that may be of the key,
// then its hash. The order does not depend on what was counted so far, so those
// that come first among all keys come first among those of every shard.
func before(a, b *group) int {
	return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.hash, b.hash), cmp.Compare(a.key, b.key))
}

// groups are the keys of one dimension.
type groups struct {
	rules  int
	most   int
	weight *weights
	byKey  map[string]*group
	rest   *group
	worst  *group // no group behind this one is taken any more; nil: all are
}

func newGroups(rules, most int, w *weights) *groups {
	return &groups{rules: rules, most: most, weight: w, byKey: map[string]*group{}, rest: &group{bad: make([]int64, rules)}}
}

func (g *groups) lookup(key []byte) *group {
	if found := g.byKey[string(key)]; found != nil {
		return found
	}
	x := group{hash: hashOf(key)}
	x.weight = *g.weight.at(x.hash)
	if g.refuses(&x) {
		return g.rest
	}
	x.key = string(key)
	return g.add(x)
}

// refuses tells without its text whether a group is behind the worst one. Of
// equals, which cannot be but for keys of the same hash, it takes all.
func (g *groups) refuses(x *group) bool {
	return g.worst != nil && (x.weight < g.worst.weight || x.weight == g.worst.weight && x.hash > g.worst.hash)
}

func (g *groups) add(x group) *group {
	x.bad = make([]int64, g.rules)
	g.byKey[x.key] = &x
	return &x
}

// prune puts all but the first groups into the rest, once there are more than
// limit. Groups handed out before must not be counted into after that.
func (g *groups) prune(limit int) {
	if len(g.byKey) <= limit {
		return
	}
	all := make([]*group, 0, len(g.byKey))
	for _, x := range g.byKey {
		all = append(all, x)
	}
	slices.SortFunc(all, before)
	for _, x := range all[g.most:] {
		g.rest.take(x)
		delete(g.byKey, x.key)
	}
	g.worst = all[g.most-1]
}

func (g *group) take(o *group) {
	for i, n := range o.bad {
		g.bad[i] += n
	}
}

func (g *groups) merge(o *groups) {
	g.rest.take(o.rest)
	for key, x := range o.byKey {
		mine := g.byKey[key]
		switch {
		case mine == nil && g.refuses(x):
			mine = g.rest
		case mine == nil:
			mine = g.add(group{key: key, hash: x.hash, weight: x.weight})
		}
		mine.take(x)
	}
	g.prune(g.most)
}
