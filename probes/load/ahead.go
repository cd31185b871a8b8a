package load

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ahead holds connections that were opened before the run. A closed loop begins
// with all its requests at once; with as many connections to open, the first
// replies would wait for this machine and not for the server.
type ahead struct{ ready chan net.Conn }

const (
	aheadAtOnce = 16              // connections being opened at the same time
	aheadLimit  = 5 * time.Second // for all of them
)

// fill opens n connections. The first failure ends it: the requests will meet,
// and record, what stands in the way.
func (a *ahead) fill(ctx context.Context, n int, dial func(context.Context) (net.Conn, error)) {
	a.ready = make(chan net.Conn, n)
	ctx, cancel := context.WithTimeout(ctx, aheadLimit)
	defer cancel()
	var wg sync.WaitGroup
	var begun atomic.Int64
	for range min(n, aheadAtOnce) {
		wg.Go(func() {
			for begun.Add(1) <= int64(n) && ctx.Err() == nil {
				nc, err := dial(ctx)
				if err != nil {
					cancel()
					return
				}
				if c := stamped(nc); c != nil {
					c.ahead = true
				}
				a.ready <- nc
			}
		})
	}
	wg.Wait()
}

// take gives one of them away; nil when there is none.
func (a *ahead) take() net.Conn {
	select {
	case nc := <-a.ready:
		return nc
	default: // also when none were ever opened
		return nil
	}
}

// close closes those that nobody took.
func (a *ahead) close() {
	for nc := a.take(); nc != nil; nc = a.take() {
		_ = nc.Close() // nobody is left to tell
	}
}
