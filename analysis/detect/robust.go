package detect

import "math"

// robust: how many robust standard deviations a value is from the median of the last
// 200 rows but 5,
//
//	z = |x - median| / ((q90 - q10) / 2.563),
//
// 2.563 being the distance of these quantiles of a Gaussian; it is strange at 8, or at 6
// twice in a row. The deviation is at least 1 % of all the range, so that a series that
// hardly moves is not strange when it does; and of whole numbers that are never below 0
// at least that of a Poisson count, sqrt(median). Two binary searches and a move in 200
// values: 0.3 µs. (Iglewicz and Hoaglin 1993, with quantiles that half of ties leave
// apart in place of the MAD.)
type robust struct {
	last   sortedWindow
	late   ring
	mean   movingMean // of 1 row, but for mean shifts
	limit  float64    // for one row
	twice  float64    // for two in a row
	steps  float64    // what strangeness is rounded down to powers of; 0: nothing
	before float64    // z of the row before
	lo, hi float64
	counts bool // whole numbers, never below 0
	rows   int
}

const (
	robustRows  = 200
	robustDelay = 5
	robustWarm  = 20
	robustLimit = 8
	robustTwice = 6
	robustSteps = 1.5
	gaussianQ   = 2.5631031310892007 // between the quantiles 0.1 and 0.9 of N(0,1)
	leastSpread = 0.01
)

func newRobust(rows, mean int, limit, twice float64) *robust {
	return &robust{last: newSortedWindow(rows), late: newRing(robustDelay), mean: newMovingMean(mean), limit: limit, twice: twice, counts: true}
}

// Next judges v by the rows before.
func (r *robust) Next(_ int64, v float64) Look {
	if r.rows == 0 {
		r.lo, r.hi = v, v
	}
	r.rows++
	r.counts = r.counts && v >= 0 && v == math.Trunc(v)
	look := early
	if m, ok := r.mean.next(v); ok && len(r.last.s) >= robustWarm {
		look = r.look(m)
	}
	r.lo, r.hi = min(r.lo, v), max(r.hi, v)
	if old, ok := r.late.push(v); ok {
		r.last.push(old)
	}
	return look
}

func (r *robust) look(x float64) Look {
	mid := r.last.quantile(0.5)
	sd := max((r.last.quantile(0.9)-r.last.quantile(0.1))/gaussianQ, leastSpread*(r.hi-r.lo))
	if r.counts {
		sd = max(sd, math.Sqrt(max(mid, 1)))
	}
	if sd <= 0 {
		return nothing
	}
	z := max(x-mid, mid-x) / sd
	s := max(z/r.limit, min(z, r.before)/r.twice)
	r.before = z
	if r.steps > 0 && s > 0 && !math.IsInf(s, 1) {
		s = math.Pow(r.steps, math.Floor(math.Log(s)/math.Log(r.steps)))
	}
	return Look{s, mid - r.limit*sd, mid + r.limit*sd}
}
