package budget

import "math/bits"

// judged is what a slice comes to; not ok with too few events.
func (j *judge) judged(s cell) (t tally, ok bool) {
	switch {
	case s.valid < j.minEvents:
		return tally{}, false
	case j.unit > 1:
		return tally{j.unit, share(s.bad, s.valid, j.unit)}, true
	case !j.holds(s):
		return tally{j.unit, j.unit}, true
	}
	return tally{total: j.unit}, true
}

// share is a/b in units, to the nearest one; a is at most b.
func share(a, b, unit int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(unit))
	lo, carry := bits.Add64(lo, uint64(b)/2, 0)
	n, _ := bits.Div64(hi+carry, lo, uint64(b))
	return int64(n)
}

// holds tells whether a slice is good.
func (j *judge) holds(s cell) bool {
	amount := s.amount
	switch j.rate {
	case noRate:
		return j.sliceGood.cmp(s.valid-s.bad, s.valid) >= 0
	case requests:
		amount = s.valid - s.bad
	}
	return amount >= j.amount && amount <= j.amountMax
}

// worth is how many events of equal weight the mean of the slices' shares is
// worth: an event weighs 1/(slices * events of its slice) there, which makes
// slices^2/sum(1/events) of them (Kish 1965).
func (j *judge) worth() float64 {
	var inverse float64
	n := 0
	for points := j.after(j.window.start); points.next(); {
		inverse += 1 / float64(points.events)
		n++
	}
	return float64(n) * float64(n) / inverse
}

// leaveOutSlices counts the slices of the window that say nothing.
func (j *judge) leaveOutSlices(s *SLO) {
	var n int64
	cells := j.cellsAfter(j.window.start)
	for _, x, ok := cells.next(); ok; _, x, ok = cells.next() {
		if x.valid < j.minEvents {
			n++
		}
	}
	if n > 0 {
		s.Excluded["unmeasured_slices"] = n
	}
	begin := max(bucketOf(j.window.start+1, j.slice), bucketOf(j.frame.first, j.slice))
	s.EmptySlices = new(bucketOf(j.now, j.slice) - begin + 1 - s.Total - n)
}
