package loadreport

import (
	"fmt"
	"math/big"
	"time"

	"llmops/rules/slo"
)

// judgeSlices counts slices of time.
func (a report) judgeSlices(c *counter, j *Judgement) {
	o := c.o
	var n, k uint64
	op, limit := o.Op, o.Threshold
	miss := fmt.Sprintf("miss %s %s %s", o.Metric, o.Op, o.Threshold.Text)
	if o.Statistic == slo.Quantile {
		op, limit = slo.GreaterEqual, o.SliceTarget
		miss += fmt.Sprintf(" for %s", pctRat(limit.Rat))
	}
	for i, b := range a.wholeSlices(c) {
		valid := b.succeeded + b.failed
		var value *big.Rat
		switch {
		case valid < int64(o.MinEvents), o.Statistic != slo.Rate && valid == 0:
			if a.waited(i, o) {
				n, k = n+1, k+1
			}
			continue
		case o.Statistic != slo.Rate:
			value = big.NewRat(b.succeeded, valid)
		default:
			count := b.succeeded
			if o.Metric == "tokens_per_second" {
				count = b.tokens
			}
			value = big.NewRat(int64(time.Second), int64(o.Slice))
			value.Mul(value, big.NewRat(count, 1))
		}
		n++
		if !op.Holds(value.Cmp(limit.Rat)) {
			k++
		}
	}
	k = min(k+a.worse, n) - min(a.asHits, k) // each value may turn the slice that it lies in
	if c.line != nil && a.asMisses > 0 {     // all were cut at once: in one slice
		n, k = n+1, k+1
	}
	j.Threshold, j.SliceS = new(o.Target.Float64()), o.Slice.Seconds()
	if n > 0 {
		j.Observed = new(float64(n-k) / float64(n))
	}
	a.decide(j, share{k: k, n: n, trials: float64(n), units: n, noun: slicesOf(slo.FormatDuration(o.Slice)), unit: slice,
		limit: new(big.Rat).Sub(big.NewRat(1, 1), o.Target.Rat), bad: miss})
	j.checkSlices(c, n)
}

// wholeSlices are those of the objective that lie within the run.
func (a report) wholeSlices(c *counter) []bin {
	if !a.started {
		return nil
	}
	return c.slices.whole(a.line.base, a.end())
}

// waited tells of a slice without a measurement whether a request waited in it
// that never got a reply, where such requests are to be misses.
func (a report) waited(i int, o slo.Objective) bool {
	return a.asMisses > 0 && a.line.base.Add(time.Duration(i+1)*o.Slice).After(a.cut.first)
}

// checkSlices takes back what was said of n slices if they are none, or not all.
func (j *Judgement) checkSlices(c *counter, n uint64) {
	switch {
	case c.slices.over:
		j.Verdict = Inconclusive
		j.Detail = fmt.Sprintf("the run has more than %d slices", maxSlices)
	case n == 0:
		j.unmeasured(fmt.Sprintf("no whole slice of %s with enough requests lies in the run", slo.FormatDuration(c.o.Slice)))
	}
}
