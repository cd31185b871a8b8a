// Package capacity finds the highest load at which a service keeps its
// objectives. It is a search that is told what each probe of the service gave
// and says what to ask next: a pure state machine. It sends nothing, reads no
// clock and judges no objective itself; a probe comes with its verdict.
//
// # Method
//
// Each probe gives one number, its margin: how far the objective that is nearest
// to breaking is from its limit (Margin). For a latency T with limit t it is
// 1 - t/T. In heavy traffic T grows as 1/(capacity - load) (Kingman 1961), exactly
// so for every quantile of an M/M/1 queue, which makes the margin a straight line
// in the load: below 0 it keeps the objective, 0 is the capacity, 1 saturation.
//
// The search grows the load until the margin is positive, closes in between the
// two sides, and then measures around the crossing. The shares of requests that
// missed the objective in the probes near the limit are joined by a logistic curve
// (quasi-likelihood, Wedderburn 1974), whose crossing of the share that is allowed is
// the capacity and whose interval is that of inverse regression (Fieller 1954); of means,
// which have no share, it is the margin that is a straight line. So noise of one probe
// is not taken for the knee, and the whole search, not one lucky probe, bears the
// result. Where the curve has no such stretch, as at a cliff, the bracket of a probe
// that passed and one that failed is the interval.
package capacity

import (
	"math"

	"llmops/analysis/stats"
)

// Verdict is that on one probe.
type Verdict string

// The verdicts. Inconclusive probes count by their margin; Invalid ones, whose
// client could not keep up, say nothing of the service.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Invalid      Verdict = "invalid"
)

// The defaults of Config.
const (
	DefaultTolerance  = 0.05
	DefaultMaxProbes  = 12
	DefaultConfidence = 0.95
)

// Config says what to search and how well. Zeros are the defaults.
type Config struct {
	// Start is the load of the first probe, above 0: one that the service is
	// expected to carry.
	Start float64
	// Min and Max bound the load; Max 0 is no bound.
	Min, Max float64
	// Whole loads are numbers of requests in flight, not rates.
	Whole bool
	// Idle is the margin without load, if it was measured: while probes stay near
	// it the load grows faster.
	Idle *float64

	Tolerance  float64 // relative half width of the interval at which the search ends
	MaxProbes  int
	Confidence float64 // of the interval, two-sided
}

// Probe is what one stretch of load gave.
type Probe struct {
	Load float64 // as it was asked
	// Offered is the load that really came, which random arrivals make a little
	// more or less; 0: as asked.
	Offered float64
	Verdict Verdict
	// Margin is the largest of the objectives' margins.
	Margin float64
	// Share is how many of the requests missed the objective of Margin, from 0 to 1,
	// and Allowed how many may; where that is not above 0 the margin tells both.
	Share, Allowed float64
	// Effect is how many times larger the variance of Share is than if requests did
	// not resemble each other; below 1 counts as 1.
	Effect float64
	// Unseen is the share by which the load may be above what the service can do
	// without the probe showing it, since it ended before (Unseen).
	Unseen float64
	// Weight is how many requests stand behind Margin; 0 counts as 1.
	Weight float64
	// Diverged tells that requests piled up for as long as they were sent. Then
	// Completed, if above 0, is about how many a second were done: all that the
	// service can do, so that the search need not look above it.
	Diverged  bool
	Completed float64
}

// point is where a probe stands in the plane of load and margin. A queue that
// grows without end has margin 1.
func (p Probe) point() point {
	pt := point{x: p.Load, y: min(p.Margin, 1), w: max(p.Weight, 1), asked: p.Load, effect: max(p.Effect, 1)}
	if p.Offered > 0 {
		pt.x = p.Offered
	}
	if p.Diverged {
		pt.y = 1
	}
	if pt.share, pt.allowed = p.Share, p.Allowed; !(p.Allowed > 0 && p.Allowed < 1) {
		pt.share, pt.allowed, pt.ofMean = 1/(2-pt.y), 0.5, true // an observed value over itself and its limit
	}
	return pt
}

// Ended says why a search is over.
type Ended string

// The reasons.
const (
	Converged Ended = "converged" // the interval is as narrow as was asked
	Exhausted Ended = "probes"    // no probe is left
	AtMax     Ended = "max"       // the objectives hold at the greatest load that was allowed
	AtMin     Ended = "min"       // they are broken at the least
	ByClient  Ended = "client"    // the client could not make more load
	Stopped   Ended = "stopped"   // by the caller
)

// Estimate is what the probes say.
type Estimate struct {
	// Load is the greatest that keeps the objectives; nil: none was found.
	Load *float64
	// Low is the greatest load that is shown to keep them, High the least that is
	// shown to break them; nil: none was.
	Low, High *float64
	Ended     Ended
}

// Found tells whether there is a figure.
func (e Estimate) Found() bool { return e.Load != nil }

func (c Config) withDefaults() Config {
	if c.Tolerance <= 0 {
		c.Tolerance = DefaultTolerance
	}
	if c.MaxProbes <= 0 {
		c.MaxProbes = DefaultMaxProbes
	}
	if c.Confidence <= 0 || c.Confidence >= 1 {
		c.Confidence = DefaultConfidence
	}
	if c.Max <= 0 {
		c.Max = math.Inf(1)
	}
	return c
}

// student is the two-sided quantile of Student's t; with many degrees of freedom it
// is that of the normal distribution.
func (c Config) student(df int) float64 { return stats.StudentT(1-(1-c.Confidence)/2, float64(df)) }
