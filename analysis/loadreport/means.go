package loadreport

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"llmops/rules/slo"
)

// Throughput is judged by its mean over equal slices of the window (batch
// means). Slices shorter than a request would be anything but independent, and
// with more than some twenty the gain is small (Schmeiser 1982).
const (
	leastSlices = 5
	mostSlices  = 20
)

// judgeBounds judges a mean by its one-sided bounds.
func (a report) judgeBounds(j *Judgement, o slo.Objective, n uint64, what noun, mean float64, bounds func(float64) (float64, float64, bool)) {
	j.N = n
	if n == 0 {
		j.unmeasured("no " + what.many)
		return
	}
	j.Observed = new(round6(mean))
	low, high, ok := bounds(a.confidence)
	if !ok {
		j.Verdict, j.Detail = Inconclusive, fmt.Sprintf("%s: at least two are needed for a spread", what.of(n))
		return
	}
	limit := o.Threshold.Float64()
	best, worst := low, high
	if !o.Op.Upper() {
		best, worst = high, low
	}
	holds := func(v float64) bool { return o.Op.Holds(cmp.Compare(v, limit)) }
	j.Detail = fmt.Sprintf("mean of %s, between %.6g and %.6g at %s confidence on each side", what.of(n), low, high, pct(a.confidence))
	switch {
	case holds(worst):
		j.Verdict = Pass
	case !holds(best):
		j.Verdict = Fail
	default:
		j.Verdict = Inconclusive
		if mean == limit {
			j.Detail += ": the mean is at the limit"
			return
		}
		// The interval shrinks with the root of n.
		ratio := (high - low) / 2 / math.Abs(mean-limit)
		need := float64(n)*ratio*ratio - float64(n)
		if need > 1e9 {
			j.Detail += ": the mean is too near to the limit for any number of them"
			return
		}
		j.MoreNeeded = new(uint64(max(math.Ceil(need), 1)))
		j.Detail += fmt.Sprintf(": not decided, about %s would decide if mean and spread held", what.more(*j.MoreNeeded))
	}
}

func (a report) judgeMean(c *counter, j *Judgement) {
	s := &a.series[c.metric]
	if s.sketch.Count() == 0 {
		j.unmeasured(a.why(c))
		return
	}
	means := s.means
	if a.asMisses > 0 {
		means.Merge(c.cut)
	}
	mean, _ := means.Estimate()
	// Gaps of one request resemble each other: the requests are the sample.
	a.judgeBounds(j, c.o, means.N, requests, mean-a.sooner, func(confidence float64) (low, high float64, ok bool) {
		low, high, ok = means.Bounds(confidence)
		return low - a.sooner, high - a.sooner, ok
	})
	j.N = s.sketch.Count()
}

func (a report) judgeQuality(c *counter, j *Judgement) {
	scores := a.quality
	if a.asMisses > 0 {
		worst := 0.0
		if c.o.Op.Upper() {
			worst = 1
		}
		for range a.asMisses {
			scores.Ratio.Add(worst, 1)
		}
	}
	mean, ok := scores.Estimate()
	if !ok {
		j.unmeasured(a.why(c))
		return
	}
	a.judgeBounds(j, c.o, scores.N, checked, mean, scores.Bounds)
}

// judgeRate judges what was done per second.
func (a report) judgeRate(c *counter, j *Judgement) {
	t := a.throughput()
	value := func(b bin) int64 { return b.succeeded }
	observed := t.RequestsPerSecond
	switch c.o.Metric {
	case "tokens_per_second":
		value, observed = func(b bin) int64 { return b.tokens }, t.TokensPerSecond
	case "goodput":
		value, observed = func(b bin) int64 { return b.good }, t.Goodput
	}
	switch {
	case observed == nil && c.o.Metric == "goodput" && len(a.limits) == 0:
		j.unmeasured("goodput needs an objective on the latency, TTFT or TPOT of a request")
		return
	case observed == nil:
		j.unmeasured("the run has no " + c.o.Metric)
		return
	}
	w := a.measured()
	length := max(a.line.width, firstBin)
	if m := a.median(latency); m != nil {
		length = max(length, *m)
	}
	k := int(min(w/length, mostSlices))
	j.Observed, j.N, j.SliceS = observed, uint64(k), round6(max(w/time.Duration(max(k, 1)), length).Seconds())
	if k < leastSlices {
		j.Verdict, j.MoreNeeded = Inconclusive, new(uint64(leastSlices-k))
		j.Detail = fmt.Sprintf("the run of %s is shorter than %d slices of a median request (%s): run for %s at least",
			short(w), leastSlices, short(length), short(leastSlices*length))
		return
	}
	over := a.line.rates(a.begin(), a.end(), k, value)
	a.judgeBounds(j, c.o, over.N, slicesOf(short(w/time.Duration(k))), over.Mean, over.Bounds)
	j.Observed = observed
}

// judgeValue judges what has no spread in one run.
func (a report) judgeValue(c *counter, j *Judgement) {
	var v *float64
	switch cost := a.cost(); {
	case c.o.Metric == "concurrent_requests":
		v = a.throughput().Concurrency
	case cost == nil:
	case c.o.Metric == "cost_per_request":
		v = cost.PerRequestUSD
	case cost.Per1kTokensUSD != nil:
		v = new(*cost.Per1kTokensUSD / 1000)
	}
	if v == nil {
		j.unmeasured(a.why(c))
		return
	}
	j.N, j.Observed = uint64(a.requests.Succeeded), v
	j.Verdict = verdictIf(c.o.Op.Holds(cmp.Compare(*v, c.limit)))
	j.Detail = fmt.Sprintf("one value for %s; as observed, no confidence applies", succeeded.of(j.N))
}
