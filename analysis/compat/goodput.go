package compat

import "llmops/analysis/loadreport"

// keeps holds what one tool measured of a request (ms; nil: nothing) against limits.
// determined is false when a limit is on what was not measured. At a limit a request
// is good, for every tool.
func keeps(l loadreport.Limits, ttft, tpot, latency *float64) (good, determined bool) {
	good, determined = true, true
	for _, x := range [...]struct{ limit, value *float64 }{{l.TTFT, ttft}, {l.TPOT, tpot}, {l.Latency, latency}} {
		switch {
		case x.limit == nil:
		case x.value == nil:
			determined = false
		case *x.value > *x.limit:
			good = false
		}
	}
	return good, determined
}

// limited tells whether there is any limit.
func limited(l loadreport.Limits) bool { return l != (loadreport.Limits{}) }

// measured is v as keeps takes it.
func measured(v float64, ok bool) *float64 {
	if !ok {
		return nil
	}
	return &v
}
