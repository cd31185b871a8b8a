package detect

import (
	"cmp"
	"math"
	"slices"
)

// A ChangePoint is where the level of a series changes.
type ChangePoint struct {
	At            int     // the first row of the new level
	Before, After float64 // medians of the rows to either side, up to the next change points
	// Z is the change in robust standard deviations of what is left over, or in the unit
	// of the values where nothing is; P is the probability of so great a one somewhere in
	// the segment where there is none.
	Z, P float64
}

// ChangePoints finds where the level of values changes, looking at all of them: it is
// for judging what is over, such as the onset of an incident. Values that are not finite
// are left out of the sums but keep their place. It is binary segmentation (Scott and
// Knott 1974) of winsorised values, with the greatest standardised difference of means
//
//	T = max_k |mean(..k) - mean(k..)| / (s sqrt(1/k + 1/(n-k)))
//
// and s from the differences of neighbours, which a change of level does not widen (von
// Neumann 1941). A change counts with P <= p, by Bonferroni's bound over all k, and with
// at least least rows to either side. O(n log n).
func ChangePoints(values []float64, p float64, least int) []ChangePoint {
	least = max(least, 2)
	v, at := finite(values)
	if len(v) < 2*least {
		return nil
	}
	s := noise(v) // before clipping, which takes some of it away
	clip(v)
	var cuts []int
	split(v, 0, s, p, least, &cuts)
	slices.Sort(cuts)
	cuts = settled(v, cuts, s, p)
	var points []ChangePoint
	for i, c := range cuts {
		from, to := 0, len(v)
		if i > 0 {
			from = cuts[i-1]
		}
		if i+1 < len(cuts) {
			to = cuts[i+1]
		}
		point := ChangePoint{At: at[c], Before: median(slices.Clone(v[from:c])), After: median(slices.Clone(v[c:to]))}
		point.P = evidence(v[from:to], c-from, s)
		if point.Z = math.Abs(point.After - point.Before); s > 0 {
			point.Z /= s
		}
		points = append(points, point)
	}
	return points
}

// Onset is the row at which values left the level that they had before row first: the
// change point with the greatest evidence among the rows from from to to. Not ok: there
// is none with P below 0.001.
func Onset(values []float64, from, to int) (ChangePoint, bool) {
	from, to = max(from, 0), min(to, len(values))
	if from >= to {
		return ChangePoint{}, false
	}
	points := ChangePoints(values[from:to], 1e-3, 3)
	if len(points) == 0 {
		return ChangePoint{}, false
	}
	best := slices.MaxFunc(points, func(a, b ChangePoint) int { return cmp.Or(cmp.Compare(a.Z, b.Z), cmp.Compare(b.At, a.At)) })
	best.At += from
	return best, true
}

// finite are the values that are numbers, and their places.
func finite(values []float64) (v []float64, at []int) {
	for i, x := range values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			v, at = append(v, x), append(at, i)
		}
	}
	return v, at
}

// clip limits single values to the extremes of their neighbours, two to either side, so
// that one spike is no change of level.
func clip(v []float64) {
	old := slices.Clone(v)
	for i := range v {
		lo, hi := math.Inf(1), math.Inf(-1)
		for j := max(0, i-2); j <= min(len(v)-1, i+2); j++ {
			if j != i {
				lo, hi = min(lo, old[j]), max(hi, old[j])
			}
		}
		v[i] = min(max(old[i], lo), hi)
	}
}

// noise is the standard deviation of what a level leaves over: the median of the
// absolute differences of neighbours over 0.6745 sqrt(2), or where most are 0 their
// root mean square without the greatest tenth.
func noise(v []float64) float64 {
	d := make([]float64, 0, len(v))
	for i := 1; i < len(v); i++ {
		d = append(d, math.Abs(v[i]-v[i-1]))
	}
	slices.Sort(d)
	if m := d[len(d)/2]; m > 0 {
		return m / (0.6744897501960817 * math.Sqrt2)
	}
	sum := 0.0
	kept := d[:len(d)-len(d)/10]
	for _, x := range kept {
		sum += x * x
	}
	if sum > 0 {
		return math.Sqrt(sum / float64(len(kept)) / 2)
	}
	return 0
}

// split cuts v, which begins at row offset, as long as there are changes.
func split(v []float64, offset int, s, p float64, least int, cuts *[]int) {
	if len(v) < 2*least {
		return
	}
	best, most := -1, 0.0
	sum, all := 0.0, 0.0
	for _, x := range v {
		all += x
	}
	n := float64(len(v))
	for k := 1; k < len(v); k++ {
		sum += v[k-1]
		if k < least || len(v)-k < least {
			continue
		}
		if t := contrast(sum, all, float64(k), n, s); t > most {
			best, most = k, t
		}
	}
	if best < 0 || bound(most, len(v)) > p {
		return
	}
	*cuts = append(*cuts, offset+best)
	split(v[:best], offset, s, p, least, cuts)
	split(v[best:], offset+best, s, p, least, cuts)
}

// settled leaves out cuts that are none any more between their neighbours: an early one
// may have stood for two that were found later (Bai 1997).
func settled(v []float64, cuts []int, s, p float64) []int {
	for {
		weakest, worst := -1, p
		for i, c := range cuts {
			from, to := 0, len(v)
			if i > 0 {
				from = cuts[i-1]
			}
			if i+1 < len(cuts) {
				to = cuts[i+1]
			}
			if e := evidence(v[from:to], c-from, s); e > worst {
				weakest, worst = i, e
			}
		}
		if weakest < 0 {
			return cuts
		}
		cuts = slices.Delete(cuts, weakest, weakest+1)
	}
}

// evidence is the probability of what v shows at k where nothing changes.
func evidence(v []float64, k int, s float64) float64 {
	sum, all := 0.0, 0.0
	for i, x := range v {
		if i < k {
			sum += x
		}
		all += x
	}
	return bound(contrast(sum, all, float64(k), float64(len(v)), s), len(v))
}

// contrast is T at k; without noise any difference is as clear as can be.
func contrast(sum, all, k, n, s float64) float64 {
	d := math.Abs(sum/k - (all-sum)/(n-k))
	scale := math.Abs(sum/k) + math.Abs((all-sum)/(n-k))
	if d <= 1e-12*scale { // rounding
		return 0
	}
	d *= math.Sqrt(k * (n - k) / n)
	if s <= 0 {
		return math.MaxFloat64 / 4 * (d / (d + scale*math.Sqrt(n)))
	}
	return d / s
}

// bound is Bonferroni's bound of the probability of a contrast of t or more among n.
func bound(t float64, n int) float64 { return min(1, float64(n)*math.Erfc(t/math.Sqrt2)) }

// RobustZ is how many robust standard deviations x is from the median of a healthy
// period: the distance of its quantiles 0.1 and 0.9 over 2.563, at least 1 % of the
// median and of the range. It does not change with the unit. Not ok: x is not finite,
// there are fewer than five values, or they are all 0, which is no scale.
func RobustZ(x float64, healthy []float64) (z float64, ok bool) {
	v, _ := finite(healthy)
	if len(v) < 5 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, false
	}
	slices.Sort(v)
	q := func(p float64) float64 { return v[int(p*float64(len(v)-1)+0.5)] }
	sd := max((q(0.9)-q(0.1))/gaussianQ, leastSpread*(v[len(v)-1]-v[0]), leastSpread*math.Abs(q(0.5)))
	if sd == 0 {
		return 0, false
	}
	return min(max((x-q(0.5))/sd, -math.MaxFloat64), math.MaxFloat64), true
}
