package trace

import (
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"llmops/probes/load"
	"llmops/probes/load/api"
	"llmops/probes/load/length"
)

// PlanOptions say how a trace is played.
type PlanOptions struct {
	// Scale is how many times as fast as it was the trace is played: 2 halves every
	// gap between arrivals, and every think time. 0 is 1.
	Scale float64
	Seed  uint64 // of the words
	// Input and Output are the lengths where the trace does not say; zero: 1 word,
	// and no limit.
	Input, Output length.Dist
	MaxPrompt     int // longer prompts are clipped to so many tokens; 0: none are
	// Think lets each later turn of a session wait for the end of the one before,
	// and for the think time of the trace. Else every row is sent when the trace says.
	Think bool
	// WarmupRequests and WarmupDuration are those of the load test: what falls into
	// them are the first rows.
	WarmupRequests int64
	WarmupDuration time.Duration
}

// Plan is a trace as a load test plays it: its schedule, sessions, prompts and
// cancellations. Requests are numbered as load.Config numbers them: the rows in
// order of arrival, with Think those of a session behind each other. It is not
// changed once it is made.
type Plan struct {
	trace *Trace
	o     PlanOptions
	order []int32 // rows by number; nil: as they are
	begin []int32 // places in order where the sessions begin; nil: each row does
	warm  int64   // rows in the warm-up
	skip  int     // sessions in the warm-up
}

// NewPlan makes a plan. The error says what of o cannot be done.
func NewPlan(t *Trace, o PlanOptions) (*Plan, error) {
	if o.Scale == 0 {
		o.Scale = 1
	}
	if !(o.Scale > 0) || math.IsInf(o.Scale, 0) || t.Span().Seconds()/o.Scale > maxSeconds {
		return nil, fmt.Errorf("time scale %v cannot be used on a trace of %v", o.Scale, t.Span())
	}
	p := &Plan{trace: t, o: o}
	if o.Think {
		if t.Sessions() == 0 {
			return nil, fmt.Errorf("the trace has no sessions: %s rows do not say which belong together", t.Format)
		}
		for turns := range t.Turns() {
			p.begin = append(p.begin, int32(len(p.order)))
			for _, i := range turns {
				p.order = append(p.order, int32(i))
			}
		}
	}
	for at := range p.Times() {
		// As load.Run does: the warm-up ends with the first arrival behind both.
		if p.warm >= o.WarmupRequests && at >= o.WarmupDuration {
			break
		}
		p.warm += int64(p.turns(p.skip))
		p.skip++
	}
	return p, nil
}

// Validate implements load.Schedule; NewPlan has checked.
func (p *Plan) Validate() error { return nil }

// Times implements load.Schedule: the arrivals since the first, of rows or, with
// Think, of sessions.
func (p *Plan) Times() iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for s := range p.sessions() {
			if !yield(p.scaled(p.trace.rows[p.first(s)].at)) {
				return
			}
		}
	}
}

// scaled is in whole microseconds, which are the same on every machine.
func (p *Plan) scaled(d time.Duration) time.Duration {
	return time.Duration(math.Round(float64(d)/p.o.Scale/1e3)) * time.Microsecond
}

func (p *Plan) sessions() int {
	if p.begin == nil {
		return p.trace.Len()
	}
	return len(p.begin)
}

// first is the first row of session s, counted from the start of the trace.
func (p *Plan) first(s int) int {
	if p.begin == nil {
		return s
	}
	return int(p.order[p.begin[s]])
}

func (p *Plan) turns(s int) int {
	switch {
	case p.begin == nil:
		return 1
	case s+1 < len(p.begin):
		return int(p.begin[s+1] - p.begin[s])
	}
	return len(p.order) - int(p.begin[s])
}

// Session implements load.Sessions.
func (p *Plan) Session(number int64) load.Session {
	s := int(number)
	if number < 0 {
		s = int(^number)
	} else {
		s += p.skip
	}
	if s >= p.sessions() {
		return load.Session{}
	}
	i := p.first(s)
	row := p.trace.Row(i)
	key := row.Session
	if key == "" { // else the engine numbers it, and a session may have that for a name
		key = "row-" + strconv.Itoa(i)
	}
	if p.begin == nil {
		return load.Session{Key: key}
	}
	out := load.Session{Key: key, Think: make([]time.Duration, 1, p.turns(s))}
	for k := range p.turns(s) - 1 {
		next := p.trace.Row(int(p.order[int(p.begin[s])+k+1]))
		out.Think = append(out.Think, p.scaled(max(next.At-row.At-row.Took, 0)))
		row = next
	}
	return out
}

// Row is the row of the trace that is request number id; ok is false beyond the
// end of the trace.
func (p *Plan) Row(id int64) (row Row, ok bool) {
	i, ok := p.row(id)
	if !ok {
		return Row{}, false
	}
	return p.trace.Row(i), true
}

func (p *Plan) row(id int64) (int, bool) {
	n := id + p.warm
	if id < 0 {
		n = ^id
	}
	if n < 0 || n >= int64(p.trace.Len()) {
		return 0, false
	}
	return p.place(int(n)), true
}

// Cancels tells whether the trace has requests that were cut off.
func (p *Plan) Cancels() bool { return p.trace.cut != nil }

// Cancel is for load.Config: requests that were cut off in the trace are cut off
// after as long a time, whatever the scale.
func (p *Plan) Cancel(id int64) load.Cancellation {
	row, _ := p.Row(id)
	return load.Cancellation{After: row.CutAfter}
}

// Prompt implements prompt.Source: words for as many tokens as the trace says.
// Rows with blocks share the text of those that they share; turns of a session
// begin with the words of the turn before; all others have words of their own.
func (p *Plan) Prompt(id int64) api.Prompt {
	i, ok := p.row(id)
	if !ok {
		i = 0 // a closed loop that goes on: the engine never asks for it in the open one
	}
	input, output := p.size(i)
	return api.Prompt{Text: p.text(i, min(input, p.clip())), MaxTokens: output}
}

func (p *Plan) clip() int {
	if p.o.MaxPrompt > 0 {
		return p.o.MaxPrompt
	}
	return length.Max
}

// Size is the length of the prompt and the limit on the output of request number
// id, as they are sent, in tokens; limit 0: none.
func (p *Plan) Size(id int64) (input, limit int) {
	i, ok := p.row(id)
	if !ok {
		return 0, 0
	}
	input, limit = p.size(i)
	return min(input, p.clip()), limit
}

// place is the row that is number k from the start of the trace.
func (p *Plan) place(k int) int {
	if p.order == nil {
		return k
	}
	return int(p.order[k])
}
