package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// StudentT is the quantile p, 0 < p < 1, of Student's t with df degrees of
// freedom, through the inverse incomplete beta function.
func StudentT(p, df float64) float64 {
	if p == 0.5 {
		return 0
	}
	tail := min(p, 1-p)
	x := mathext.InvRegIncBeta(df/2, 0.5, 2*tail)
	return math.Copysign(math.Sqrt(df*(1-x)/x), p-0.5)
}

// Welford accumulates mean and variance in one pass (Welford 1962). The zero
// value is empty.
type Welford struct {
	N    uint64
	Mean float64
	m2   float64
}

// Add counts one value.
func (w *Welford) Add(x float64) {
	w.N++
	d := x - w.Mean
	w.Mean += d / float64(w.N)
	w.m2 += d * (x - w.Mean)
}

// Variance is the sample variance (n-1); false for fewer than two values.
func (w Welford) Variance() (float64, bool) {
	if w.N < 2 {
		return 0, false
	}
	return w.m2 / float64(w.N-1), true
}

// Bounds are the one-sided lower and upper bounds of the mean, each at the
// confidence, by Student's t; false for fewer than two values.
func (w Welford) Bounds(confidence float64) (low, high float64, ok bool) {
	v, ok := w.Variance()
	if !ok {
		return 0, 0, false
	}
	half := StudentT(confidence, float64(w.N-1)) * math.Sqrt(v/float64(w.N))
	return w.Mean - half, w.Mean + half, true
}

// Ratio accumulates sum(y)/sum(x) over independent clusters, each with its own
// y and x: the mean over all gaps of all requests, say, where gaps of one
// request resemble each other. The zero value is empty.
type Ratio struct {
	N                     uint64 // clusters
	y, x, yy, xy, xx, yyy float64
}

// Add counts one cluster.
func (r *Ratio) Add(y, x float64) {
	r.N++
	r.y += y
	r.x += x
	r.yy += y * y
	r.xy += x * y
	r.xx += x * x
	r.yyy += y * y * y
}

// Merge adds the clusters of o.
func (r *Ratio) Merge(o Ratio) {
	r.N += o.N
	r.y += o.y
	r.x += o.x
	r.yy += o.yy
	r.xy += o.xy
	r.xx += o.xx
	r.yyy += o.yyy
}

// Estimate is sum(y)/sum(x); false when sum(x) is 0.
func (r Ratio) Estimate() (float64, bool) {
	if r.x == 0 {
		return 0, false
	}
	return r.y / r.x, true
}

// Variance is that of the estimate, by linearisation over the clusters
// (Cochran, Sampling Techniques, 6.13); false for fewer than two clusters.
func (r Ratio) Variance() (float64, bool) {
	if r.N < 2 || r.x == 0 {
		return 0, false
	}
	n, e := float64(r.N), r.y/r.x
	return max(r.yy-2*e*r.xy+e*e*r.xx, 0) * n / (n - 1) / (r.x * r.x), true
}

// Bounds are the one-sided bounds of the estimate, each at the confidence, by
// Student's t over the clusters; false for fewer than two clusters.
func (r Ratio) Bounds(confidence float64) (low, high float64, ok bool) {
	v, ok := r.Variance()
	if !ok {
		return 0, 0, false
	}
	half := StudentT(confidence, float64(r.N-1)) * math.Sqrt(v)
	return r.y/r.x - half, r.y/r.x + half, true
}

// fewMissed is how many missed clusters it takes to know by how much misses
// come together.
const fewMissed = 20

// EffectiveTrials is the number of independent trials that the x trials are
// worth when y of them were misses.
//
// It is x over the design effect: the variance of the estimate over that of
// independent trials. Clusters of unlike size bring misses in lots of unlike
// size, and then the count is more skewed than a binomial of that variance. So
// what the effect exceeds 1 by is raised by sum(y^3) sum(y) / sum(y^2)^2, which
// matches the skewness of a compound Poisson count and is 1 for lots of one
// size.
//
// While missed clusters are few, by their effective number sum(y)^2/sum(y^2),
// their spread says little: the trials are then no more than the clusters'
// effective number, sum(x)^2/sum(x^2) (Kish 1965). So it is without any miss.
func (r Ratio) EffectiveTrials() float64 {
	if r.x <= 0 {
		return 0
	}
	clusters, p := r.x*r.x/r.xx, r.y/r.x
	v, ok := r.Variance()
	if !ok || p <= 0 || p >= 1 {
		return clusters
	}
	excess := max(v*r.x/(p*(1-p))-1, 0)
	n := r.x / (1 + excess*r.yyy*r.y/(r.yy*r.yy))
	if r.y*r.y/r.yy < fewMissed {
		n = min(n, clusters)
	}
	return n
}
