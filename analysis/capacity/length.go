package capacity

import (
	"time"

	"llmops/rules/slo"
)

const (
	misses   = 150 // requests over a limit that is just kept, for their share to be known to a twelfth where they are independent
	shortest = 10 * time.Second
	longest  = 90 * time.Second
	// ofLatency is how many times the latency without load a probe lasts at least,
	// for requests to meet all that the load makes of the service.
	ofLatency  = 10
	longestAny = 5 * time.Minute
)

// Length is how long a probe of a load is to be measured for the objectives: until
// 150 requests can have missed the limit of the tightest of them (3000 for a p95),
// within 10 s and 90 s. For up to 5 minutes it also lasts for ten times
// the latency without load, and until a load that is 1.25 % too high has brought the
// latency from there to its limit: eighty times what is between.
// load is in requests a second; 0: not known.
func Length(objectives []slo.Objective, load float64, idle time.Duration) time.Duration {
	tail, room := 0.05, time.Duration(0)
	for _, o := range objectives {
		if (o.Metric == "latency_ms" || o.Metric == "ttft_ms") && o.Op.Upper() {
			room = max(room, time.Duration(o.Threshold.Float64()*float64(time.Millisecond)))
		}
		switch {
		case Floor(o):
		case o.Statistic == slo.Quantile && o.Target.Given():
			tail = min(tail, 1-o.Target.Float64())
		case o.Statistic == slo.Ratio && o.Op.Upper():
			tail = min(tail, o.Threshold.Float64())
		case o.Statistic == slo.Ratio:
			tail = min(tail, 1-o.Threshold.Float64())
		}
	}
	d := shortest
	if load > 0 {
		d = longest
		if s := misses / max(tail, 1e-9) / load; s < longest.Seconds() {
			d = max(shortest, time.Duration(s*float64(time.Second)))
		}
	}
	filling := time.Duration(float64(room-idle) * 4 / DefaultTolerance)
	return max(d, min(max(ofLatency*idle, filling), longestAny)).Round(time.Millisecond)
}

// WarmUp is how long a probe runs before it is measured: a fifth of its length,
// and three times the latency without load if that is longer, but never longer
// than what is measured.
func WarmUp(length, idle time.Duration) time.Duration {
	return min(max(length/5, 3*idle), length).Round(time.Millisecond)
}
