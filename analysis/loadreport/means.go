package loadreport

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"llmops/analysis/stats"
	"llmops/rules/slo"
)

// Throughput is judged by its mean over equal slices of the window (batch
// means). Slices shorter than a request would be anything but independent, and
// with more than some twenty the gain is small (Schmeiser 1982).
const (
	leastSlices = 5
	mostSlices  = 20
	// few requests may fall into slices evenly by chance: the spread over slices
	// does not tell all then.
	few = 40
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
	if math.IsNaN(low + high) { // less than any limit
		j.Verdict, j.Detail = Inconclusive, fmt.Sprintf("the spread of %s is beyond all numbers", what.of(n))
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
	a.judgeBounds(j, c.o, scores.N, checked, mean, func(confidence float64) (low, high float64, ok bool) {
		return scoreBounds(&scores, mean, confidence)
	})
}

// fewOfAKind is how many passes or misses it takes for a mean score to be near
// enough to a normal distribution.
const fewOfAKind = 10

// scoreBounds are the one-sided bounds of a mean score, by Student's t. That knows
// nothing of scores that happen to be alike, all of them full say, and little of a
// few bad ones among these. So with few of either kind the bounds are no narrower than
// the exact binomial ones, of as many passes and misses as have the mean and the
// variance of the scores: for scores of 0 and 1 these are the replies themselves.
func scoreBounds(scores *stats.Sequence, mean, confidence float64) (low, high float64, ok bool) {
	low, high, ok = scores.Bounds(confidence)
	if !ok {
		return low, high, false
	}
	n, worth := float64(scores.N), float64(scores.N)
	if v, known := scores.Variance(); known && v > 0 && mean > 0 && mean < 1 {
		effect, _ := scores.DesignEffect(confidence)
		worth = mean * (1 - mean) / v / effect * n / (n - 1)
	} else if mean > 0 && mean < 1 {
		return low, high, true // graded, and all alike
	}
	bad := (1 - mean) * worth
	if min(bad, worth-bad) >= fewOfAKind {
		return low, high, true
	}
	low = min(low, 1-stats.UpperBound(uint64(math.Ceil(bad-1e-9)), uint64(worth+1e-9), confidence))
	high = max(high, 1-stats.LowerBound(uint64(math.Floor(bad+1e-9)), uint64(math.Ceil(worth-1e-9)), confidence))
	return max(low, 0), min(high, 1), true
}

// judgeRate judges what was done per second.
func (a report) judgeRate(c *counter, j *Judgement) {
	t := a.throughput()
	value := func(b bin) int64 { return b.succeeded }
	observed, count := t.RequestsPerSecond, a.requests.Succeeded
	switch c.o.Metric {
	case "tokens_per_second":
		value, observed, count = func(b bin) int64 { return b.tokens }, t.TokensPerSecond, a.completionN
	case "goodput":
		value, observed, count = func(b bin) int64 { return b.good }, t.Goodput, a.good
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
	each := 1 / w.Seconds() // what one more of them adds
	if count > 0 {
		each = over.Mean / float64(count)
	}
	// An even schedule has no spread, and its count is known to one request all the
	// same: the window may begin or end just before the next.
	least, most := float64(count-1), float64(count+1)
	if count < few {
		least, most = poisson(count, a.confidence)
	}
	a.judgeBounds(j, c.o, over.N, slicesOf(short(w/time.Duration(k))), over.Mean, func(confidence float64) (low, high float64, ok bool) {
		low, high, ok = over.Bounds(confidence)
		return max(min(low, least*each), 0), max(high, most*each), ok
	})
	if count < few {
		j.Detail += fmt.Sprintf("; no narrower than a count of %d allows", count)
	}
	j.Observed = observed
}

// poisson are the exact one-sided bounds of the mean of a Poisson distribution of
// which n were seen, through the chi-square distribution (Garwood 1936).
func poisson(n int64, confidence float64) (low, high float64) {
	if n > 0 {
		low = mathext.GammaIncRegInv(float64(n), 1-confidence)
	}
	return low, mathext.GammaIncRegInv(float64(n)+1, confidence)
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
