package capacity

import (
	"cmp"
	"math"
	"slices"
)

// point is a probe in the plane of load and margin, with its weight. Of a block
// of probes only x, y and w are set.
type point struct {
	x, y, w, asked float64
	share, allowed float64 // as in Probe
	ofMean         bool    // share stands in for a mean
	effect         float64
}

// link is where a share stands on the scale of the line: a logarithm of odds, over those
// that are allowed, and for a mean the margin, 1 - limit/mean. Near the limit both scales
// are alike; above 0 is beyond it.
func (p point) link(share float64) float64 {
	if p.ofMean {
		return 2 - 1/share
	}
	return logit(share) - logit(p.allowed)
}

// back is the way back from eta, or from the last place before it that has a share: of a
// mean, which has no end at 1, one of twenty times its limit. slope is how fast the share
// goes there.
func (p point) back(eta float64) (at, share, slope float64) {
	if p.ofMean {
		at = min(max(eta, -30), 0.95)
		share = 1 / (2 - at)
		return at, share, share * share
	}
	odds := min(max(eta+logit(p.allowed), -30), 30)
	share = 1 / (1 + math.Exp(-odds))
	return odds - logit(p.allowed), share, share * (1 - share)
}

func byLoad(a, b point) int { return cmp.Compare(a.x, b.x) }

// near is the margin up to which a probe says something of the slope at the
// limit: for a latency, between 0.56 and 5 times its limit. reach is how far its
// load may be from the crossing, as a logarithm.
const (
	near  = 0.8
	reach = 0.2
	bent  = 3 // of the variance that the probes know of: more shows that the line is none
)

// line is one through n points, on the scale of link: below 0 the objective is kept.
type line struct {
	n        int
	mx, my   float64 // centre
	slope    float64
	w, sxx   float64 // sums of weights and of squares of x
	residual float64 // variance at weight 1, by the distances of the points
	known    float64 // the same, by what each probe knows of itself
}

// straight tells that the points are no farther from the line than chance takes them.
func (l line) straight() bool { return l.residual <= bent*l.known }

func (l line) at(x float64) float64 { return l.my + l.slope*(x-l.mx) }

// fit is a regression by quasi-likelihood (Wedderburn 1974), logistic but for means. It
// takes the shares themselves and not their logarithms: a short probe near saturation is
// most often faster than the service in the long run and sometimes far slower, and only
// the mean of what it sees is right. The variance of a share p in n requests is taken as
// that of a count, p(1-p)/n, and of a common fate of many requests, (p(1-p))², such that
// both are alike at the limit. How large it is the points show, and it is no smaller than
// what the requests of each probe, by how far they resemble each other, make of it: few
// points agree by luck.
func fit(points []point) (line, bool) {
	l := line{n: len(points)}
	if l.n < 3 {
		return l, false
	}
	z, w := make([]float64, l.n), make([]float64, l.n)
	for i, p := range points {
		z[i] = p.link(min(max(p.share, 0.1*p.allowed), 1-0.1*(1-p.allowed)))
		w[i] = p.w
	}
	const rounds, tiny = 50, 1e-9
	for range rounds {
		last := l
		if !l.solve(points, z, w) {
			return l, false
		}
		for i, p := range points {
			eta, mu, slope := p.back(l.at(p.x))
			v, limit := mu*(1-mu), p.allowed*(1-p.allowed)
			z[i] = eta + (p.share-mu)/slope
			w[i] = p.w * slope * slope / (v * (1 + v/limit))
		}
		if math.Abs(l.slope-last.slope) <= tiny*math.Abs(l.slope) && math.Abs(l.root()-last.root()) <= tiny*l.root() {
			break
		}
	}
	return l, l.solve(points, z, w)
}

// solve is the weighted least-squares line of z over the loads. False where more
// load looks better.
func (l *line) solve(points []point, z, w []float64) bool {
	*l = line{n: l.n}
	for i, p := range points {
		l.w += w[i]
		l.mx += w[i] * p.x
		l.my += w[i] * z[i]
	}
	l.mx /= l.w
	l.my /= l.w
	var sxy float64
	for i, p := range points {
		l.sxx += w[i] * (p.x - l.mx) * (p.x - l.mx)
		sxy += w[i] * (p.x - l.mx) * (z[i] - l.my)
	}
	if !(l.sxx > 0 && sxy > 0) {
		return false
	}
	l.slope = sxy / l.sxx
	for i, p := range points {
		r := z[i] - l.at(p.x)
		l.residual += w[i] * r * r
		l.known += w[i] * p.effect / 2 // at the limit the weight is half of what independent requests have
	}
	l.residual /= float64(l.n - 2)
	l.known /= l.w
	return true
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

func (l line) root() float64 { return l.mx - l.my/l.slope }

// interval is that of the root, by Fieller's theorem: all x at which the line
// could be 0, at the quantile t of Student for the distances of the points, and
// at z of the normal distribution for what the probes know of themselves, the wider
// of both. False where the slope is not shown to
// be positive, since the interval is then without end.
func (l line) interval(t, z float64) (low, high float64, ok bool) {
	q := max(t*t*l.residual, z*z*l.known)
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
