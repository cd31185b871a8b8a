package load

import (
	"runtime"
	"sync"
	"time"

	"llmops/probes/request"
)

const (
	// lead is the time between the start of the run and the origin of the
	// schedule, so that the first request is not late by the set-up.
	lead = 10 * time.Millisecond
	// lookahead is how many requests are written before they are due.
	lookahead = 64
)

// open sends requests when they are due. No slot is ever dropped: what could
// not go out in time goes out late, in order, and its time counts from when it
// was due.
func (r *runner) open() {
	origin := r.start.Add(lead)
	prepared, quit := make(chan *call, lookahead), make(chan struct{})
	go r.prepareAhead(origin, prepared, quit)

	var wg sync.WaitGroup
	var ready chan *call // nil without a cap
	if r.cfg.MaxConcurrency > 0 {
		ready = make(chan *call)
		for range r.cfg.MaxConcurrency {
			wg.Go(func() {
				for c := range ready {
					c.offered = time.Now() // what came before was the cap's wait, not lateness
					r.send(c)
				}
			})
		}
	}
	p, release := newPacer()
	defer release()
	free := origin // when the pacer last got rid of a request
	for c := range prepared {
		if !p.until(r.issue, c.due) {
			r.abandon(c, prepared, quit)
			break
		}
		now := time.Now()
		c.behind = now.Sub(later(c.due, free))
		if ready == nil {
			c.offered = now
			wg.Go(func() { r.send(c) })
			// With one processor the request would wait until the runtime notices
			// that this thread sleeps: 170 µs for the median, where this makes 50.
			runtime.Gosched()
			continue
		}
		select {
		case ready <- c:
			free = time.Now()
		case <-r.issue.Done():
			r.abandon(c, prepared, quit)
		}
	}
	if ready != nil {
		close(ready)
	}
	wg.Wait()
}

// prepareAhead writes the requests of the schedule before they are due.
func (r *runner) prepareAhead(origin time.Time, prepared chan<- *call, quit <-chan struct{}) {
	defer close(prepared)
	for at := range r.cfg.Arrivals.Times() {
		due := origin.Add(at)
		id, warm, ok := r.admit(due)
		if !ok {
			return
		}
		c := r.prepare(id, warm)
		c.due, c.rec.ScheduledAt = due, due
		select {
		case prepared <- c:
		case <-quit:
			return
		}
	}
}

// abandon records c and everything behind it that is due by now as cancelled,
// and ends the schedule.
func (r *runner) abandon(c *call, prepared <-chan *call, quit chan<- struct{}) {
	now := time.Now()
	for ok := true; ok && !c.due.After(now); c, ok = <-prepared {
		c.rec.Error, c.rec.DoneAt = request.Cancelled, now
		r.results <- c
	}
	close(quit)
	for range prepared { // let the writer go
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
