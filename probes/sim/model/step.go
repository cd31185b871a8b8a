package model

import "time"

// admit starts waiting sequences in order while the first one fits.
func (e *Engine) admit() {
	for e.wait.head != nil {
		s := e.wait.head
		need := e.cfg.blocksFor(s.req.PromptTokens + s.generated)
		if len(e.cfg.Faults) > 0 && need > e.leak(e.now) {
			e.end(s, Event{Kind: Ended, Reason: OutOfMemory})
			continue
		}
		if len(e.running) >= e.cfg.MaxRunning {
			return
		}
		hits, hitsFree := e.kv.match(e.prefix(s))
		if need-hits+hitsFree > e.kv.free {
			return
		}
		e.wait.remove(s)
		e.start(s, need, hits)
	}
}

// fits tells whether s could start at once. Only then it needs no place in the
// waiting queue.
func (e *Engine) fits(s *sequence) bool {
	if e.wait.len > 0 || len(e.running) >= e.cfg.MaxRunning {
		return false
	}
	hits, hitsFree := e.kv.match(e.prefix(s))
	return e.cfg.blocksFor(s.req.PromptTokens)-hits+hitsFree <= e.kv.free
}

// prefix is what s may take from the prefix cache. At least one token must be
// computed, as its result is the next token.
func (e *Engine) prefix(s *sequence) []uint64 {
	return s.req.Prefix[:min(len(s.req.Prefix), (s.req.PromptTokens+s.generated-1)/e.cfg.BlockSize)]
}

// start gives s a slot and its blocks and begins its prefill.
func (e *Engine) start(s *sequence, need, hits int) {
	s.blocks = e.kv.share(s.blocks[:0], e.prefix(s)[:hits])
	s.blocks = e.kv.take(s.blocks, need-hits)
	s.slot = len(e.running)
	e.running = append(e.running, s)
	s.computed = false

	cached := hits * e.cfg.BlockSize
	work := e.cfg.ServiceTime
	if work == 0 {
		work = e.cfg.PrefillBase + e.cfg.PrefillPerToken*time.Duration(s.req.PromptTokens+s.generated-cached)
	}
	gap := scale(work, e.slow(SlowPrefill, s.id, e.now))
	if !s.started {
		s.started, s.first, s.cached = true, e.now, cached
		e.stats.start(s)
		gap += e.stall(s.id, 0, e.now)
	}
	e.report(s, Event{Kind: Started, Cached: s.cached})
	if !e.hangs(s.id, s.arrive) {
		e.agenda.set(s, e.now+gap)
	}
}

// step gives the next token of s and plans the one after it.
func (e *Engine) step(s *sequence) {
	if f := e.cut(s.id, s.generated, e.now); f != nil {
		e.end(s, Event{Kind: Ended, Reason: Faulted, Fault: f})
		return
	}
	if !s.computed {
		s.computed = true
		full := min(len(s.req.Prefix), s.req.PromptTokens/e.cfg.BlockSize)
		e.kv.publish(s.blocks[:full], s.req.Prefix[:full])
	}
	ev := Event{Kind: Token, Index: s.generated}
	s.generated++
	e.stats.token(s, e.now)
	if s.generated >= s.output {
		ev.Reason = Limit
		if s.output < s.req.MaxTokens {
			ev.Reason = Stop
		}
		e.end(s, ev)
		return
	}
	e.report(s, ev)
	if !e.grow(s) {
		return
	}
	gap := scale(e.cfg.DecodeBase+e.cfg.DecodePerSequence*time.Duration(len(e.running)), e.slow(SlowDecode, s.id, e.now))
	e.agenda.set(s, e.now+gap+e.stall(s.id, s.generated, e.now))
}

// grow makes sure that s has blocks for what it has generated. When none is
// free, the sequence that came last gives way; false when that was s itself.
func (e *Engine) grow(s *sequence) bool {
	need := e.cfg.blocksFor(s.req.PromptTokens + s.generated)
	if need <= len(s.blocks) {
		return true
	}
	for {
		e.leak(e.now)
		if e.kv.free > 0 {
			s.blocks = e.kv.take(s.blocks, need-len(s.blocks))
			return true
		}
		last := s
		for _, r := range e.running {
			if r.id > last.id {
				last = r
			}
		}
		e.preempt(last)
		if last == s {
			return false
		}
	}
}

// preempt takes slot and blocks from s; its prompt and what it generated must
// be computed again.
func (e *Engine) preempt(s *sequence) {
	e.leave(s)
	e.wait.pushFront(s)
	e.stats.Preemptions++
	e.report(s, Event{Kind: Preempted})
}
