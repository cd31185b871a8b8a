package compare

import "math"

// changes are the changes from each point of one list to each of another, both
// ascending: y/x - 1 of points that are not negative, or y - x. They are counted, never
// listed.
type changes struct {
	*tables
	from, to []float64
	absolute bool
}

// leastP is the least that a p-value may be: no further out are points known.
const leastP = 1e-6

// upTo is the probability of changes that are at most r, below that of those less
// than r.
func (c changes) upTo(r float64) float64 {
	return c.count(r, func(y, x float64) bool { return y <= x })
}

func (c changes) below(r float64) float64 {
	return c.count(r, func(y, x float64) bool { return y < x })
}

func (c changes) count(r float64, less func(y, x float64) bool) float64 {
	sum, upTo, j := 0.0, 0.0, 0
	for i, x := range c.from {
		edge := x * (1 + r)
		if c.absolute {
			edge = x + r
		} else if x == 0 {
			edge = 0 // from nothing to nothing is no change, to anything else an endless one
			if r < 0 {
				edge = -1
			}
		}
		for j < len(c.to) && less(c.to[j], edge) {
			upTo += c.weight[j]
			j++
		}
		sum += c.weight[i] * upTo
	}
	return min(sum, 1)
}

// upToNone is the probability of changes that are no rise, those that are none counted
// half.
func (c changes) upToNone() float64 { return (c.below(0) + c.upTo(0)) / 2 }

// possible are the changes between two sides: where a side lies beyond all that was seen
// of it, they are somewhere between the least and the most.
type possible struct {
	least, most changes
	// rise and fall are the least probabilities that there is none, whatever was seen:
	// the one side lies above all of its values or the other below.
	rise, fall float64
}

func (t *tables) possible(from, to spread, absolute bool) possible {
	return possible{
		changes{t, from.high, to.low, absolute}, changes{t, from.low, to.high, absolute},
		min(1, from.above+to.below), min(1, from.below+to.above),
	}
}

// twoSided is twice the smaller of the largest probabilities of no rise and of no fall.
func (p possible) twoSided() float64 {
	rise, fall := max(p.least.upToNone(), p.rise), max(1-p.most.upToNone(), p.fall)
	return min(1, max(2*min(rise, fall), leastP))
}

// at is the quantile p of the changes, to about 1e-9; infinite if that many start
// from nothing.
func (c changes) at(p float64) float64 {
	low, high := -1.0, math.Inf(1)
	for probe := 1.0; ; probe *= 4 {
		if c.upTo(probe) >= p {
			high = probe
			break
		}
		if low = probe; probe > 1e9 {
			return high
		}
	}
	for range 60 {
		middle := low + (high-low)/2
		if c.upTo(middle) >= p {
			high = middle
		} else {
			low = middle
		}
		if high-low < 1e-9*(1+math.Abs(high)) {
			break
		}
	}
	return high
}
