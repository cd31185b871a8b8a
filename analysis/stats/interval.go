package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Z95 is the standard normal quantile of a two-sided 95 % interval.
const Z95 = 1.959963984540054

// Wilson is the score interval of k out of n at z standard errors (Wilson
// 1927); false when n is 0.
func Wilson(k, n uint64, z float64) (low, high float64, ok bool) {
	if n == 0 {
		return 0, 0, false
	}
	N := float64(n)
	p, z2 := float64(k)/N, z*z
	centre := (p + z2/(2*N)) / (1 + z2/N)
	half := z / (1 + z2/N) * math.Sqrt(p*(1-p)/N+z2/(4*N*N))
	low, high = max(centre-half, 0), min(centre+half, 1)
	if k == 0 {
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high, true
}

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

// Merge adds the values of o (Chan, Golub and LeVeque 1979).
func (w *Welford) Merge(o Welford) {
	if o.N == 0 {
		return
	}
	n, d := w.N+o.N, o.Mean-w.Mean
	w.m2 += o.m2 + d*d*float64(w.N)*float64(o.N)/float64(n)
	w.Mean += d * float64(o.N) / float64(n)
	w.N = n
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
	N                uint64 // clusters
	y, x, yy, xy, xx float64
}

// Add counts one cluster.
func (r *Ratio) Add(y, x float64) {
	r.N++
	r.y += y
	r.x += x
	r.yy += y * y
	r.xy += x * y
	r.xx += x * x
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

// EffectiveTrials is the number of independent trials that the x trials are
// worth when y of them were events: x over the design effect (Korn and
// Graubard 1998), never below the clusters and never above x. Without any
// variation between clusters to measure it by, it is the number of clusters.
func (r Ratio) EffectiveTrials() uint64 {
	n := max(uint64(r.x), r.N)
	v, ok := r.Variance()
	p := 0.0
	if r.x > 0 {
		p = r.y / r.x
	}
	if !ok || v <= 0 || p <= 0 || p >= 1 {
		return r.N
	}
	return min(max(uint64(p*(1-p)/v), r.N), n)
}
