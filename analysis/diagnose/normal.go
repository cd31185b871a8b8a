package diagnose

import (
	"math"
	"slices"
	"time"
)

// normal is what a track was like in the normal period.
type normal struct {
	median, scale float64
	n             int // values it is made of; 0: nothing is known
	low, high     float64
}

// minNormal is the fewest values that say what is normal.
const minNormal = 5

// normalOf takes the median and a robust standard deviation, the width from the 10th to
// the 90th percentile of a Gaussian, but not less than half a per cent of the median: a
// gauge that stood still must not make a wonder of its next value.
func normalOf(values []float64) normal {
	v := make([]float64, 0, len(values))
	for _, x := range values {
		if !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	if len(v) < minNormal {
		return normal{}
	}
	slices.Sort(v)
	m := quantile(v, 0.5)
	scale := (quantile(v, 0.9) - quantile(v, 0.1)) / 2.5631
	return normal{median: m, scale: max(scale, 0.005*math.Abs(m)), n: len(v), low: v[0], high: v[len(v)-1]}
}

// quantile of sorted values, linear between neighbours.
func quantile(v []float64, q float64) float64 {
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}

// z is how many standard deviations v is from the median; without any deviation in the
// normal period a change is as large as can be.
func (n normal) z(v float64) float64 {
	d := v - n.median
	switch {
	case d == 0:
		return 0
	case n.scale == 0:
		return math.Copysign(maxZ, d)
	}
	return max(-maxZ, min(maxZ, d/n.scale))
}

const maxZ = 1e6

// normalSteps is which part of a record without a baseline counts as normal: its first 25
// minutes, or a quarter of a long record; of a short one never more than the first 40 %, and of
// less than a quarter of an hour, which somebody took because of a fault, the first third.
func normalSteps(g grid) int {
	d := time.Duration(int64(g.n)*g.step) * time.Millisecond
	want := max(25*time.Minute, d/4)
	want = min(want, d*2/5)
	if d < 15*time.Minute {
		want = d / 3
	}
	return min(g.n, max(minNormal, int(want.Milliseconds()/g.step)))
}

// smooth is the running median of five values, two to either side: a single scrape is
// never a symptom. Where at least three of the five are missing, so is the median. It
// writes over v.
func smooth(v []float64) []float64 {
	nan := math.NaN()
	before := [2]float64{nan, nan} // the two that were written over last
	for i, x := range v {
		w := [5]float64{before[0], before[1], x, nan, nan}
		copy(w[3:], v[i+1:min(len(v), i+3)])
		before = [2]float64{before[1], x}
		s := w[:0]
		for _, y := range w {
			if !math.IsNaN(y) {
				s = append(s, y)
			}
		}
		if k := len(s); k < 3 && k < len(v) || math.IsNaN(x) && k < 4 {
			v[i] = nan
			continue
		}
		slices.Sort(s)
		v[i] = s[len(s)/2]
	}
	return v
}

// median of what is not missing; NaN without any.
func median(v []float64) float64 {
	s := make([]float64, 0, len(v))
	for _, x := range v {
		if !math.IsNaN(x) {
			s = append(s, x)
		}
	}
	if len(s) == 0 {
		return math.NaN()
	}
	slices.Sort(s)
	return quantile(s, 0.5)
}
