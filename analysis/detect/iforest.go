package detect

import (
	"math"
	"math/rand/v2"
)

// iforest: an isolation forest (Liu, Ting and Zhou 2008) of 50 trees of 256 rows each,
// over the value, the difference to the row before and the mean of 6 rows, grown anew
// every 256 rows of the last 2,048:
//
//	s = 2^(-mean depth / c(256)),  c(n) = 2 H(n-1) - 2 (n-1)/n,  strange at s > 0.7.
//
// A row that few cuts part from the others is strange. 8 µs, 1 MiB.
type iforest struct {
	past   past
	random *rand.Rand
	trees  [][]isolation
	rows   [][3]float64 // of the sample
	norm   float64      // c of it
}

// An isolation is a node of a tree: a cut, or with axis < 0 a leaf.
type isolation struct {
	axis        int
	at          float64
	left, right int32
	depth       float64 // of a leaf, with what its rows would take
}

const (
	forestPast  = 2048
	forestFirst = 256
	forestEvery = 256
	forestTrees = 50
	forestDepth = 8 // log2 of the sample
	forestLimit = 0.7
)

func newIForest() *iforest {
	return &iforest{past: newPast(forestPast), random: rand.New(rand.NewPCG(1, 2)), trees: make([][]isolation, forestTrees), rows: make([][3]float64, forestFirst)}
}

// Next judges v by the trees, and grows them when it is time.
func (f *iforest) Next(_ int64, v float64) Look {
	f.past.see(v)
	look := early
	if f.past.fitted {
		look = nothing
		var last [levelRows]float64
		f.past.newest(last[:])
		x, depth := features(last[:]), 0.0
		for _, tree := range f.trees {
			depth += pathLength(tree, x) / forestTrees
		}
		// A score of 0.5 is that of a row like all others.
		s := math.Exp2(-depth / f.norm)
		look.Strange = max(0, (s-0.5)/(forestLimit-0.5))
	}
	if f.past.due(forestFirst, forestEvery) && f.past.fit() {
		f.grow()
	}
	return look
}

// features of the newest of some rows.
func features(v []float64) [3]float64 {
	mean := 0.0
	for _, x := range v {
		mean += x / float64(len(v))
	}
	return [3]float64{v[len(v)-1], v[len(v)-1] - v[len(v)-2], mean}
}

func (f *iforest) grow() {
	v := f.past.scaled
	for t := range f.trees {
		for i := range f.rows {
			at := levelRows + f.random.IntN(len(v)-levelRows+1)
			f.rows[i] = features(v[at-levelRows : at])
		}
		f.trees[t] = f.plant(f.trees[t][:0], f.rows, 0)
	}
	f.norm = unsuccessful(forestFirst)
}

// plant adds the tree of some rows, which it sorts, and gives all nodes.
func (f *iforest) plant(nodes []isolation, rows [][3]float64, depth int) []isolation {
	at := len(nodes)
	nodes = append(nodes, isolation{axis: -1, depth: float64(depth) + unsuccessful(len(rows))})
	if depth == forestDepth || len(rows) < 2 {
		return nodes
	}
	axis := f.random.IntN(3)
	lo, hi := rows[0][axis], rows[0][axis]
	for _, r := range rows {
		lo, hi = min(lo, r[axis]), max(hi, r[axis])
	}
	cut := lo + f.random.Float64()*(hi-lo)
	k := 0
	for i := range rows {
		if rows[i][axis] < cut {
			rows[i], rows[k] = rows[k], rows[i]
			k++
		}
	}
	if k == 0 || k == len(rows) {
		return nodes // they are all the same on this axis
	}
	left := int32(len(nodes))
	nodes = f.plant(nodes, rows[:k], depth+1)
	right := int32(len(nodes))
	nodes = f.plant(nodes, rows[k:], depth+1)
	nodes[at] = isolation{axis: axis, at: cut, left: left, right: right}
	return nodes
}

func pathLength(tree []isolation, x [3]float64) float64 {
	at := int32(0)
	for tree[at].axis >= 0 {
		if n := &tree[at]; x[n.axis] < n.at {
			at = n.left
		} else {
			at = n.right
		}
	}
	return tree[at].depth
}

// unsuccessful is the mean length of an unsuccessful search in a tree of n rows.
func unsuccessful(n int) float64 {
	switch {
	case n < 2:
		return 0
	case n == 2:
		return 1
	}
	const gamma = 0.5772156649015329
	return 2*(math.Log(float64(n-1))+gamma) - 2*float64(n-1)/float64(n)
}
