package load

import (
	"runtime"
	"sync"
	"time"
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
// was due. With a Duration it lasts that long, also when nothing more is due: the rates
// of the run are over all of it.
func (r *runner) open() {
	origin := r.start.Add(lead)
	prepared, quit := make(chan *call, lookahead), make(chan struct{})
	go r.prepareAhead(origin, prepared, quit)

	var wg sync.WaitGroup
	var under sync.WaitGroup // sessions under way, with a cap
	var ready chan *call     // nil without a cap
	if r.cfg.MaxConcurrency > 0 {
		ready = make(chan *call)
		for range r.cfg.MaxConcurrency {
			wg.Go(func() {
				for c := range ready {
					c.offered = time.Now() // what came before was the cap's wait, not lateness
					p, turn := c.part, c.turn
					e := r.send(c)
					if turn+1 >= p.turns {
						under.Done()
						continue
					}
					wg.Go(func() { // while it waits for its next turn a session takes no place
						if c := r.next(p, turn, e.done); c == nil || !r.offer(c, ready) {
							under.Done()
						}
					})
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
			wg.Go(func() { r.converse(c) })
			// With one processor the request would wait until the runtime notices
			// that this thread sleeps: 170 µs for the median, where this makes 50.
			runtime.Gosched()
			continue
		}
		under.Add(1)
		select {
		case ready <- c:
			free = time.Now()
		case <-r.issue.Done():
			under.Done()
			r.abandon(c, prepared, quit)
		}
	}
	if ready != nil {
		under.Wait()
		close(ready)
	}
	wg.Wait()
	if end, ok := r.ends(); ok {
		sleep(r.issue, end)
	}
}

// ends is when a run ends that ends with its Duration.
func (r *runner) ends() (end time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cfg := &r.cfg
	return r.from.Add(cfg.Duration), !r.from.IsZero() && cfg.Duration > 0 && (cfg.Requests == 0 || r.issued < cfg.Requests)
}

// converse sends c and the turns that follow, each when it is due.
func (r *runner) converse(c *call) {
	p, turn := c.part, c.turn
	for ; c != nil; turn++ {
		c = r.next(p, turn, r.send(c).done)
	}
}

// offer waits for a place under the cap, behind those that wait already. When the
// run is cut first, c is recorded as cancelled.
func (r *runner) offer(c *call, ready chan<- *call) bool {
	select {
	case ready <- c:
		return true
	case <-r.issue.Done():
		r.forgo(c, time.Now())
		return false
	}
}

// prepareAhead writes the requests of the schedule before they are due.
func (r *runner) prepareAhead(origin time.Time, prepared chan<- *call, quit <-chan struct{}) {
	defer close(prepared)
	for at := range r.cfg.Arrivals.Times() {
		due := origin.Add(at)
		p, ok := r.admit(due)
		if !ok {
			return
		}
		if !r.cfg.Shard.Owns(p.number) {
			continue
		}
		c := r.prepare(p, 0, p.warm)
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
		r.forgo(c, now)
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
