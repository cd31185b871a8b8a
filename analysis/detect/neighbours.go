package detect

import (
	"math"
	"slices"
)

// neighbours are the values that a series has had, to a resolution of its range.
type neighbours struct {
	set    []float64 // ascending
	lo, hi float64
	finest float64 // part of the range that two values are at least apart
}

// most is how many values are kept: twice what the resolution leaves of a range that
// does not grow.
func (n *neighbours) most() int { return int(2 / n.finest) }

// nearest is the known value next to x; false: none is known.
func (n *neighbours) nearest(x float64) (float64, bool) {
	if len(n.set) == 0 {
		return 0, false
	}
	i := search(n.set, x)
	switch {
	case i == 0:
		return n.set[0], true
	case i == len(n.set) || x-n.set[i-1] <= n.set[i]-x:
		return n.set[i-1], true
	}
	return n.set[i], true
}

// with is the range of the known values and x.
func (n *neighbours) with(x float64) float64 {
	if len(n.set) == 0 {
		return 0
	}
	return max(n.hi, x) - min(n.lo, x)
}

// add makes x known, unless a value is known that is as good as x.
func (n *neighbours) add(x float64) {
	if len(n.set) == 0 {
		n.set, n.lo, n.hi = append(n.set, x), x, x
		return
	}
	if y, _ := n.nearest(x); x == y || x > n.lo && x < n.hi && math.Abs(x-y) < n.finest*(n.hi-n.lo) {
		return
	}
	if len(n.set) >= n.most() {
		n.thin()
	}
	n.set = slices.Insert(n.set, search(n.set, x), x)
	n.lo, n.hi = min(n.lo, x), max(n.hi, x)
}

// thin drops values that the range, which has grown, makes as good as their neighbours.
func (n *neighbours) thin() {
	kept := n.set[:1]
	for _, x := range n.set[1 : len(n.set)-1] {
		if x-kept[len(kept)-1] >= n.finest*(n.hi-n.lo) {
			kept = append(kept, x)
		}
	}
	n.set = append(kept, n.hi)
}

// reset forgets everything but keeps the memory.
func (n *neighbours) reset() { n.set = n.set[:0] }
