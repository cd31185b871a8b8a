// Package observe asks probes of host, GPUs, serving engines and others' figures side
// by side, each within its own time limit, for one snapshot of all. It measures and
// judges nothing itself, and does not keep what it saw.
package observe

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"llmops/probes/snapshot"
)

// A Probe looks at one thing, again and again. What Read returns writes it down.
type Probe struct {
	Name string // in timings and errors
	// Limit is how long a reading may take beside the window. A probe bounds itself
	// more tightly; this is for calls that cannot be called off.
	Limit time.Duration
	// Read takes one picture. With a window it reads twice, so far apart; without, its
	// rates are those since the reading before.
	Read func(ctx context.Context, window time.Duration) func(*snapshot.Snapshot)

	busy atomic.Bool // a reading has not come back yet
}

// Set is probes that are asked side by side.
type Set struct {
	// Gentle has probes asked one after the other as long as they answer soon, so that
	// they take one processor from what else this process does, and not all.
	Gentle bool

	list    []*Probe
	closers []func()
}

// Add adds a probe, with what is to be called when it is needed no more, if anything.
func (p *Set) Add(x *Probe, closers ...func()) {
	p.list = append(p.list, x)
	p.closers = append(p.closers, closers...)
}

// Len is the number of probes.
func (p *Set) Len() int { return len(p.list) }

// Limited sets an upper limit to how long a reading of any of them may take.
func (p *Set) Limited(most time.Duration) {
	for _, x := range p.list {
		x.Limit = min(x.Limit, most)
	}
}

// Close frees what the probes hold.
func (p *Set) Close() {
	for _, c := range p.closers {
		c()
	}
}

// grace is how long a probe may still take after its context has ended, to tell what
// it has.
const grace = 300 * time.Millisecond

// turn is how long the next probe waits for the one before it.
const turn = 50 * time.Millisecond

// Collect asks all of them and waits for each no longer than its limit. One that does
// not come back is left behind, named in the errors, and not asked again until it does.
func (p *Set) Collect(ctx context.Context, now func() time.Time, window time.Duration) snapshot.Snapshot {
	s := snapshot.Snapshot{Schema: snapshot.Schema, TimingsMS: map[string]float64{}}
	type answer struct {
		write func(*snapshot.Snapshot)
		took  time.Duration
	}
	answers := make([]chan answer, len(p.list))
	ends := make([]context.Context, len(p.list))
	var before chan struct{}
	for i, x := range p.list {
		answers[i] = make(chan answer, 1)
		if !x.busy.CompareAndSwap(false, true) {
			continue
		}
		if p.Gentle && before != nil {
			select {
			case <-before:
			case <-time.After(turn):
			}
		}
		done := make(chan struct{})
		before = done
		limited, cancel := context.WithTimeout(ctx, window+x.Limit)
		defer cancel()
		ends[i] = limited
		go func() {
			began := time.Now()
			write := x.Read(limited, window)
			x.busy.Store(false)
			close(done)
			answers[i] <- answer{write, time.Since(began)}
		}()
	}
	for i, x := range p.list {
		if ends[i] == nil {
			s.Errors = append(s.Errors, snapshot.Problem{Source: x.Name, Status: snapshot.Timeout, Detail: "an earlier reading has still not come back"})
			continue
		}
		a, ok := wait(ends[i], answers[i])
		if !ok {
			s.Errors = append(s.Errors, snapshot.Problem{Source: x.Name, Status: snapshot.Timeout, Detail: late(ctx, x.Limit)})
			continue
		}
		a.write(&s)
		s.TimingsMS[x.Name] = float64(max(0, a.took-window).Microseconds()) / 1e3
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

// Sleep waits, and tells whether nothing interrupted it.
func Sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
