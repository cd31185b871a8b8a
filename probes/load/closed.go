package load

import (
	"sync"
	"time"

	"llmops/probes/request"
)

// retryPause keeps a closed loop from spinning while nothing can be reached.
const retryPause = 50 * time.Millisecond

// closed keeps Concurrency requests in flight, or as many sessions under way: each
// is followed by the next as soon as it ends.
func (r *runner) closed() {
	var wg sync.WaitGroup
	for range r.cfg.Concurrency {
		wg.Go(func() {
			var free time.Time // when the request before was over; zero: there was none
			for r.issue.Err() == nil {
				p, ok := r.take(time.Now())
				if !ok {
					return
				}
				c := r.prepare(p, 0, p.warm)
				if r.issue.Err() != nil {
					return
				}
				c.vacant = free
				for turn := 0; c != nil; turn++ {
					cl := c.client
					e := r.send(c)
					if free = e.free; e.class == request.Connect || e.class == request.DNS {
						sleep(r.issue, time.Now().Add(retryPause))
					}
					if cl.reuse.await(r.issue, r.cfg.Concurrency) {
						free = time.Time{} // the wait is no lateness
					}
					c = r.next(p, turn, e.done)
				}
			}
		})
	}
	wg.Wait()
}
