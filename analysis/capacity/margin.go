package capacity

import (
	"math"

	"llmops/rules/slo"
)

// Margin is how far an observed value is from its limit, at most 1: below 0 the
// objective is kept. upper tells that the limit is one from above, such as that
// of a latency. share is for limits on shares, where nothing is observed often
// and is not far from a small limit.
//
// For an upper limit it is 1 - limit/observed, for a lower one 1 - observed/limit;
// for shares the difference over the larger of both.
func Margin(observed, limit float64, upper, share bool) float64 {
	if !upper {
		observed, limit = limit, observed
	}
	m := 0.0
	switch {
	case observed == limit:
	case share:
		m = (observed - limit) / max(observed, limit)
	default:
		m = 1 - limit/observed
	}
	if math.IsNaN(m) {
		return 1
	}
	return min(max(m, -farthest), 1)
}

// farthest bounds margins from below.
const farthest = 1e3

// Of is the margin of an objective whose value and limit are as a load test
// reports them: the metric, or the share of what is good and its target.
func Of(o slo.Objective, observed, limit float64) float64 {
	switch {
	case o.Method.Sliced(), o.Metric == "quality_score" && o.Statistic == slo.Quantile, o.Metric == "success_rate":
		return Margin(1-observed, 1-limit, true, true)
	case o.Statistic == slo.Ratio:
		return Margin(observed, limit, o.Op.Upper(), true)
	}
	return Margin(observed, limit, o.Op.Upper(), false)
}

// Floor tells whether an objective asks for much of what more load brings, such
// as "requests_per_second >= 50": a light load breaks it and says nothing of the
// service. It is no limit to the search, but must hold at its end.
func Floor(o slo.Objective) bool {
	switch o.Metric {
	case "requests_per_second", "tokens_per_second", "goodput", "concurrent_requests":
		return !o.Op.Upper()
	}
	return false
}

// SpeaksOfErrors tells whether an objective limits failed requests.
func SpeaksOfErrors(o slo.Objective) bool {
	return o.Statistic == slo.Ratio || o.Errors == slo.ErrorsBad
}

// MostFailed is the share of failed requests above which a service does not
// carry a load, where no objective speaks of errors: one that turns away what is
// too much for it would otherwise carry any.
const MostFailed = 0.02
