package compare

import (
	"math"
	"slices"

	"llmops/analysis/stats"
)

// prepared is a run with its values in order of size.
type prepared struct {
	*Run
	sorted map[string][]float64
	tables *tables
}

func prepare(runs []Run, t *tables) []prepared {
	out := make([]prepared, len(runs))
	for i := range runs {
		out[i] = prepared{&runs[i], map[string][]float64{}, t}
		for metric, values := range runs[i].Values {
			out[i].sorted[metric] = slices.Sorted(slices.Values(values))
		}
	}
	return out
}

// side is a statistic of one side, of one run or of several.
type side struct {
	value float64
	spread
}

// measure takes a statistic of both sides; false if a run lacks it.
//
// One run a side says nothing about how runs differ: the spread is then that of
// its requests. With several the runs are what is sampled. Their spread is taken
// as the same on both sides, in logarithms, so that two runs a side give two
// degrees of freedom and not one; it is never less than what the requests of a
// run leave open. Shares, which are often 0, have their spread as they are.
func measure(st Statistic, baseline, candidate []prepared) (a, b side, ok bool) {
	runs := slices.Concat(baseline, candidate)
	values := make([]float64, len(runs))
	var spreads []spread
	var orders [][]*stats.Sequence
	var known []int // runs of which single requests are known
	for i := range runs {
		value, order, ok := st.estimate.of(&runs[i])
		if ok {
			orders, known = append(orders, order), append(known, i)
		} else if value, ok = runs[i].Figures[st.Name]; !ok {
			return a, b, false
		}
		values[i] = value
	}
	effect := effectOf(orders)
	for _, i := range known {
		spreads = append(spreads, st.estimate.spread(&runs[i], effect))
	}
	if len(runs) == 2 {
		a.value, b.value = values[0], values[1]
		if len(known) == 2 {
			a.spread, b.spread = spreads[0], spreads[1]
		}
		return a, b, true
	}
	n, sc := len(baseline), scale(math.Log)
	if st.Absolute {
		sc = func(v float64) float64 { return v }
	}
	a.value, b.value = centre(values[:n], st.Absolute), centre(values[n:], st.Absolute)
	df := float64(len(runs) - 2)
	between := (sc.squares(values[:n]) + sc.squares(values[n:])) / df
	if math.IsNaN(between) || math.IsInf(between, 0) { // a figure of 0 has no logarithm
		return a, b, true
	}
	// The difference of both has the distribution, not each of them: it is put on the
	// candidate, as two t of few degrees of freedom would add up to less than one.
	variance := max(between, sc.within(spreads, runs[0].tables))
	reach := math.Sqrt(variance/float64(n) + variance/float64(len(runs)-n))
	a.spread = bounded(slices.Repeat([]float64{a.value}, points))
	b.spread = bounded(runs[0].tables.about(b.value, reach, df, st.Absolute))
	return a, b, true
}

// effectOf is the design effect of all runs together: the largest that one of
// their orders shows.
func effectOf(runs [][]*stats.Sequence) float64 {
	effect := 1.0
	if len(runs) == 0 {
		return effect
	}
	for i := range runs[0] {
		var alike []*stats.Sequence
		for _, order := range runs {
			alike = append(alike, order[i])
		}
		effect = max(effect, stats.JointEffect(evidence, alike...))
	}
	return effect
}

// about are points about a value with the given error, or whose logarithm has it, by
// Student's t. Shares are not cut off at 0: with both sides there, that would be a tie,
// and is evidence of neither.
func (t *tables) about(value, err, df float64, absolute bool) []float64 {
	out := make([]float64, points)
	for i, q := range t.student(df) {
		if out[i] = value * math.Exp(err*q); absolute {
			out[i] = value + err*q
		}
	}
	return out
}

// centre is the geometric mean; that of shares, and of values with a 0, is the
// arithmetic one.
func centre(values []float64, absolute bool) float64 {
	var logs, sum float64
	for _, v := range values {
		logs += math.Log(v)
		sum += v
	}
	n := float64(len(values))
	if absolute || math.IsInf(logs, 0) || math.IsNaN(logs) {
		return sum / n
	}
	return math.Exp(logs / n)
}

// scale is that in which the spread between runs is taken.
type scale func(float64) float64

// squares is the sum of squared deviations.
func (s scale) squares(values []float64) float64 {
	var mean, sum float64
	for _, v := range values {
		mean += s(v) / float64(len(values))
	}
	for _, v := range values {
		sum += (s(v) - mean) * (s(v) - mean)
	}
	return sum
}

// within is the mean variance that the requests of a run leave open; 0 where it is
// not known.
func (s scale) within(spreads []spread, t *tables) float64 {
	var sum, n float64
	for _, sp := range spreads {
		var w, mean, square float64
		for i, v := range sp.low {
			if x := s(v); v == sp.high[i] && !math.IsInf(x, 0) {
				w += t.weight[i]
				d := x - mean
				mean += d * t.weight[i] / w
				square += t.weight[i] * d * (x - mean)
			}
		}
		if w > 0 {
			sum += square / w
			n++
		}
	}
	return sum / max(n, 1)
}
