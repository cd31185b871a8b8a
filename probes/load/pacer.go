package load

import (
	"context"
	"runtime"
	"time"
)

// pacer waits for absolute times on the monotonic clock. It never carries an
// error from one wait to the next: each deadline stands by itself, so a late
// wake-up is followed by an on-time one.
type pacer struct {
	sleep func(time.Time) // coarse wait that may end a little early or late
}

// spin is how long before the deadline the coarse wait ends; the rest is spent
// polling the clock. Timers and nanosleep wake tens of microseconds late, and
// a core burnt for 60 µs a request is what punctuality costs.
const spin = 60 * time.Microsecond

// sliceOfWait bounds one coarse wait so that a cancelled run stops at once.
const sliceOfWait = 20 * time.Millisecond

// newPacer locks the calling goroutine to its thread, which the precise wait
// needs, and adds a processor to the runtime for it: else, when it wakes, it would
// queue behind every goroutine that is ready, and with the system's scheduler it
// need not. release undoes both.
func newPacer() (p *pacer, release func()) {
	procs := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(procs + 1)
	runtime.LockOSThread()
	return &pacer{sleep: sleepUntil}, func() {
		runtime.UnlockOSThread()
		runtime.GOMAXPROCS(procs)
	}
}

// until returns at the deadline or when ctx ends, whichever is first, and tells
// which: false means cancelled.
func (p *pacer) until(ctx context.Context, deadline time.Time) bool {
	for {
		if ctx.Err() != nil {
			return false
		}
		left := time.Until(deadline)
		switch {
		case left <= 0:
			return true
		case left <= spin:
			// The runtime must not be starved on a machine with few cores.
			runtime.Gosched()
		case left > sliceOfWait:
			p.sleep(time.Now().Add(sliceOfWait))
		default:
			p.sleep(deadline.Add(-spin))
		}
	}
}
