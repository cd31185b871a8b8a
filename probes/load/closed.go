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
			for r.issue.Err() == nil {
				id, warm, ok := r.admit(time.Now())
				if !ok {
					return
				}
				c := r.prepare(id, warm)
				if r.issue.Err() != nil {
					return
				}
				if class := r.send(c); class == request.Connect || class == request.DNS {
					select {
					case <-r.issue.Done():
					case <-time.After(retryPause):
					}
				}
			}
		})
	}
	wg.Wait()
}
