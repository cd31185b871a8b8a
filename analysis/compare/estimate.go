package compare

import (
	"math"

	"llmops/analysis/stats"
)

// evidence is what it takes to believe that neighbours in a run resemble each
// other, which makes them worth fewer values.
const evidence = 0.99

// estimate is a statistic of a run, and how far it may be off.
type estimate interface {
	// of is the statistic, with the sequences whose order shows how far
	// neighbours resemble each other; no sequence where the spread cannot be known.
	of(r *prepared) (value float64, order []*stats.Sequence, ok bool)
	// spread is where the statistic may truly lie. effect is how many times the
	// variance is that of values without an order.
	spread(r *prepared, effect float64) spread
}

// spread is where a statistic may truly lie.
type spread struct {
	// low and high are points, ascending, at the probabilities of tables.likely; nil: not
	// known. They are the same but where it lies beyond all that was seen: between nothing
	// and the least value, or between the greatest and no bound.
	low, high []float64
	// below and above are the probabilities that it lies outside of all that was
	// seen. A p-value is no less than they allow, however far apart few values lie.
	below, above float64
}

// quantile is the value of rank ceil(q*n) of a metric.
//
// Its bootstrap distribution needs no drawing: of n values drawn with
// replacement the k-th least is at or below the j-th of the sample with the
// probability I(j/n; k, n-k+1), the regularised incomplete beta function (Hutson
// and Ernst, The exact bootstrap mean and variance of an L-estimator, J. R.
// Stat. Soc. B 62, 2000). Neighbours in the schedule that resemble each other
// are worth fewer values: k and n are divided by the design effect.
//
// A bootstrap cannot see beyond the sample. The quantile of what is behind it lies
// above all n values with the probability q^n, and below them with (1-q)^n (David
// and Nagaraja, Order Statistics, 7.1): that much of the spread has no bound.
type quantile struct {
	metric string
	q      float64
}

func (e quantile) of(r *prepared) (float64, []*stats.Sequence, bool) {
	values, sorted := r.Values[e.metric], r.sorted[e.metric]
	n := uint64(len(values))
	if n == 0 {
		return 0, nil, false
	}
	value := sorted[stats.Rank(e.q, n)-1]
	order := []*stats.Sequence{exceeding(values, value)}
	if e.q != 0.5 { // few values lie beyond a tail: the median tells more of the order
		order = append(order, exceeding(values, sorted[stats.Rank(0.5, n)-1]))
	}
	return value, order, true
}

// exceeding is the sequence of whether values are above a limit.
func exceeding(values []float64, limit float64) *stats.Sequence {
	var s stats.Sequence
	for i, v := range values {
		y := 0.0
		if v > limit {
			y = 1
		}
		s.Add(uint64(i), y, 1)
	}
	return &s
}

func (e quantile) spread(r *prepared, effect float64) spread {
	sorted := r.sorted[e.metric]
	n := uint64(len(sorted))
	k, m := float64(stats.Rank(e.q, n))/effect, float64(n)/effect
	s := spread{make([]float64, points), make([]float64, points), math.Pow(1-e.q, m), math.Pow(e.q, m)}
	u := r.tables.beta(k, max(m-k, 0)+1)
	for i, p := range r.tables.likely {
		switch {
		case p < s.below:
			s.low[i], s.high[i] = 0, sorted[0]
		case 1-p < s.above:
			s.low[i], s.high[i] = sorted[n-1], math.Inf(1)
		default:
			s.low[i] = sorted[min(max(int(math.Ceil(u[i]*float64(n))), 1), int(n))-1]
			s.high[i] = s.low[i]
		}
	}
	return s
}

// mean is the arithmetic mean, whose bootstrap distribution is normal for all
// samples worth judging.
type mean struct{ metric string }

func (e mean) sequence(r *prepared) *stats.Sequence {
	var s stats.Sequence
	for i, v := range r.Values[e.metric] {
		s.Add(uint64(i), v, 1)
	}
	return &s
}

func (e mean) of(r *prepared) (float64, []*stats.Sequence, bool) { return estimated(e.sequence(r)) }

func (e mean) spread(r *prepared, effect float64) spread {
	return r.tables.around(e.sequence(r), leastValues, effect)
}

func estimated(s *stats.Sequence) (float64, []*stats.Sequence, bool) {
	value, ok := s.Estimate()
	return value, []*stats.Sequence{s}, ok
}

// around are points about the estimate of s, by Student's t; what is compared is
// never below 0. Of fewer values than least nothing is known.
func (t *tables) around(s *stats.Sequence, least uint64, effect float64) spread {
	value, _ := s.Estimate()
	variance, ok := s.Variance()
	if !ok || s.N < least || !(variance*effect <= math.MaxFloat64) { // of values of an edited log
		return spread{}
	}
	var list []float64
	for _, q := range t.student(float64(s.N - 1)) {
		list = append(list, max(value+math.Sqrt(variance*effect)*q, 0))
	}
	return bounded(list)
}

// bounded is a spread that may have been seen as a whole.
func bounded(list []float64) spread { return spread{low: list, high: list} }

// errorRate is the share of failed requests. Its distribution is that of the
// share behind it after the prior of Jeffreys, Beta(k+1/2, n-k+1/2), whose
// intervals cover about what they say, also without any failure (Brown, Cai and
// DasGupta, Interval estimation for a binomial proportion, Stat. Sci. 16, 2001).
type errorRate struct{}

func (errorRate) of(r *prepared) (float64, []*stats.Sequence, bool) {
	if r.Total == 0 {
		return 0, nil, false
	}
	var s stats.Sequence
	next := 0
	for i := range r.Total {
		y := 0.0
		if next < len(r.Failed) && r.Failed[next] == i {
			y = 1
			next++
		}
		s.Add(uint64(i), y, 1)
	}
	return estimated(&s)
}

func (errorRate) spread(r *prepared, effect float64) spread {
	k, n := float64(len(r.Failed))/effect, float64(r.Total)/effect
	return bounded(r.tables.beta(k+0.5, n-k+0.5))
}

// rate is a count by second. Its spread is that of the slices of the run, as
// batch means (Schmeiser 1982).
// Without a count it is known as a figure only.
type rate struct{ count func(Slice) float64 }

func (e rate) sequence(r *prepared) *stats.Sequence {
	var s stats.Sequence
	for i, slice := range r.Slices {
		s.Add(uint64(i), e.count(slice), slice.Seconds)
	}
	return &s
}

func (e rate) of(r *prepared) (float64, []*stats.Sequence, bool) {
	if e.count == nil {
		return 0, nil, false
	}
	value, order, ok := estimated(e.sequence(r))
	return value, order, ok && value > 0
}

func (e rate) spread(r *prepared, effect float64) spread {
	return r.tables.around(e.sequence(r), leastSlices, effect)
}

// The fewest values, and the fewest slices of a run, whose spread is worth anything.
const (
	leastValues = 20
	leastSlices = 8
)
