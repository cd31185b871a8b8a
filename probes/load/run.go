package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"llmops/probes/request"
)

// Result is what a run was, beside its records.
type Result struct {
	Started      time.Time
	MeasuredFrom time.Time // when the measured part begins; zero: it never did
	// Window is how long measured requests were sent for: Duration, if the run
	// lasted that long, else 0.
	Window time.Duration
	Ended  time.Time
	Warmup int64         // warm-up requests
	Events int64         // token events of all requests, warm-up included
	Peak   int64         // most requests in flight at once
	CPU    time.Duration // of this process, from Started to Ended; 0: not measured
	Health Health
	// KernelReads and UserReads count the reads by where their time stamp comes
	// from.
	KernelReads, UserReads int64
	// Due and Sent are the spans from the first to the last measured request
	// of the open loop, by the schedule and in fact; N is their number.
	Due, Sent time.Duration
	N         int64

	Interrupted bool  // ctx ended before the run did
	Closes      bool  // the server closes its connections after a reply, although it promises to keep them
	Exhausted   int64 // requests for which this machine had no file descriptor or port left
}

// TimestampSource is FromKernel, FromUser, "mixed", or "" when nothing was read.
func (r Result) TimestampSource() string {
	switch {
	case r.KernelReads > 0 && r.UserReads > 0:
		return "mixed"
	case r.KernelReads > 0:
		return FromKernel
	case r.UserReads > 0:
		return FromUser
	}
	return ""
}

// readBuffer is the size of the buffer that a reply is read through, in bytes:
// larger than net/http's own, so that what has arrived is taken in one go.
const readBuffer = 8 << 10

// Run sends the requests of cfg and calls sink with the record of each measured
// one, from one goroutine, as they end. A record must not be kept after sink
// returns. When ctx ends, requests in flight are cut and recorded as cancelled.
// Errors: a faulty cfg, or the first error of sink, which also ends the run.
func Run(ctx context.Context, cfg Config, sink func(*request.Record) error) (Result, error) {
	if err := cfg.validate(); err != nil {
		return Result{}, err
	}
	if cfg.Gauge == nil {
		cfg.Gauge = &Gauge{}
	}
	cl, err := newClient(cfg.Target, cfg.Timeouts, time.Now())
	if err != nil {
		return Result{}, fmt.Errorf("target: %w", err)
	}
	defer cl.transport.CloseIdleConnections()
	defer cl.trial.CloseIdleConnections()
	if cfg.Arrivals == nil && cl.open != nil {
		n := cfg.Concurrency
		if cfg.Requests > 0 {
			n = int(min(int64(n), cfg.Requests+cfg.WarmupRequests))
		}
		cl.ahead.fill(ctx, n, cl.open)
		defer cl.ahead.close()
	}
	start := time.Now()

	r := &runner{cfg: cfg, client: cl, start: start, results: make(chan *call, 1024), monitor: newMonitor(wallClock(start))}
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
		r.grader = newGrader(ctx, cl, r.results)
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
		if !c.warm {
			if !c.due.IsZero() && !c.rec.SentAt.IsZero() {
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
	res.Closes = cl.reuse.state.Load() == reuseCloses
	res.Due, res.Sent = due.last.Sub(due.first), sent.last.Sub(sent.first)
	res.CPU = processCPU(ctx) - cpu
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deadline != nil {
		r.deadline.Stop()
	}
	res.Warmup, res.MeasuredFrom, res.Peak = r.warm, r.from, cfg.Gauge.Peak()
	res.Interrupted = ctx.Err() != nil
	if sinkErr == nil && !res.Interrupted && cfg.Duration > 0 && (cfg.Requests == 0 || r.issued < cfg.Requests) {
		res.Window = cfg.Duration
	}
	return res, sinkErr
}

// runner is the state of one run.
type runner struct {
	cfg           Config
	client        *client
	start         time.Time
	issue, flight context.Context
	cut           func()
	calls         sync.Pool
	results       chan *call
	grader        *grader // nil: nothing is checked
	monitor       *monitor

	mu           sync.Mutex
	issued, warm int64
	from         time.Time // when the measured part begins; zero: not known yet
	deadline     *time.Timer
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

// admit says whether a request that goes out at t (for the open loop: is due at
// t) still belongs to the run, gives it its number and tells warm-up apart.
func (r *runner) admit(t time.Time) (id int64, warm, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.IsZero() && r.warm >= r.cfg.WarmupRequests {
		r.begin(t)
	}
	switch cfg := &r.cfg; {
	case r.from.IsZero() || t.Before(r.from):
		r.warm++
		return -r.warm, true, true
	case cfg.Requests > 0 && r.issued >= cfg.Requests, cfg.Duration > 0 && t.Sub(r.from) >= cfg.Duration:
		return 0, false, false
	}
	r.issued++
	return r.issued - 1, false, true
}

// prepare takes a call and writes its request, outside any timed section.
func (r *runner) prepare(id int64, warm bool) *call {
	c := r.calls.Get().(*call)
	c.rec = request.Record{Schema: request.Schema, ID: id}
	c.kernel, c.user, c.lag = 0, 0, 0
	c.warm, c.exhausted, c.behind = warm, false, 0
	c.due, c.offered, c.vacant, c.free = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	c.checks, c.text, c.graded = nil, nil, nil
	if r.issue.Err() != nil {
		return c // the run is over: it will not be sent
	}
	keep := 0
	if r.grader != nil && !warm {
		if c.checks = r.cfg.Checks(id); len(c.checks) > 0 {
			keep = keepText
		}
	}
	c.recorder.KeepText(keep)
	t := &r.cfg.Target
	c.body = t.API.AppendBody(c.body[:0], r.cfg.Prompts.Prompt(id), t.Body)
	return c
}

// send does the request, hands the record over and tells how it ended, and when
// its place was free for the next one.
func (r *runner) send(c *call) (request.Class, time.Time) {
	r.cfg.Gauge.enter()
	r.client.do(r.flight, c)
	r.cfg.Gauge.leave()
	rec := &c.rec
	rec.Derive()
	switch {
	case !c.due.IsZero():
		rec.Lateness = new(c.behind + rec.SentAt.Sub(c.offered))
	case !c.vacant.IsZero():
		rec.Lateness = new(rec.SentAt.Sub(c.vacant))
	}
	class, free := rec.Error, c.free
	if rec.OK && len(c.checks) > 0 {
		r.grader.take(c)
	} else {
		r.results <- c
	}
	// c is not ours any more.
	return class, free
}
