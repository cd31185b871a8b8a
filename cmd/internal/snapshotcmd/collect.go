package snapshotcmd

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"llmops/probes/snapshot"
)

// A probe looks at one thing, again and again. What read returns writes it down.
type probe struct {
	name string // in timings and errors
	// limit is how long a reading may take beside the window. A probe bounds itself
	// more tightly; this is for calls that cannot be called off.
	limit time.Duration
	// read takes one picture. With a window it reads twice, so far apart; without, its
	// rates are those since the reading before.
	read func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot)

	busy atomic.Bool // a reading has not come back yet
}

// probes are asked side by side.
type probes struct {
	list    []*probe
	closers []func()
}

func (p *probes) close() {
	for _, c := range p.closers {
		c()
	}
}

// grace is how long a probe may still take after its context has ended, to tell what
// it has.
const grace = 300 * time.Millisecond

// collect asks all of them and waits for each no longer than its limit. One that does
// not come back is left behind, named in the errors, and not asked again until it does.
func (p *probes) collect(ctx context.Context, now func() time.Time, window time.Duration) snapshot.Snapshot {
	s := snapshot.Snapshot{Schema: snapshot.Schema, TimingsMS: map[string]float64{}}
	type answer struct {
		write func(*snapshot.Snapshot)
		took  time.Duration
	}
	answers := make([]chan answer, len(p.list))
	ends := make([]context.Context, len(p.list))
	for i, x := range p.list {
		answers[i] = make(chan answer, 1)
		if !x.busy.CompareAndSwap(false, true) {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, window+x.limit)
		defer cancel()
		ends[i] = limited
		go func() {
			began := time.Now()
			write := x.read(limited, window)
			x.busy.Store(false)
			answers[i] <- answer{write, time.Since(began)}
		}()
	}
	for i, x := range p.list {
		if ends[i] == nil {
			s.Errors = append(s.Errors, snapshot.Problem{Source: x.name, Status: snapshot.Timeout, Detail: "an earlier reading has still not come back"})
			continue
		}
		a, ok := wait(ends[i], answers[i])
		if !ok {
			s.Errors = append(s.Errors, snapshot.Problem{Source: x.name, Status: snapshot.Timeout, Detail: late(ctx, x.limit)})
			continue
		}
		a.write(&s)
		s.TimingsMS[x.name] = float64(max(0, a.took-window).Microseconds()) / 1e3
	}
	s.TakenAt = now().UTC().Truncate(time.Millisecond) // an interrupt ends the window early
	return s
}

func late(ctx context.Context, limit time.Duration) string {
	if ctx.Err() != nil {
		return "interrupted"
	}
	return fmt.Sprintf("no answer within %v", limit)
}

// wait is for the answer, or for the end of ctx and a little more.
func wait[T any](ctx context.Context, answer <-chan T) (T, bool) {
	select {
	case a := <-answer:
		return a, true
	case <-ctx.Done():
	}
	select {
	case a := <-answer:
		return a, true
	case <-time.After(grace):
		var none T
		return none, false
	}
}

// sleep waits, and tells whether nothing interrupted it.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
