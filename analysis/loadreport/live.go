package loadreport

import (
	"maps"
	"time"
)

// Live is a snapshot for a progress line.
type Live struct {
	Requests       Requests
	Errors         map[string]int64
	RequestsPerSec float64 // succeeded, over the last seconds
	TokensPerSec   float64
	P50, P95       *time.Duration // latency; nil: no request succeeded yet
	TTFTp50        *time.Duration
}

// liveSpan is how far back the rates of a Live look.
const liveSpan = 5 * time.Second

// Live is what is known at the time now. It costs some 50 microseconds.
func (a *Aggregator) Live(now time.Time) Live {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := Live{Requests: a.requests, Errors: maps.Clone(a.errors)}
	if sum, d := a.line.recent(now, liveSpan); d > 0 {
		l.RequestsPerSec = float64(sum.succeeded) / d.Seconds()
		l.TokensPerSec = float64(sum.tokens) / d.Seconds()
	}
	at := func(metric int, q float64) *time.Duration {
		v, ok := a.series[metric].sketch.Quantile(q)
		if !ok {
			return nil
		}
		return new(time.Duration(v))
	}
	l.P50, l.P95, l.TTFTp50 = at(latency, 0.5), at(latency, 0.95), at(ttft, 0.5)
	return l
}
