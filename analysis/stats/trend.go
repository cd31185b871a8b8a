package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Direction is where a series goes.
type Direction string

// The directions. None says that no slope could be shown, not that there is none.
const (
	Rising       Direction = "rising"
	Falling      Direction = "falling"
	None         Direction = "none"
	Undetermined Direction = "undetermined" // too few points for any verdict
)

// At is a value and when it held, in any unit of time.
type At struct{ T, V float64 }

// Trend sums up where values go with time.
type Trend struct {
	Direction Direction
	Slope     float64 // median slope (Theil-Sen), value by unit of time
	Low, High float64 // of the slope, at the confidence
	P         float64 // of a slope like this or steeper where there is none, two-sided
	Effective float64 // how many independent points the values are worth
}

const (
	// leastTrend is the fewest points: the most extreme order of four still comes
	// about by chance once in twelve.
	leastTrend = 5
	// mostTrend bounds the pairs that are looked at. Longer series are cut into so
	// many stretches of equal count, and their means stand for them.
	mostTrend = 500
)

// TrendOf judges points in order of time, at a confidence such as 0.95. Values that
// are not finite are left out.
//
// The slope is the median of the slopes of all pairs, with the interval of Sen
// (1968): a few outliers do not turn it. Whether there is a trend at all is the test
// of Mann (1945) and Kendall (1975) with the correction for ties. Neighbours that
// resemble each other, as those of a temperature do, make that test see trends in
// noise; so its variance is raised by the correlation of the ranks of what the slope
// leaves over (Hamed and Rao 1998). Of the lags only those before the first that
// could be noise count, each with what taking out a slope hides of it (Kendall 1954:
// (2+4ρ)/n). Where neighbours correlate by 0.7, 120 points without a trend still show
// one in one of eight cases, in place of two of five.
func TrendOf(points []At, confidence float64) Trend {
	finite := make([]At, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.V) && !math.IsInf(p.V, 0) {
			finite = append(finite, p)
		}
	}
	points = stretches(finite, mostTrend)
	n := float64(len(points))
	if len(points) < leastTrend || points[0].T >= points[len(points)-1].T {
		return Trend{Direction: Undetermined, P: 1, Effective: n}
	}
	slopes, s := pairs(points)
	raise := correlation(points, slopes[len(slopes)/2])
	variance := kendallVariance(points) * raise
	t := Trend{Slope: medianSorted(slopes), P: 1, Direction: None, Effective: n / raise}
	if variance > 0 && s != 0 {
		t.P = math.Erfc((math.Abs(s) - 1) / math.Sqrt(2*variance)) // 1: the correction for continuity
	}
	reach := mathext.NormalQuantile((1+confidence)/2) * math.Sqrt(variance)
	at := func(rank float64) float64 {
		return slopes[int(max(0, min(float64(len(slopes)-1), rank)))]
	}
	m := float64(len(slopes))
	t.Low, t.High = at(math.Floor((m-reach)/2)-1), at(math.Ceil((m+reach)/2))
	if t.P < 1-confidence {
		switch {
		case t.Slope > 0:
			t.Direction = Rising
		case t.Slope < 0:
			t.Direction = Falling
		}
	}
	return t
}

// stretches are the means of most stretches, or the points where there are no more.
func stretches(points []At, most int) []At {
	if len(points) <= most {
		return points
	}
	out := make([]At, most)
	for i := range out {
		part := points[i*len(points)/most : (i+1)*len(points)/most]
		for _, p := range part { // by their share, so that no sum overflows
			out[i].T += p.T / float64(len(part))
			out[i].V += p.V / float64(len(part))
		}
	}
	return out
}

// pairs are the slopes of all pairs with different times, sorted, and Kendall's S:
// pairs that rise less those that fall.
func pairs(points []At) (slopes []float64, s float64) {
	slopes = make([]float64, 0, len(points)*(len(points)-1)/2)
	for i, a := range points {
		for _, b := range points[i+1:] {
			if b.T > a.T {
				slopes = append(slopes, (b.V-a.V)/(b.T-a.T))
				s += float64(cmp.Compare(b.V, a.V))
			}
		}
	}
	slices.Sort(slopes)
	return slopes, s
}

// kendallVariance is that of S where there is no trend, less what ties take.
func kendallVariance(points []At) float64 {
	term := func(n float64) float64 { return n * (n - 1) * (2*n + 5) / 18 }
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p.V
	}
	slices.Sort(values)
	variance := term(float64(len(values)))
	for from := 0; from < len(values); {
		to := from + 1
		for to < len(values) && values[to] == values[from] {
			to++
		}
		variance -= term(float64(to - from))
		from = to
	}
	return variance
}

// correlation is by how much neighbours that resemble each other raise the variance
// of S; at least 1.
func correlation(points []At, slope float64) float64 {
	left := make([]float64, len(points))
	for i, p := range points {
		left[i] = p.V - slope*(p.T-points[0].T)
	}
	r := ranks(left)
	n := float64(len(r))
	mean, total := (n+1)/2, 0.0
	for _, x := range r {
		total += (x - mean) * (x - mean)
	}
	if total <= 0 {
		return 1
	}
	const noise = 1.0 // of a correlation of independent values, in its deviations of 1/√n
	sum := 0.0
	for lag := 1; lag < len(r)-2; lag++ {
		rho := 0.0
		for i := lag; i < len(r); i++ {
			rho += (r[i] - mean) * (r[i-lag] - mean)
		}
		rho /= total
		if rho < noise/math.Sqrt(n) {
			break
		}
		rho = min(1, rho+(2+4*rho)/n)
		k := n - float64(lag)
		sum += k * (k - 1) * (k - 2) * rho
	}
	return 1 + 2/(n*(n-1)*(n-2))*sum
}

// ranks are the places of values when sorted, from 1; equal ones share the mean.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	out := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to+1) / 2
		}
		from = to
	}
	return out
}

// medianSorted is the middle of sorted values, which are not empty.
func medianSorted(v []float64) float64 {
	if n := len(v); n%2 == 0 {
		return v[n/2-1]/2 + v[n/2]/2
	}
	return v[len(v)/2]
}
