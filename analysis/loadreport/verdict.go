package loadreport

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"

	"llmops/analysis/stats"
	"llmops/rules/slo"
)

// verdict is that on one objective by what the report counts.
func (a report) verdict(c *counter) Judgement {
	o := c.o
	j := Judgement{Objective: o.String(), Threshold: new(c.limit), Confidence: a.confidence, Unit: UnitRequests}
	switch {
	case c.metric == itl, c.metric == chunkGap:
		j.Unit = UnitGaps
	case c.slices != nil, o.Statistic == slo.Rate:
		j.Unit = UnitSlices
	}
	if o.Name != o.Expr {
		j.Name = o.Name
	}
	switch {
	case o.Method == slo.Timeslices:
		a.judgeSlices(c, &j)
	case o.Method == slo.RatioTimeslices:
		a.judgeRatioSlices(c, &j)
	case o.Statistic == slo.Ratio:
		a.judgeRatio(c, &j)
	case o.Statistic == slo.Quantile:
		a.judgeQuantile(c, &j)
	case o.Statistic == slo.Rate:
		a.judgeRate(c, &j)
	case c.metric >= 0 && o.Statistic == slo.Mean:
		a.judgeMean(c, &j)
	case c.metric >= 0:
		a.judgeExtreme(c, &j)
	case o.Metric == "quality_score":
		a.judgeQuality(c, &j)
	default:
		a.judgeValue(c, &j)
	}
	if c.metric >= 0 || o.Metric == "quality_score" || o.Metric == "cost_per_request" {
		j.left(o, a.requests.Failed)
	}
	if n := a.grades.unchecked(); n > 0 && o.Metric == "quality_score" {
		j.Detail += fmt.Sprintf("; %s could not be checked", replies.of(n))
	}
	return j
}

// left says how many failed requests the objective does not see.
func (j *Judgement) left(o slo.Objective, n int64) {
	if n == 0 || o.Statistic == slo.Quantile && o.Errors == slo.ErrorsBad {
		return
	}
	j.FailedExcluded = n
	j.Detail += fmt.Sprintf("; %s left out", failed.of(uint64(n)))
}

func (j *Judgement) unmeasured(what string) {
	j.Verdict, j.Detail = Inconclusive, "not measured: "+what
}

// judgeRatio counts failed requests, or timed out ones, among those that ended.
func (a report) judgeRatio(c *counter, j *Judgement) {
	s := share{k: c.k + a.asMisses, n: c.n + a.asMisses, noun: requests, unit: requests, bad: "failed",
		limit: c.o.Threshold.Rat, strict: c.o.Op == slo.Less || c.o.Op == slo.Greater}
	if c.o.Metric == "timeout_rate" {
		s.bad = "timed out"
	}
	s.units = s.n
	s.trials = float64(s.n) / stats.MissEffect(&c.events, nil, a.confidence)
	if s.n > 0 {
		j.Observed = new(float64(s.k) / float64(s.n))
	}
	if c.o.Metric == "success_rate" {
		s.limit = new(big.Rat).Sub(big.NewRat(1, 1), s.limit)
		if s.n > 0 {
			j.Observed = new(float64(s.n-s.k) / float64(s.n))
		}
	}
	a.decide(j, s)
}

// judgeQuantile counts values that miss the threshold.
func (a report) judgeQuantile(c *counter, j *Judgement) {
	o := c.o
	s := share{k: min(c.k+a.worse, c.n) - min(a.asHits, c.k) + a.asMisses, n: c.n + a.asMisses, noun: requests, unit: requests,
		limit: new(big.Rat).Sub(big.NewRat(1, 1), o.Target.Rat), bad: missing(o)}
	s.trials, s.units = float64(s.n), s.n
	if o.Metric == "quality_score" && o.Errors != slo.ErrorsBad {
		s.noun = checked
	}
	if c.metric == itl || c.metric == chunkGap {
		s.noun, s.units = gaps, c.events.N+a.asMisses
		s.trials = c.events.EffectiveTrials() + float64(a.asMisses)
	}
	var values *stats.Sequence
	if c.metric >= 0 {
		values = &a.series[c.metric].means
	}
	s.trials /= stats.MissEffect(&c.events, values, a.confidence)
	switch q, ok := o.QuantileOf(); {
	case c.values == 0:
	case c.metric < 0: // no distribution is kept: the share itself
		j.Observed, j.Threshold = new(float64(s.n-s.k)/float64(s.n)), new(o.Target.Float64())
	case ok:
		// Failed requests that count as misses lie beyond every value: above
		// them for an upper limit, below them for a lower one.
		rank, beyond := stats.Rank(q, c.n), c.n-c.values
		if !o.Op.Upper() {
			rank -= min(rank, beyond)
		}
		if v, ok := a.series[c.metric].sketch.AtRank(rank); ok {
			j.Observed = new(round6(float64(v) / 1e6))
		}
	}
	a.decide(j, s)
	if s.n == 0 {
		j.unmeasured(a.why(c))
	}
}

// why says why a metric has no value.
func (a *Aggregator) why(c *counter) string {
	switch {
	case a.requests.Succeeded == 0:
		return "no request succeeded"
	case c.metric == ttft:
		return "no reply was streamed with a token"
	case c.metric == tpot, c.metric == itl, c.metric == chunkGap:
		return "no reply came in two or more chunks with tokens"
	case c.o.Metric == "quality_score":
		return "no reply was checked; the checks stand beside the prompts of the dataset"
	case c.o.Metric == "cost_per_request", c.o.Metric == "cost_per_token":
		return "no price is known"
	}
	return "no request has a " + c.o.Metric
}

// missing says in words where a bad value lies.
func missing(o slo.Objective) string {
	limit := o.Threshold.Text
	if strings.HasSuffix(o.Metric, "_ms") {
		limit += " ms"
	}
	switch o.Op {
	case slo.Less:
		return "at " + limit + " or more"
	case slo.LessEqual:
		return "above " + limit
	case slo.Greater:
		return "at " + limit + " or less"
	}
	return "below " + limit
}

func verdictIf(holds bool) Verdict {
	if holds {
		return Pass
	}
	return Fail
}

// judgeExtreme takes the maximum or minimum as it was seen.
func (a report) judgeExtreme(c *counter, j *Judgement) {
	s := &a.series[c.metric].sketch
	word := "greatest"
	v, ok := s.Max()
	if c.o.Statistic == slo.Min {
		word = "least"
		v, ok = s.Min()
	}
	if !ok {
		j.unmeasured(a.why(c))
		return
	}
	ms := float64(v) / 1e6
	j.N, j.Bad, j.Observed = c.values, new(c.k), new(round6(ms))
	j.Verdict = verdictIf(c.o.Op.Holds(cmp.Compare(ms, c.limit)) || a.asHits > 0 && a.asHits >= c.k)
	if j.Verdict == Pass && (a.asMisses > 0 || a.worse > 0) {
		j.Verdict = Inconclusive
	}
	what := requests
	if c.metric == itl || c.metric == chunkGap {
		what = gaps
	}
	j.Detail = fmt.Sprintf("the %s of %s, %d beyond the limit; as observed, no confidence applies", word, what.of(c.values), c.k)
}
