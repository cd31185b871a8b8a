package detect

import "math"

// ewma: how many deviations a value is from an exponentially weighted mean,
//
//	r = x - m;  |r| / sqrt(s) > 6;  m += 0.1 r', s += 0.05 (r'^2 - s),
//
// where r' is r, clipped at 3 deviations, so that a spike moves neither (Roberts 1959;
// clipping after Huber). It follows drifts and knows no periods. 0.1 µs.
type ewma struct {
	m, s float64
	rows int
}

const (
	ewmaMean   = 0.1
	ewmaSpread = 0.05
	ewmaClip   = 3
	ewmaLimit  = 6
	ewmaWarm   = 30
)

// Next judges v by the mean so far.
func (e *ewma) Next(_ int64, v float64) Look {
	if e.rows == 0 {
		e.m = v
	}
	r := v - e.m
	e.rows++
	if e.rows <= ewmaWarm { // plain averages until there is a deviation to clip by
		n := float64(e.rows)
		e.s += (r*r - e.s) / n
		e.m += r / n
		return early
	}
	look := nothing
	sd := math.Sqrt(e.s)
	if sd > 0 {
		look = Look{math.Abs(r) / sd / ewmaLimit, e.m - ewmaLimit*sd, e.m + ewmaLimit*sd}
		r = min(max(r, -ewmaClip*sd), ewmaClip*sd)
	}
	e.s += ewmaSpread * (r*r - e.s)
	e.m += ewmaMean * r
	return look
}
