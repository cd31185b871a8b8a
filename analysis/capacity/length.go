package capacity

import (
	"math"
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
	// relaxations is for how many of the times in which a queue forgets where it began
	// a probe lasts: about as many independent values it has of a latency.
	relaxations = 12
)

// Length is how long a probe of a load is to be measured for the objectives: until
// 150 requests can have missed the limit of the tightest of them (3000 for a p95),
// within 10 s and 90 s. For up to 5 minutes it also lasts for ten times
// the latency without load, and for twelve times that in which a queue at the limit
// forgets where it began, 4/(load d²) for one that is a share d below its capacity
// (reflected Brownian motion; Abate and Whitt 1987). d is what
// the mean wait at the limit makes it, 1/(wait load), and no less than the
// tolerance: for what is nearer than that it lasts until a load that is 2.5 % too high
// has brought the latency from there to its limit, forty times what is between.
// load is in requests a second; 0: not known.
func Length(objectives []slo.Objective, load float64, idle Idle) time.Duration {
	tail, room, least := 0.05, 0.0, time.Duration(0)
	for _, o := range objectives {
		if wait, ok := waiting(o, idle); ok {
			room = max(room, limit(o)-idle.of(o).Seconds())
			if load > 0 && wait > 0 {
				d := max(1/(wait*load), DefaultTolerance)
				least = max(least, seconds(relaxations*4/(load*d*d)))
			}
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
		d = max(shortest, min(seconds(misses/max(tail, 1e-9)/load), longest))
	}
	least = max(least, ofLatency*idle.Latency, seconds(room*2/DefaultTolerance))
	return max(d, min(least, longestAny)).Round(time.Millisecond)
}

// seconds is s as a time, at most a day.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 86400) * float64(time.Second))
}

// Idle is the service without load: means, 0 where they are not known.
type Idle struct{ Latency, TTFT time.Duration }

// of is what an objective on latency or TTFT would observe then.
func (i Idle) of(o slo.Objective) time.Duration {
	if o.Metric == "ttft_ms" {
		return i.TTFT
	}
	return i.Latency
}

// limit is that of a latency, in seconds.
func limit(o slo.Objective) float64 { return o.Threshold.Float64() / 1000 }

// waiting is the mean time, in seconds, that requests wait where an objective on
// latency or TTFT is at its limit. The wait is exponential where it is long
// (Kingman 1961): its mean is the room that a quantile q has over ln(1/(1-q)).
// False for other objectives.
func waiting(o slo.Objective, idle Idle) (float64, bool) {
	if o.Metric != "latency_ms" && o.Metric != "ttft_ms" || !o.Op.Upper() {
		return 0, false
	}
	room := max(limit(o)-idle.of(o).Seconds(), 0)
	switch {
	case o.Statistic == slo.Mean:
		return room, true
	case o.Statistic == slo.Quantile && o.Target.Given() && o.Target.Float64() >= 0.5:
		return room / max(-math.Log1p(-o.Target.Float64()), 1), true
	}
	return 0, false
}

// WarmUp is how long a probe runs before it is measured: a fifth of its length,
// and three times the latency without load if that is longer, but never longer
// than what is measured.
func WarmUp(length, idle time.Duration) time.Duration {
	return min(max(length/5, 3*idle), length).Round(time.Millisecond)
}

// Unseen is the share by which a load may be above what the service can do without a
// probe of a length, warm-up included, showing it: what piles up must bring the
// latency from that without load to its limit, and of a share x too much
// that takes the time between, over x.
func Unseen(objectives []slo.Objective, length time.Duration, idle Idle) float64 {
	room := math.Inf(1)
	for _, o := range objectives {
		if _, ok := waiting(o, idle); ok {
			room = min(room, max(limit(o)-idle.of(o).Seconds(), 0))
		}
	}
	if math.IsInf(room, 1) || length <= 0 {
		return 0
	}
	return min(room/length.Seconds(), 0.5)
}

// Fill is how many requests a probe sends at once at its start, for as many to be
// in flight as there are at the limit of its objectives. A queue that is nearly full
// takes many times the length of a probe to fill from nothing, and until then a load
// above the capacity looks as if it kept them. At the limit itself a probe that
// begins there is as slow at its start as in the long run; above, it is still on its
// way up, below, on its way down: each on the side of the limit where it belongs.
// By Little's law it is the load times the wait; the objective with the least counts.
// 0 without one on latency or TTFT.
func Fill(objectives []slo.Objective, load float64, idle Idle) int {
	fill := math.Inf(1)
	for _, o := range objectives {
		if wait, ok := waiting(o, idle); ok {
			fill = min(fill, load*wait)
		}
	}
	if fill >= math.MaxInt32 { // none, or no limit in effect
		return 0
	}
	return int(fill)
}
