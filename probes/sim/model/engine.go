package model

import (
	"fmt"
	"time"
)

// Engine is the model's state. It is not safe for concurrent use.
type Engine struct {
	cfg     Config
	now     time.Duration
	next    ID
	inbox   []order // arrivals and cancellations to come, in order of time
	read    int     // of inbox: the first that is not processed
	live    map[ID]*sequence
	wait    queue
	running []*sequence
	agenda  agenda
	kv      *kvCache
	buckets []bucket // one a fault, used by RateLimit
	stats   Stats
	emit    func(Event)
	idle    []*sequence // ended sequences, for reuse
}

// order is something that the outside asks for at a time.
type order struct {
	at  time.Duration
	id  ID
	req *Request // nil: cancel
}

// New makes an idle engine at time 0.
func New(cfg Config) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("simulated engine: %w", err)
	}
	e := &Engine{cfg: cfg, live: map[ID]*sequence{}, kv: newKVCache(cfg.KVBlocks), buckets: make([]bucket, len(cfg.Faults))}
	for i, f := range cfg.Faults {
		e.buckets[i] = bucket{tokens: float64(f.Burst), at: f.From}
	}
	e.stats = newStats(cfg.MaxModelLen)
	return e, nil
}

// Submit lets r arrive at a time, or as soon as possible when that has passed:
// arrivals do not overtake each other. Advance processes it.
func (e *Engine) Submit(at time.Duration, r Request) ID {
	id := e.next
	e.next++
	e.order(order{at: at, id: id, req: &r})
	return id
}

// Cancel lets the client of id leave at a time. A sequence that is over by
// then stays as it is.
func (e *Engine) Cancel(at time.Duration, id ID) { e.order(order{at: at, id: id}) }

func (e *Engine) order(o order) {
	o.at = max(o.at, e.now)
	if n := len(e.inbox); n > e.read {
		o.at = max(o.at, e.inbox[n-1].at)
	}
	e.inbox = append(e.inbox, o)
}

// Next is the time of the next thing that will happen by itself; false when
// nothing will.
func (e *Engine) Next() (time.Duration, bool) {
	t, ok := time.Duration(0), false
	if len(e.agenda) > 0 {
		t, ok = e.agenda[0].due, true
	}
	if e.read < len(e.inbox) && (!ok || e.inbox[e.read].at < t) {
		t, ok = e.inbox[e.read].at, true
	}
	return t, ok
}

// Advance lets everything happen up to and including a time and reports it in
// order. At one instant sequences step before new requests arrive.
func (e *Engine) Advance(to time.Duration, emit func(Event)) {
	e.emit = emit
	for {
		t, ok := e.Next()
		if !ok || t > to {
			break
		}
		e.pass(t)
		if len(e.agenda) > 0 && e.agenda[0].due == t {
			e.step(e.agenda[0])
		} else {
			o := e.inbox[e.read]
			e.inbox[e.read].req = nil
			if e.read++; e.read == len(e.inbox) {
				e.inbox, e.read = e.inbox[:0], 0
			}
			if o.req != nil {
				e.arrive(o.id, *o.req)
			} else if s := e.live[o.id]; s != nil {
				e.end(s, Event{Kind: Ended, Reason: Cancelled})
			}
		}
		e.admit()
	}
	e.pass(max(to, e.now))
	e.emit = nil
}

// pass moves the clock, and with it what is summed over time.
func (e *Engine) pass(t time.Duration) {
	if t > e.now {
		e.stats.pass(e.now, t, len(e.running) > 0)
		e.now = t
	}
}

// report emits ev for s at the present time.
func (e *Engine) report(s *sequence, ev Event) {
	ev.At, ev.ID = e.now, s.id
	e.emit(ev)
}

// arrive refuses a request or puts it into the waiting queue.
func (e *Engine) arrive(id ID, r Request) {
	r.PromptTokens, r.MaxTokens = max(r.PromptTokens, 1), max(r.MaxTokens, 1)
	if e.cfg.ServiceTime > 0 {
		r.MaxTokens = 1
	}
	s := e.newSequence(id, r)
	e.live[id] = s
	c := &e.cfg
	if f, after := e.refusal(id, e.now); f != nil {
		e.end(s, Event{Kind: Ended, Reason: Faulted, Fault: f, RetryAfter: after})
		return
	}
	if r.PromptTokens > c.MaxModelLen || r.MaxTokens > c.MaxModelLen-r.PromptTokens ||
		c.blocksFor(r.PromptTokens+r.MaxTokens) > c.KVBlocks {
		e.end(s, Event{Kind: Ended, Reason: TooLong})
		return
	}
	if c.blocksFor(r.PromptTokens) > e.leak(e.now) {
		e.end(s, Event{Kind: Ended, Reason: OutOfMemory})
		return
	}
	if c.MaxWaiting > 0 && e.wait.len >= c.MaxWaiting && !e.fits(s) {
		e.end(s, Event{Kind: Ended, Reason: QueueFull, RetryAfter: time.Second})
		return
	}
	s.output = r.MaxTokens
	if !r.IgnoreEOS {
		s.output = c.Output.draw(c.Seed, id, r.MaxTokens)
	}
	e.wait.pushBack(s)
	if !e.hangs(id, e.now) {
		e.report(s, Event{Kind: Queued})
	}
}

// end takes s out of the engine with the event that says why.
func (e *Engine) end(s *sequence, ev Event) {
	e.stats.end(s, e.now, ev)
	e.leave(s)
	if s.waiting {
		e.wait.remove(s)
	}
	delete(e.live, s.id)
	e.report(s, ev)
	e.idle = append(e.idle, s)
}

// leave frees the slot and the blocks of s, if it has any.
func (e *Engine) leave(s *sequence) {
	if s.slot < 0 {
		return
	}
	last := len(e.running) - 1
	moved := e.running[last]
	e.running[s.slot], moved.slot = moved, s.slot
	e.running[last] = nil
	e.running = e.running[:last]
	s.slot = -1
	e.agenda.remove(s)
	e.kv.release(s.blocks)
	s.blocks = s.blocks[:0]
}

func (e *Engine) newSequence(id ID, r Request) *sequence {
	s := &sequence{}
	if n := len(e.idle); n > 0 {
		s, e.idle = e.idle[n-1], e.idle[:n-1]
	}
	*s = sequence{id: id, req: r, arrive: e.now, slot: -1, turn: -1, blocks: s.blocks[:0]}
	return s
}
