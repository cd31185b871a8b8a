package load

import (
	"context"
	"strconv"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/check"
	"llmops/probes/request"
)

// Sessions makes conversations out of a run: each arrival, or each place of the
// closed loop, is then one of them, and its turns follow each other. All turns of a
// session go to the same target and belong to the same shard. It must say the same
// of the same number each time that it is asked, from any goroutine.
type Sessions interface {
	// Session is session number s, from 0; negative: it begins in the warm-up.
	Session(s int64) Session
}

// Session is one conversation.
type Session struct {
	Key string // Record.Session; "": the session's number
	// Think is how long each turn waits for the end of the one before, however that
	// ended; the first of them is not looked at. There are as many turns as
	// thoughts; none is one turn.
	Think []time.Duration
}

// Conversations are prompts that know the turns before. Config.Prompts may be
// such; else each turn has a prompt of its own.
type Conversations interface {
	// SessionPrompt is turn number turn, from 0, of session s, with what was said
	// before. It may be called from any goroutine.
	SessionPrompt(s int64, turn int) api.Prompt
}

// part is a session as far as it belongs to the run; where there are no sessions,
// one request.
type part struct {
	number int64 // of the session; negative: it begins in the warm-up
	first  int64 // ID of the first turn; those of the others follow, away from 0
	turns  int
	warm   bool // it begins in the warm-up
	Session
}

func (p *part) id(turn int) int64 {
	if p.first < 0 {
		return p.first - int64(turn)
	}
	return p.first + int64(turn)
}

// part makes the next session, which takes the next IDs. The caller holds r.mu.
func (r *runner) part(warm bool) part {
	p := part{turns: 1, warm: warm, number: r.sessions, first: r.issued}
	if warm {
		p.number, p.first = ^r.warmSessions, ^r.warm
	}
	if r.cfg.Sessions != nil {
		p.Session = r.cfg.Sessions.Session(p.number)
		p.turns = max(1, len(p.Think))
		if p.Key == "" {
			p.Key = strconv.FormatInt(p.number, 10)
		}
	}
	if warm {
		r.warmSessions++
		r.warm += int64(p.turns)
		return p
	}
	if n := r.cfg.Requests; n > 0 {
		p.turns = int(min(int64(p.turns), n-r.issued))
	}
	r.sessions++
	r.issued += int64(p.turns)
	return p
}

// prompt is what turn number turn of p asks.
func (r *runner) prompt(p *part, turn int) api.Prompt {
	if c := r.conversations(); c != nil {
		return c.SessionPrompt(p.number, turn)
	}
	return r.cfg.Prompts.Prompt(p.id(turn))
}

// checks is what the answer to it is held against.
func (r *runner) checks(p *part, turn int) check.Set {
	switch {
	case r.conversations() == nil:
		return r.cfg.Checks(p.id(turn))
	case turn == 0:
		return r.cfg.Checks(p.number)
	}
	return nil
}

// conversations are the prompts as such, where the run has sessions; else nil.
func (r *runner) conversations() Conversations {
	if r.cfg.Sessions == nil {
		return nil
	}
	c, _ := r.cfg.Prompts.(Conversations)
	return c
}

// writeAhead is how long before it is due a later turn is written: waiting turns
// are many, and each with its history is large.
const writeAhead = 10 * time.Millisecond

// next waits until the turn of p that follows is due and gives it, ready to be sent;
// nil when the session is over, or the run before that. done is when the turn
// before ended: from there on the wait counts, so that nothing of what a slow
// client adds is hidden.
func (r *runner) next(p part, turn int, done time.Time) *call {
	if turn++; turn >= p.turns {
		return nil
	}
	due := done.Add(p.Think[turn])
	// Nobody waits for what the run has no time for; that is looked at again, as the
	// measured part may begin meanwhile.
	if _, ok := r.within(&p, due); !ok || !sleep(r.issue, due.Add(-writeAhead)) {
		return nil
	}
	warm, ok := r.within(&p, due)
	if !ok {
		return nil
	}
	c := r.prepare(p, turn, warm)
	c.due, c.rec.ScheduledAt = due, due
	sent := sleep(r.issue, due)
	now := time.Now()
	if still, _ := r.within(&p, due); warm && !still { // the measured part began while it waited
		c.warm = false
		r.expect(c)
	}
	if !sent {
		if !due.After(now) {
			r.forgo(c, now)
		}
		return nil
	}
	c.behind, c.offered = now.Sub(due), now
	return c
}

// forgo records a request that was due and was not sent because the run was cut.
func (r *runner) forgo(c *call, now time.Time) {
	c.rec.Error, c.rec.DoneAt = request.Cancelled, now
	r.results <- c
}

// sleep waits until t; false: ctx ended.
func sleep(ctx context.Context, t time.Time) bool {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
