package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"llmops/probes/request"
)

// readBuffer is the size of the buffer that a reply is read through, in bytes:
// larger than net/http's own, so that what has arrived is taken in one go.
const readBuffer = 8 << 10

// Run sends the requests of cfg and calls sink with the record of each measured
// one, from one goroutine, as they end. A record must not be kept after sink
// returns. When ctx ends, requests in flight are cut and recorded as cancelled.
// Errors: a faulty cfg, that of ctx before the run has begun, or the first error of
// sink, which also ends the run.
func Run(ctx context.Context, cfg Config, sink func(*request.Record) error) (Result, error) {
	if err := cfg.validate(); err != nil {
		return Result{}, err
	}
	if cfg.Gauge == nil {
		cfg.Gauge = &Gauge{}
	}
	cfg.Concurrency = int(cfg.Shard.Share(int64(cfg.Concurrency)))
	cfg.MaxConcurrency = int(cfg.Shard.Share(int64(cfg.MaxConcurrency)))
	clients, err := newClients(cfg.Targets, cfg.Timeouts, time.Now())
	if err != nil {
		return Result{}, err
	}
	defer func() {
		for _, cl := range clients {
			cl.close()
		}
	}()
	at := cfg.StartAt
	if late := time.Since(at); !at.IsZero() && late > 0 {
		return Result{}, fmt.Errorf("the start at %s was missed by %s", at.UTC().Format(time.RFC3339), late.Round(time.Millisecond))
	}
	if cfg.Arrivals == nil {
		ctx, cancel := untilStart(ctx, at)
		defer cancel()
		n := cfg.Concurrency
		if cfg.Requests > 0 {
			n = int(min(int64(n), cfg.Requests+cfg.WarmupRequests))
		}
		for i, cl := range clients {
			if cl.open != nil {
				cl.ahead.fill(ctx, (n+len(clients)-1-i)/len(clients), cl.open)
			}
		}
	}
	if !at.IsZero() && !sleep(ctx, at) {
		return Result{}, ctx.Err()
	}
	start := time.Now()

	r := &runner{cfg: cfg, clients: clients, start: start, results: make(chan *call, 1024), monitor: newMonitor(wallClock(start))}
	r.calls.New = func() any { return &call{buf: make([]byte, readBuffer)} }
	var stop, cutAll context.CancelCauseFunc
	r.issue, stop = context.WithCancelCause(ctx) // ends: no new requests
	defer stop(nil)
	r.flight, cutAll = context.WithCancelCause(ctx) // ends: requests in flight are cut
	defer cutAll(nil)
	r.cut = func() { stop(errCut); cutAll(errCut) }

	if cfg.WarmupRequests == 0 {
		from := start.Add(cfg.WarmupDuration)
		if cfg.Arrivals != nil {
			from = from.Add(lead) // the origin of the schedule
		}
		r.begin(from)
	}
	cpu := processCPU(ctx)
	if cfg.Checks != nil {
		r.grader = newGrader(ctx, clients[0], r.results)
	}
	go func() {
		defer close(r.results)
		if r.grader != nil {
			defer r.grader.finish()
		}
		if cfg.Arrivals != nil {
			r.open()
		} else {
			r.closed()
		}
	}()
	res := Result{Started: start}
	var sinkErr error
	var due, sent span
	for c := range r.results {
		res.Events += int64(len(c.rec.Chunks))
		if c.exhausted {
			res.Exhausted++
		}
		res.KernelReads += int64(c.kernel)
		res.UserReads += int64(c.user)
		if c.warm && !c.rec.SentAt.IsZero() {
			res.Warmup++
		}
		if !c.warm {
			if cfg.Arrivals != nil && !c.rec.SentAt.IsZero() {
				res.N++
				due.add(c.due)
				sent.add(c.rec.SentAt)
			}
			if sinkErr == nil {
				if c.graded != nil && cfg.Graded != nil {
					cfg.Graded(*c.graded)
				}
				if sinkErr = sink(&c.rec); sinkErr != nil {
					r.cut()
				}
			}
		}
		if c.idle() { // else net/http still reads its body
			r.calls.Put(c)
		}
	}
	res.Ended = time.Now()
	res.Health = r.monitor.stop()
	res.Closes = slices.ContainsFunc(clients, func(cl *client) bool { return cl.reuse.state.Load() == reuseCloses })
	res.Due, res.Sent = due.last.Sub(due.first), sent.last.Sub(sent.first)
	res.CPU = processCPU(ctx) - cpu
	_, timed := r.ends()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deadline != nil {
		r.deadline.Stop()
	}
	res.MeasuredFrom, res.Peak = r.from, cfg.Gauge.Peak()
	res.Interrupted = ctx.Err() != nil
	if sinkErr == nil && !res.Interrupted && timed {
		res.Window = cfg.Duration
	}
	return res, sinkErr
}

// untilStart bounds what is done before a run by its start; a zero time is none.
func untilStart(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	if at.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, at)
}

// runner is the state of one run.
type runner struct {
	cfg           Config
	clients       []*client // one for each target
	start         time.Time
	issue, flight context.Context
	cut           func()
	calls         sync.Pool
	results       chan *call
	grader        *grader // nil: nothing is checked
	monitor       *monitor

	mu                     sync.Mutex
	issued, warm           int64     // requests that have a number, of all shards
	sessions, warmSessions int64     // and sessions
	from                   time.Time // when the measured part begins; zero: not known yet
	deadline               *time.Timer
}

// span is a stretch of time that holds all that was added.
type span struct{ first, last time.Time }

func (s *span) add(t time.Time) {
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

// begin sets the start of the measured part, and with it the end of the run.
// The caller holds r.mu, or is alone.
func (r *runner) begin(from time.Time) {
	r.from = from
	r.monitor.begin(from)
	if r.cfg.Measured != nil {
		r.cfg.Measured(from)
	}
	if r.cfg.Duration > 0 {
		r.deadline = time.AfterFunc(time.Until(from)+r.cfg.Duration+r.cfg.Drain, r.cut)
	}
}

// prepare takes a call and writes its request, outside any timed section.
func (r *runner) prepare(p part, turn int, warm bool) *call {
	c := r.calls.Get().(*call)
	id := p.id(turn)
	c.part, c.turn = p, turn
	c.client = r.clients[turnOf(p.number, len(r.clients))]
	c.rec = request.Record{Schema: request.Schema, ID: id, Session: p.Key}
	if len(r.clients) > 1 {
		c.rec.URL = c.client.target.Label
	}
	c.plan = Cancellation{}
	if r.cfg.Cancel != nil {
		c.plan = r.cfg.Cancel(id)
	}
	c.kernel, c.user, c.lag = 0, 0, 0
	c.warm, c.exhausted, c.behind = warm, false, 0
	c.due, c.offered, c.vacant, c.free = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	c.checks, c.text, c.graded = nil, nil, nil
	if r.issue.Err() != nil {
		return c // the run is over: it will not be sent
	}
	r.expect(c)
	t := &c.client.target
	asked := r.prompt(&p, turn)
	c.inputs = t.API.Inputs(asked)
	c.body = t.API.AppendBody(c.body[:0], asked, t.Body)
	return c
}

// expect says what the answer to c is held against, if it is measured.
func (r *runner) expect(c *call) {
	keep := 0
	if r.grader != nil && !c.warm {
		if c.checks = r.checks(&c.part, c.turn); len(c.checks) > 0 {
			keep = keepText
		}
	}
	c.recorder.KeepText(keep)
}

// ended is how and when a request ended, and when its place was free for the next
// one; zero: not known.
type ended struct {
	class      request.Class
	done, free time.Time
}

// send does the request and hands the record over.
func (r *runner) send(c *call) ended {
	r.cfg.Gauge.enter()
	c.client.do(r.flight, c)
	r.cfg.Gauge.leave()
	rec := &c.rec
	rec.Derive()
	switch {
	case !c.due.IsZero():
		rec.Lateness = new(c.behind + rec.SentAt.Sub(c.offered))
	case !c.vacant.IsZero():
		rec.Lateness = new(rec.SentAt.Sub(c.vacant))
	}
	e := ended{rec.Error, rec.DoneAt, c.free}
	if rec.OK && len(c.checks) > 0 {
		r.grader.take(c)
	} else {
		r.results <- c
	}
	// c is not ours any more.
	return e
}
