package capacity

import (
	"llmops/analysis/stats"
	"llmops/rules/slo"
)

// Effect is that of Probe, for an objective whose clusters are requests in the order
// of the schedule: each with how many of its values missed the limit and how many it
// has, or for a mean with their sum and number. It is the variance of the share that
// the search goes by over that of weight independent requests, share(1-share)/weight;
// at least 1.
//
// The share of a mean m with limit t is m/(m+t), or 1 less that, whose variance is by
// linearisation that of m times t²/(m+t)⁴.
func Effect(o slo.Objective, s *stats.Sequence, weight, confidence float64) float64 {
	at, ok := s.Estimate()
	v, known := s.Variance()
	if !ok || !known {
		return 1
	}
	effect, _ := s.DesignEffect(confidence)
	v *= effect
	if o.Statistic == slo.Mean {
		t := o.Threshold.Float64()
		if !(at > 0 && t > 0) {
			return 1
		}
		return max(v*weight*t/(at*(at+t)*(at+t)), 1)
	}
	if !(at > 0 && at < 1) {
		return 1
	}
	return max(v*weight/(at*(1-at)), 1)
}
