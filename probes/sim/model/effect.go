package model

import (
	"math"
	"math/bits"
	"time"
)

// bucket is the state of one rate limit.
type bucket struct {
	tokens float64
	at     time.Duration
}

// picks tells whether fault i acts on request id at t. The share depends on
// the request's number alone, so a run can be repeated.
func (e *Engine) picks(i int, id ID, t time.Duration) bool {
	f := &e.cfg.Faults[i]
	if !f.active(t) {
		return false
	}
	return f.P == 0 || f.P == 1 || share(e.cfg.Seed, uint64(i), uint64(id)) < f.P
}

// share is a uniform number in [0, 1), a function of its arguments: the
// finalizer of SplitMix64 (Steele, Lea, Flood 2014) over their mixture.
func share(seed, fault, id uint64) float64 {
	z := seed*0x9e3779b97f4a7c15 + bits.RotateLeft64(id*0xd1b54a32d192ed03, 17) + (fault+1)*0x8cb92ba72f3d8dd7
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}

// refusal is the fault that turns request id away at t, if any, and for how
// long.
func (e *Engine) refusal(id ID, t time.Duration) (*Fault, time.Duration) {
	for i := range e.cfg.Faults {
		f := &e.cfg.Faults[i]
		if f.Kind != HTTPError && f.Kind != RateLimit || !e.picks(i, id, t) {
			continue
		}
		if f.Kind == HTTPError {
			return f, f.RetryAfter
		}
		b := &e.buckets[i]
		b.tokens = min(float64(f.Burst), b.tokens+f.Rate*(t-b.at).Seconds())
		b.at = t
		if b.tokens < 1 {
			return f, time.Duration((1 - b.tokens) / f.Rate * float64(time.Second))
		}
		b.tokens--
	}
	return nil, 0
}

// slow is the factor on a prefill or decode time that begins at t.
func (e *Engine) slow(kind FaultKind, id ID, t time.Duration) float64 {
	factor := 1.0
	for i := range e.cfg.Faults {
		f := &e.cfg.Faults[i]
		if f.Kind != kind && f.Kind != LatencyCreep || !e.picks(i, id, t) {
			continue
		}
		if f.Kind == LatencyCreep {
			factor *= 1 + f.Rate*(t-f.From).Minutes()
		} else {
			factor *= f.Factor
		}
	}
	return factor
}

// stall is the extra pause before token number n (from 0) of request id.
func (e *Engine) stall(id ID, n int, t time.Duration) (pause time.Duration) {
	for i := range e.cfg.Faults {
		if f := &e.cfg.Faults[i]; f.Kind == Stall && f.After == n && e.picks(i, id, t) {
			pause += f.Duration
		}
	}
	return pause
}

// cut is the fault that ends request id instead of its token number n.
func (e *Engine) cut(id ID, n int, t time.Duration) *Fault {
	for i := range e.cfg.Faults {
		f := &e.cfg.Faults[i]
		if (f.Kind == StreamError || f.Kind == Truncate || f.Kind == Reset) && f.After == n && e.picks(i, id, t) {
			return f
		}
	}
	return nil
}

// hangs tells whether request id never gets a reply. It asks for the moment of
// the arrival, so that the answer stays the same.
func (e *Engine) hangs(id ID, arrive time.Duration) bool {
	for i := range e.cfg.Faults {
		if e.cfg.Faults[i].Kind == Hang && e.picks(i, id, arrive) {
			return true
		}
	}
	return false
}

// leaked is the GPU memory lost until t, at most all that is not weights.
func (e *Engine) leaked(t time.Duration) (mib float64) {
	for i := range e.cfg.Faults {
		f := &e.cfg.Faults[i]
		if f.Kind != GPULeak || t <= f.From {
			continue
		}
		active := t - f.From
		if f.For > 0 {
			active = min(active, f.For)
		}
		mib += f.Rate * active.Seconds()
	}
	return min(mib, e.cfg.GPUMemoryMiB-e.cfg.WeightsMiB)
}

// leak takes from the KV cache what the leak needs beyond the spare memory,
// and returns the number of blocks that can still be had.
func (e *Engine) leak(t time.Duration) int {
	c := &e.cfg
	over := e.leaked(t) - (c.GPUMemoryMiB - c.WeightsMiB - c.KVMemoryMiB)
	if over <= 0 {
		return c.KVBlocks
	}
	gone := min(c.KVBlocks, int(math.Ceil(over/c.KVMemoryMiB*float64(c.KVBlocks))))
	e.kv.lose(gone)
	return c.KVBlocks - gone
}

func scale(d time.Duration, factor float64) time.Duration {
	if factor == 1 {
		return d
	}
	return time.Duration(min(math.Round(float64(d)*factor), float64(maxTime)))
}
