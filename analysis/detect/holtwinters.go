package detect

import "math"

// holtWinters: how far a value is from an additive Holt-Winters forecast (Winters 1960),
//
//	f = l + b + c[i mod P];  r = x - f, clipped at 3 deviations for what follows
//	l' = l + b + 0.1 r;  b' = b + 0.001 r;  c' = c + 0.2 (1 - 0.1) r
//
// with the error-correction form of Gardner (1985), strange at |r| > 8 deviations, the
// deviation being 1.2533 times a weighted mean of |r|. The period P is found by itself
// (see period) after 128 rows, and again each time there are twice as many, up to 4,096;
// without one it is Holt's method with a trend alone. 0.3 µs.
type holtWinters struct {
	past           ring
	season         []float64
	level, trend   float64
	spread         float64 // mean of |r|
	rows, next, at int
	warm           int // rows until the next judgement
}

const (
	hwLevel  = 0.1
	hwTrend  = 0.001
	hwSeason = 0.2
	hwClip   = 3
	hwLimit  = 8
	hwFirst  = 128
	hwMost   = 4096
	hwSpread = 0.02
	hwWarm   = 24
)

func newHoltWinters() *holtWinters {
	return &holtWinters{past: newRing(hwMost), next: hwFirst}
}

// Next judges v by the forecast.
func (h *holtWinters) Next(_ int64, v float64) Look {
	look := early
	if h.season != nil {
		look = h.judge(v)
	}
	h.past.push(v)
	if h.rows++; h.rows == h.next {
		h.fit()
		if h.next *= 2; h.next > hwMost {
			h.next = -1
		}
	}
	return look
}

func (h *holtWinters) judge(v float64) Look {
	c := &h.season[h.at]
	f := h.level + h.trend + *c
	r := v - f
	sd := h.spread * math.Sqrt(math.Pi/2)
	look := early
	if h.warm--; h.warm < 0 {
		look = nothing
	}
	if h.warm < 0 && sd > 0 {
		look = Look{math.Abs(r) / sd / hwLimit, f - hwLimit*sd, f + hwLimit*sd}
	}
	if sd > 0 {
		r = min(max(r, -hwClip*sd), hwClip*sd)
	}
	h.spread += hwSpread * (math.Abs(r) - h.spread)
	h.level += h.trend + hwLevel*r
	h.trend += hwTrend * r
	if len(h.season) > 1 {
		*c += hwSeason * (1 - hwLevel) * r
	}
	h.at = (h.at + 1) % len(h.season)
	return look
}

// fit finds the period and begins anew from the rows so far.
func (h *holtWinters) fit() {
	v := make([]float64, h.past.n)
	for i := range v {
		v[i] = h.past.back(len(v) - 1 - i)
	}
	p, ok := period(v)
	if !ok {
		p = 1
	}
	if h.season != nil && (p == len(h.season) || !ok) {
		return // nothing new
	}
	h.season = make([]float64, p)
	whole := v[len(v)-len(v)/p*p:]
	mean, _ := meanAndDeviation(whole)
	for i, x := range whole {
		h.season[i%p] += (x - mean) / float64(len(whole)/p)
	}
	last := whole[len(whole)-max(p, min(len(whole), 20)):]
	h.level, _ = meanAndDeviation(last)
	h.trend, h.at, h.spread = 0, 0, 0
	for i, x := range whole {
		h.spread += math.Abs(x-mean-h.season[i%p]) / float64(len(whole))
	}
	h.warm = hwWarm
}
