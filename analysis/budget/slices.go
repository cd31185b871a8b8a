package budget

import "math/big"

// measure makes good and bad slices of those with enough events.
func (j *judge) measure() {
	j.points = make([]point, 0, len(j.count.slices.chunks)*chunkLen)
	for k, s := range j.count.slices.each {
		end, valid, good := k*j.slice, int64(s.valid), int64(s.good)
		switch {
		case valid == 0:
			continue
		case valid < j.minEvents:
			j.unmeasured = append(j.unmeasured, end)
			continue
		}
		t := tally{total: j.unit}
		switch {
		case j.unit > 1:
			share := new(big.Rat).SetFrac64(valid-good, valid)
			t.bad = roundRat(share.Mul(share, new(big.Rat).SetInt64(j.unit)))
		case !j.holds(&s):
			t.bad = j.unit
		}
		j.points = append(j.points, point{end, t})
		j.events = append(j.events, valid)
	}
}

func roundRat(x *big.Rat) int64 {
	twice := new(big.Int).Mul(x.Num(), big.NewInt(2))
	twice.Add(twice, x.Denom())
	return twice.Quo(twice, new(big.Int).Mul(x.Denom(), big.NewInt(2))).Int64()
}

// holds tells whether a slice is good.
func (j *judge) holds(s *slice) bool {
	amount := s.amount
	switch j.rate {
	case noRate:
		return j.sliceGood.cmp(int64(s.good), int64(s.valid)) >= 0
	case requests:
		amount = int64(s.good)
	}
	return amount >= j.amount && amount <= j.amountMax
}

// worth is how many events of equal weight the mean of the slices' shares is
// worth: an event weighs 1/(slices * events of its slice) there, which makes
// slices^2/sum(1/events) of them (Kish 1965).
func (j *judge) worth() float64 {
	var inverse float64
	n := 0
	for i := len(j.points) - 1; i >= 0 && j.points[i].end > j.window.start; i-- {
		inverse += 1 / float64(j.events[i])
		n++
	}
	return float64(n) * float64(n) / inverse
}

// leaveOutSlices counts the slices of the window that say nothing.
func (j *judge) leaveOutSlices(s *SLO) {
	var n int64
	for _, end := range j.unmeasured {
		if end > j.window.start {
			n++
		}
	}
	if n > 0 {
		s.Excluded["unmeasured_slices"] = n
	}
	begin := max(bucketOf(j.window.start+1, j.slice), bucketOf(j.frame.first, j.slice))
	s.EmptySlices = new(bucketOf(j.now, j.slice) - begin + 1 - s.Total - n)
}
