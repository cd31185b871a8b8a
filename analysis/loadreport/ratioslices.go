package loadreport

import (
	"fmt"
	"math"
	"math/big"

	"llmops/analysis/stats"
	"llmops/rules/slo"
)

// shares is the mean of the shares of good events of slices, each slice alike.
type shares struct {
	means   stats.Sequence // one cluster a slice
	inverse float64        // sum of 1/events
	missed  uint64         // slices with a bad event
}

// add takes slice i, of which so many of n events were bad.
func (s *shares) add(i int, bad, n int64) {
	s.means.Add(uint64(i), float64(n-bad)/float64(n), 1)
	s.inverse += 1 / float64(n)
	if bad > 0 {
		s.missed++
	}
}

// bounds are the one-sided bounds of the mean: the wider of two at either end.
// One is Student's t over the slices, with the design effect of their order. It
// knows nothing of slices that happen to be alike, without any bad event say;
// so the other is the exact binomial one of the events. In the mean an event
// weighs 1/(slices*events of its slice), which makes all of them worth
// slices^2/sum(1/events) events of equal weight (Kish 1965).
func (s *shares) bounds(confidence float64) (mean, low, high float64) {
	mean, _ = s.means.Estimate()
	n := float64(s.means.N)
	worth := n * n / s.inverse
	bad := (1 - mean) * worth
	low = 1 - stats.UpperBound(uint64(math.Ceil(bad-1e-9)), uint64(worth+1e-9), confidence)
	high = 1 - stats.LowerBound(uint64(math.Floor(bad+1e-9)), uint64(math.Ceil(worth-1e-9)), confidence)
	l, h, ok := s.means.Bounds(confidence)
	if !ok { // one slice tells nothing about others
		return mean, 0, 1
	}
	return mean, max(min(low, l), 0), min(max(high, h), 1)
}

// judgeRatioSlices judges the mean of the slices' shares of good events.
func (a report) judgeRatioSlices(c *counter, j *Judgement) {
	o := c.o
	var s shares
	whole := a.wholeSlices(c)
	for i, b := range whole {
		switch valid := b.succeeded + b.failed; {
		case valid >= max(int64(o.MinEvents), 1):
			s.add(i, b.failed, valid)
		case a.waited(i, o):
			s.add(i, 1, 1)
		}
	}
	if c.line != nil && a.asMisses > 0 { // all were cut at once: in one slice
		s.add(len(whole), 1, 1)
	}
	if a.worse > 0 || a.asHits > 0 { // in which slices is not known
		j.Verdict = Inconclusive
		return
	}
	n := s.means.N
	j.Threshold, j.SliceS, j.N = new(o.Target.Float64()), o.Slice.Seconds(), n
	if n > 0 {
		a.decideShares(j, &s, o)
	}
	j.checkSlices(c, n)
}

func (a report) decideShares(j *Judgement, s *shares, o slo.Objective) {
	n, limit := s.means.N, o.Target.Float64()
	what := slicesOf(slo.FormatDuration(o.Slice))
	mean, low, high := s.bounds(a.confidence)
	j.Observed = new(round6(mean))
	if o.Target.Rat.Cmp(big.NewRat(1, 1)) == 0 { // no sample can show that nothing ever fails
		j.Verdict = verdictIf(s.missed == 0)
		j.Detail = fmt.Sprintf("%d of %s with a miss; by the count itself", s.missed, what.of(n))
		return
	}
	j.Detail = fmt.Sprintf("mean of %s is %s; at %s confidence on each side the true mean is from %s to %s",
		what.of(n), pct(mean), pct(a.confidence), pct(low), pct(high))
	switch {
	case low >= limit:
		j.Verdict = Pass
	case high < limit:
		j.Verdict = Fail
	case n == 1:
		j.Verdict, j.MoreNeeded = Inconclusive, new(uint64(1))
		j.Detail = fmt.Sprintf("the share of one slice is %s: at least two slices are needed for a spread", pct(mean))
	default:
		j.Verdict = Inconclusive
		// The interval shrinks with the root of n, or faster.
		ratio := (mean - low) / (mean - limit)
		if mean < limit {
			ratio = (high - mean) / (limit - mean)
		}
		more := float64(n) * (ratio*ratio - 1)
		if !(more <= 1e9) {
			j.Detail += ": not decided, and too near to the limit for any number of slices"
			return
		}
		j.MoreNeeded = new(uint64(max(math.Ceil(more), 1)))
		j.Detail += fmt.Sprintf(": not decided, about %s would decide if mean and spread held", slice.more(*j.MoreNeeded))
	}
}
