package detect

import "math"

// A past is the last rows of a series, as learned channels look at them: scaled by
// median and spread of what was there when they were trained, cut into stretches of a
// few rows.
type past struct {
	ring
	mid, spread float64
	fitted      bool
	scaled      []float64
	rows        int
}

func newPast(rows int) past { return past{ring: newRing(rows)} }

// due tells whether it is time to learn: after first rows, and then every every.
func (p *past) due(first, every int) bool {
	return p.rows == first || p.rows > first && (p.rows-first)%every == 0
}

// see takes a value.
func (p *past) see(v float64) {
	p.push(v)
	p.rows++
}

// fit takes the scale of the rows so far; false: they are all the same.
func (p *past) fit() bool {
	p.scaled = p.scaled[:0]
	for i := range p.n {
		p.scaled = append(p.scaled, p.back(p.n-1-i))
	}
	sorted := newSortedWindow(p.n)
	for _, x := range p.scaled {
		sorted.push(x)
	}
	p.mid = sorted.quantile(0.5)
	p.spread = max((sorted.quantile(0.9)-sorted.quantile(0.1))/gaussianQ, leastSpread*(sorted.s[p.n-1]-sorted.s[0]))
	p.fitted = p.spread > 0
	for i, x := range p.scaled {
		p.scaled[i] = p.scale(x)
	}
	return p.fitted
}

// scale is a value in units of the spread; what is far out counts by its logarithm.
func (p *past) scale(x float64) float64 {
	z := (x - p.mid) / p.spread
	if a := math.Abs(z); a > wide {
		z = math.Copysign(wide*(1+math.Log(a/wide)), z)
	}
	return z
}

const wide = 10

// newest writes the last values, scaled, the newest last.
func (p *past) newest(to []float64) {
	for i := range to {
		to[len(to)-1-i] = p.scale(p.back(i))
	}
}
