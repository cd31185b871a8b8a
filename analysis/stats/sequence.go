package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

const (
	mostBatches = 32
	// leastBatches is how far batches are merged to see longer correlation:
	// with fewer, their spread is hardly known at all.
	leastBatches = 8
	// evidence is the confidence at which the spread between batches must
	// exceed that of independent clusters before it counts, so that
	// independent data keep their sample size. It also is that of the upper
	// end.
	evidence = 0.95
)

// Sequence is a Ratio over clusters that have an order, such as that of a
// schedule. It sees how far neighbours resemble each other: beside the sums
// over all clusters it keeps those of up to 32 stretches of equal length. When
// these are used up, they merge in pairs, so that the memory is fixed. Clusters
// may be added in any order. The zero value is empty.
type Sequence struct {
	Ratio
	width   uint64
	batches [mostBatches]struct{ y, x float64 }
}

// Add counts a cluster at its place in the order, from 0.
func (s *Sequence) Add(at uint64, y, x float64) {
	s.Ratio.Add(y, x)
	s.width = max(s.width, 1)
	for at/s.width >= mostBatches {
		for i := range mostBatches / 2 {
			a, b := s.batches[2*i], s.batches[2*i+1]
			s.batches[i].y, s.batches[i].x = a.y+b.y, a.x+b.x
		}
		clear(s.batches[mostBatches/2:])
		s.width *= 2
	}
	b := &s.batches[at/s.width]
	b.y += y
	b.x += x
}

// DesignEffect says how many times larger than for independent clusters the
// variance of the estimate is, by the spread between batches (batch means:
// Schmeiser 1982; design effect: Kish 1965). It is at least 1.
//
// Batches that are too short for the correlation show too little of it, so the
// largest effect of three scales counts: the batches as they are (16 to 32),
// and merged two and four at a time. An effect counts only where chi-square
// with the batches' degrees of freedom shows it. It is then raised by the square
// of t over z, since so few batches know their own spread badly (Korn and
// Graubard 1998). upper is the upper end of the effect, by chi-square.
//
// Without any variation between clusters, no miss at all say, both are 1.
func (s *Sequence) DesignEffect(confidence float64) (effect, upper float64) {
	effect, upper = 1, 1
	base, ok := s.Variance()
	if !ok || !(base > 0) {
		return effect, upper
	}
	z := mathext.NormalQuantile(confidence)
	for merged := 1; mostBatches/merged >= leastBatches; merged *= 2 {
		batches := s.merged(merged)
		v, ok := batches.Variance()
		if batches.N < leastBatches || !ok {
			break
		}
		df, d := float64(batches.N-1), v/base
		if math.IsNaN(d) || math.IsInf(d, 0) { // sums of absurd values overflow
			break
		}
		upper = max(upper, d*df/chiSquare(1-evidence, df))
		if d > chiSquare(evidence, df)/df {
			t := StudentT(confidence, df) / z
			effect = max(effect, 1+(d-1)*t*t)
		}
	}
	return effect, max(effect, upper)
}

// JointEffect is the design effect of sequences that are expected to be alike,
// such as runs of one test, by the spread between the batches of all of them. It
// is at least 1, and counts only where chi-square shows it at the evidence, such
// as 0.99, for one of two scales. See Sequence.DesignEffect.
func JointEffect(evidence float64, sequences ...*Sequence) float64 {
	effect := 1.0
	for merged := 1; mostBatches/merged >= leastBatches; merged *= leastBatches / 2 {
		sum, df := 0.0, 0.0
		for _, s := range sequences {
			base, ok := s.Variance()
			batches := s.merged(merged)
			v, known := batches.Variance()
			if !ok || !known || !(base > 0) || batches.N < leastBatches {
				continue
			}
			n := float64(batches.N - 1)
			sum, df = sum+n*v/base, df+n
		}
		if df == 0 {
			continue
		}
		if d := sum / df; d > chiSquare(evidence, df)/df && !math.IsInf(d, 0) {
			effect = max(effect, d)
		}
	}
	return effect
}

// merged takes the batches so many at a time; those without clusters are none.
func (s *Sequence) merged(by int) Ratio {
	var r Ratio
	for i := 0; i < mostBatches; i += by {
		y, x := 0.0, 0.0
		for _, b := range s.batches[i : i+by] {
			y, x = y+b.y, x+b.x
		}
		if x > 0 {
			r.Add(y, x)
		}
	}
	return r
}

// chiSquare is the quantile p of chi-square with df degrees of freedom.
func chiSquare(p, df float64) float64 { return 2 * mathext.GammaIncRegInv(df/2, p) }

// MissEffect is the design effect for a count of misses of a limit, where the
// values behind them are known too. Misses are few and tell little about their
// correlation, values tell much; so the effect of the values counts as far as
// it lies within what the misses leave open. It is 1 without a miss, or with
// nothing else.
func MissEffect(misses, values *Sequence, confidence float64) float64 {
	effect, upper := misses.DesignEffect(confidence)
	if values != nil {
		ofValues, _ := values.DesignEffect(confidence)
		effect = max(effect, min(ofValues, upper))
	}
	return max(effect, 1)
}

// Bounds are the one-sided bounds of the estimate, each at the confidence, with
// the design effect of the order; false for fewer than two clusters.
func (s *Sequence) Bounds(confidence float64) (low, high float64, ok bool) {
	e, ok := s.Estimate()
	low, high, bounded := s.Ratio.Bounds(confidence)
	if !ok || !bounded {
		return 0, 0, false
	}
	effect, _ := s.DesignEffect(confidence)
	widen := math.Sqrt(effect)
	return e - (e-low)*widen, e + (high-e)*widen, true
}
