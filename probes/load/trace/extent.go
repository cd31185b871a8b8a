package trace

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ScaleFor is the scale at which the rows arrive at a mean rate, a second.
func (t *Trace) ScaleFor(rate float64) (float64, error) {
	if !(rate > 0) || math.IsInf(rate, 0) {
		return 0, fmt.Errorf("%v requests a second: want a number above 0", rate)
	}
	if t.Len() < 2 || t.Span() <= 0 {
		return 0, errors.New("all rows of the trace arrive at the same time: they have no rate")
	}
	return rate * t.Span().Seconds() / float64(t.Len()-1), nil
}

// Measured is the number of requests behind the warm-up.
func (p *Plan) Measured() int64 { return int64(p.trace.Len()) - p.warm }

// Span is the time from the first to the last arrival, as it is played.
func (p *Plan) Span() time.Duration { return p.scaled(p.trace.Span()) }

// SpanOf is the time from the first arrival to the last of the first n rows.
func (p *Plan) SpanOf(n int) time.Duration {
	if n = min(n, p.trace.Len()); n < 1 {
		return 0
	}
	return p.scaled(p.trace.rows[n-1].at)
}

// Within is the number of rows that a run sends, warm-up included, that ends after
// so many measured requests, or with arrivals after so long a time; 0: no limit.
func (p *Plan) Within(requests int64, duration time.Duration) int {
	n, from, s := int64(0), p.o.WarmupDuration, 0
	for at := range p.Times() {
		if n <= p.warm && p.o.WarmupRequests > 0 {
			from = max(from, at) // the measured part begins with the first behind the warm-up
		}
		if n >= p.warm && duration > 0 && at-from >= duration {
			break
		}
		n += int64(p.turns(s))
		s++
	}
	if requests > 0 {
		n = min(n, p.warm+requests)
	}
	return int(n)
}

// Scale is how many times as fast as it was the trace is played.
func (p *Plan) Scale() float64 { return p.o.Scale }

// Over is how many of the first n requests need more tokens for prompt and output
// together.
func (p *Plan) Over(n, tokens int) (over int) {
	for k := range min(n, p.trace.Len()) {
		input, output := p.size(p.place(k))
		if min(input, p.clip())+output > tokens {
			over++
		}
	}
	return over
}

// Clipped is how many of the first n requests, warm-up included, have a longer
// prompt in the trace than is sent.
func (p *Plan) Clipped(n int) (clipped int) {
	if p.o.MaxPrompt == 0 {
		return 0
	}
	for k := range min(n, p.trace.Len()) {
		if input, _ := p.size(p.place(k)); input > p.o.MaxPrompt {
			clipped++
		}
	}
	return clipped
}
