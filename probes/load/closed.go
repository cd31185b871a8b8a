package load

import (
	"sync"
	"time"

	"llmops/probes/request"
)

// retryPause keeps a closed loop from spinning while nothing can be reached.
const retryPause = 50 * time.Millisecond

// closed keeps Concurrency requests in flight: each is followed by the next as
// soon as it ends.
func (r *runner) closed() {
	var wg sync.WaitGroup
	for range r.cfg.Concurrency {
		wg.Go(func() {
			var free time.Time // when the request before was over; zero: there was none
			for r.issue.Err() == nil {
				id, warm, ok := r.admit(time.Now())
				if !ok {
					return
				}
				c := r.prepare(id, warm)
				if r.issue.Err() != nil {
					return
				}
				c.vacant = free
				var class request.Class
				if class, free = r.send(c); class == request.Connect || class == request.DNS {
					select {
					case <-r.issue.Done():
					case <-time.After(retryPause):
					}
				}
				if r.client.reuse.await(r.issue, r.cfg.Concurrency) {
					free = time.Time{} // the wait is no lateness
				}
			}
		})
	}
	wg.Wait()
}
