package load

import "sync/atomic"

// Gauge counts the requests on their way. The zero value is ready.
type Gauge struct {
	inFlight, peak, sent atomic.Int64
}

// InFlight is the number of requests sent and not ended.
func (g *Gauge) InFlight() int64 { return g.inFlight.Load() }

// Peak is the largest number of requests that were in flight at once.
func (g *Gauge) Peak() int64 { return g.peak.Load() }

// Sent is the number of requests sent, warm-up included.
func (g *Gauge) Sent() int64 { return g.sent.Load() }

func (g *Gauge) enter() {
	g.sent.Add(1)
	n := g.inFlight.Add(1)
	for {
		p := g.peak.Load()
		if n <= p || g.peak.CompareAndSwap(p, n) {
			return
		}
	}
}

func (g *Gauge) leave() { g.inFlight.Add(-1) }
