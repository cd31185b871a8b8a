package detect

import (
	"math"
	"slices"
)

// A ring holds the last values of a sequence.
type ring struct {
	v    []float64
	next int // where the oldest is, once full
	n    int
}

func newRing(size int) ring { return ring{v: make([]float64, size)} }

func (r *ring) full() bool { return r.n == len(r.v) }

// push takes a value and gives the one that falls out; false: none does.
func (r *ring) push(x float64) (old float64, out bool) {
	old, out = r.v[r.next], r.full()
	r.v[r.next] = x
	if r.next++; r.next == len(r.v) {
		r.next = 0
	}
	r.n = min(r.n+1, len(r.v))
	return old, out
}

// back is the value i rows ago, 0 the newest; i < n.
func (r *ring) back(i int) float64 {
	i = r.next - 1 - i
	if i < 0 {
		i += len(r.v)
	}
	return r.v[i]
}

// A sorted window holds the last values of a sequence both in order of time and of size.
type sortedWindow struct {
	ring
	s []float64
}

func newSortedWindow(size int) sortedWindow {
	return sortedWindow{newRing(size), make([]float64, 0, size)}
}

func (w *sortedWindow) push(x float64) {
	old, out := w.ring.push(x)
	if !out {
		w.s = slices.Insert(w.s, search(w.s, x), x)
		return
	}
	// One move of what lies between the two in place of a deletion and an insertion.
	from, to := search(w.s, old), search(w.s, x)
	if to > from {
		to--
		copy(w.s[from:to], w.s[from+1:to+1])
	} else {
		copy(w.s[to+1:from+1], w.s[to:from])
	}
	w.s[to] = x
}

// quantile is the value nearest to rank q(n-1); the window must not be empty.
func (w *sortedWindow) quantile(q float64) float64 {
	return w.s[int(q*float64(len(w.s)-1)+0.5)]
}

// median is the middle of values, which it sorts; NaN without any.
func median(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	m := len(v) / 2
	if len(v)%2 == 1 {
		return v[m]
	}
	return v[m-1] + (v[m]-v[m-1])/2
}

// search is the place of the first of ascending values that is at least x. It takes no
// branch that could be mispredicted, which halves the time of slices.BinarySearch.
func search(s []float64, x float64) int {
	from, n := 0, len(s)
	for n > 1 {
		half := n / 2
		if s[from+half-1] < x {
			from += half
		}
		n -= half
	}
	if n == 1 && s[from] < x {
		from++
	}
	return from
}
