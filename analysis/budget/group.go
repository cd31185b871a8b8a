package budget

import (
	"cmp"
	"slices"
	"sync"
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

// groups are the keys of one dimension. All passes that are made at once share
// them: keys may be long, and there may be many.
type groups struct {
	mu     sync.Mutex
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
// limit.
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
		for i, n := range x.bad {
			g.rest.bad[i] += n
		}
		delete(g.byKey, x.key)
	}
	g.worst = all[g.most-1]
}

// take adds what was counted of a block, and empties it.
func (g *groups) take(b *blockKeys) {
	if len(b.keys) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for n, key := range b.keys {
		to := g.lookup(key)
		for i := range to.bad {
			to.bad[i] += int64(b.bad[n*len(to.bad)+i])
		}
	}
	g.prune(g.most + g.most/4)
	b.keys, b.bad = b.keys[:0], b.bad[:0]
}

// blockKeys counts the bad events of one block by the keys of one dimension, in
// the order in which the block names them.
type blockKeys struct {
	keys [][]byte // in the block's memory
	bad  []uint32 // by key and rule
	at   int      // the key of the record; -1: it has none
}

func (b *blockKeys) add(key []byte, rules int) {
	b.at = len(b.keys)
	b.keys = append(b.keys, key)
	b.bad = append(b.bad, make([]uint32, rules)...)
}

// count counts the record for rule i.
func (b *blockKeys) count(i, rules int) {
	if b.at >= 0 {
		b.bad[b.at*rules+i]++
	}
}
