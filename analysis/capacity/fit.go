package capacity

import (
	"cmp"
	"math"
	"slices"
)

// point is a probe in the plane of load and margin, with its weight. Of a block
// of probes asked is not set.
type point struct{ x, y, w, asked float64 }

func byLoad(a, b point) int { return cmp.Compare(a.x, b.x) }

// near is the margin up to which a probe says something of the slope at the
// limit: for a latency, between 0.56 and 5 times its limit. reach is how far its
// load may be from the crossing, as a logarithm.
const (
	near  = 0.8
	reach = 0.2
)

// line is a weighted least-squares line through n points.
type line struct {
	n              int
	mx, my         float64 // centre
	slope          float64
	w, sxx, spread float64 // sum of weights, of squares of x, and the residual variance at weight 1
}

func fit(points []point) (line, bool) {
	l := line{n: len(points)}
	if l.n < 3 {
		return l, false
	}
	for _, p := range points {
		l.w += p.w
		l.mx += p.w * p.x
		l.my += p.w * p.y
	}
	l.mx /= l.w
	l.my /= l.w
	var sxy float64
	for _, p := range points {
		l.sxx += p.w * (p.x - l.mx) * (p.x - l.mx)
		sxy += p.w * (p.x - l.mx) * (p.y - l.my)
	}
	if l.sxx <= 0 || sxy <= 0 {
		return l, false // more load must not look better
	}
	l.slope = sxy / l.sxx
	for _, p := range points {
		r := p.y - l.my - l.slope*(p.x-l.mx)
		l.spread += p.w * r * r
	}
	l.spread /= float64(l.n - 2)
	return l, true
}

func (l line) root() float64 { return l.mx - l.my/l.slope }

// interval is that of the root, by Fieller's theorem: all x at which the line
// could be 0 at the t of the confidence. False where the slope is not shown to
// be positive, since the interval is then without end.
func (l line) interval(t float64) (low, high float64, ok bool) {
	q := t * t * l.spread
	a := l.slope*l.slope - q/l.sxx
	if a <= 0 {
		return 0, 0, false
	}
	// (my + slope d)^2 <= q (1/w + d^2/sxx) with d = x - mx
	b, c := l.slope*l.my, l.my*l.my-q/l.w
	d := b*b - a*c
	if d < 0 { // by rounding only: at the root the left side is 0
		d = 0
	}
	r := math.Sqrt(d)
	return l.mx + (-b-r)/a, l.mx + (-b+r)/a, true
}

// block is a stretch of loads whose margins do not rise, with their mean.
type block struct{ first, last, y, w float64 }

// isotonic is the weighted fit of margins that never fall with the load (pool
// adjacent violators; Ayer et al. 1955), ascending.
func isotonic(points []point) []block {
	var out []block
	for _, p := range slices.SortedStableFunc(slices.Values(points), byLoad) {
		out = append(out, block{p.x, p.x, p.y, p.w})
		for n := len(out); n > 1 && out[n-2].y > out[n-1].y; n = len(out) {
			a, b := out[n-2], out[n-1]
			w := a.w + b.w
			out = append(out[:n-2], block{a.first, b.last, (a.y*a.w + b.y*b.w) / w, w})
		}
	}
	return out
}
