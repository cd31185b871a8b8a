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
	var whole []bin
	if a.started {
		whole = c.slices.whole(a.line.base, a.end())
	}
	for i, b := range whole {
		valid := b.succeeded + b.failed
		var value *big.Rat
		switch {
		case valid < int64(o.MinEvents), o.Statistic == slo.Ratio && valid == 0:
			// Unmeasured. Or was a request waiting that never got a reply?
			if a.asMisses > 0 && a.line.base.Add(time.Duration(i+1)*o.Slice).After(a.cut.first) {
				n, k = n+1, k+1
			}
			continue
		case o.Statistic == slo.Ratio:
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
		if !o.Op.Holds(value.Cmp(o.Threshold.Rat)) {
			k++
		}
	}
	j.Threshold, j.SliceS = new(o.Target.Float64()), o.Slice.Seconds()
	if n > 0 {
		j.Observed = new(float64(n-k) / float64(n))
	}
	a.decide(j, share{k: k, n: n, trials: float64(n), units: n, noun: slicesOf(slo.FormatDuration(o.Slice)), unit: slice,
		limit: new(big.Rat).Sub(big.NewRat(1, 1), o.Target.Rat), bad: "miss " + fmt.Sprintf("%s %s %s", o.Metric, o.Op, o.Threshold.Text)})
	switch {
	case c.slices.over:
		j.Verdict = Inconclusive
		j.Detail = fmt.Sprintf("the run has more than %d slices", maxSlices)
	case n == 0:
		j.unmeasured(fmt.Sprintf("no whole slice of %s with enough requests lies in the run", slo.FormatDuration(o.Slice)))
	}
}
