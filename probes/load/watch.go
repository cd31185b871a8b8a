package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"llmops/probes/request"
)

// limit is a limit of the client that ended a request: the cause with which
// the request's context is cancelled.
type limit struct {
	class request.Class
	after time.Duration
}

func (l *limit) Error() string { return "no end within " + l.after.String() }

// errCut is the cause when the run itself cuts a request off.
var errCut = errors.New("cut off by the end of the run")

// watch enforces the limits of one request with a single timer that is touched
// only when it fires: arriving bytes merely leave their time behind.
type watch struct {
	limits Timeouts
	plan   Cancellation
	sent   time.Time
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stream bool

	mu      sync.Mutex // orders the last Reset and stop
	stopped bool

	token    atomic.Bool  // a token came
	lastByte atomic.Int64 // ns after sent, of the newest byte
}

func newWatch(limits Timeouts, plan Cancellation, stream bool, sent time.Time, cancel context.CancelCauseFunc) *watch {
	w := &watch{limits: limits, plan: plan, stream: stream, sent: sent, cancel: cancel}
	if next, _ := w.next(0); next >= 0 {
		// The timer must be in its place before it can fire.
		w.timer = time.AfterFunc(time.Hour, w.fire)
		w.timer.Reset(next)
	}
	return w
}

// next is how long after now (both since sending) the earliest limit may be
// reached, or the limit that has been, which may be that of the plan; -1 if there
// is none.
func (w *watch) next(now time.Duration) (time.Duration, error) {
	wait := time.Duration(-1)
	check := func(d, from time.Duration, class request.Class) error {
		if d <= 0 {
			return nil
		}
		left := from + d - now
		if left <= 0 {
			return &limit{class, d}
		}
		if wait < 0 || left < wait {
			wait = left
		}
		return nil
	}
	// The order is that of the classes: the first that applies.
	if l := check(w.limits.Total, 0, request.TimeoutTotal); l != nil {
		return 0, l
	}
	if w.plan.After > 0 && now >= w.plan.After {
		return 0, w.plan.timed()
	}
	_ = check(w.plan.After, 0, request.Cancelled) // only for the wait
	if !w.stream {
		return wait, nil
	}
	if !w.token.Load() {
		// The idle limit may begin to count before the timer fires again.
		if l := check(w.limits.FirstToken, 0, request.TimeoutFirstToken); l != nil {
			return 0, l
		}
		_ = check(w.limits.Idle, now, request.TimeoutIdle) // only for the wait
		return wait, nil
	}
	if l := check(w.limits.Idle, time.Duration(w.lastByte.Load()), request.TimeoutIdle); l != nil {
		return 0, l
	}
	return wait, nil
}

func (w *watch) fire() {
	wait, reached := w.next(time.Since(w.sent))
	if reached != nil {
		w.cancel(reached)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if wait >= 0 && !w.stopped {
		w.timer.Reset(wait)
	}
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
