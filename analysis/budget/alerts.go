package budget

import (
	"math"

	"llmops/rules/slo"
)

// alert replays one alert at every whole minute up to now.
//
// A burn rate changes only in minutes in which something enters or leaves a
// window, so only those are looked at; what holds in one of them holds up to the
// next. Nothing can fire before the first event, nor before it is known whether it
// does.
func (j *judge) alert(a alert) Alert {
	out := Alert{Severity: a.Severity, Long: slo.FormatDuration(a.Long), Short: slo.FormatDuration(a.Short),
		Threshold: a.Threshold.Float64(), Fired: []Firing{}}
	if a.For > 0 {
		out.For = slo.FormatDuration(a.For)
	}
	w := j.replay(a)
	begin := j.covered(a)
	var since *int64 // burning from there on
	var firing bool
	last := j.now - (j.now%minute+minute)%minute
	for {
		t, ok := w.next()
		if since != nil && !firing {
			// The wait of the alert may end before anything else happens.
			if due := roundUp(max(*since+a.hold, begin), minute); !ok || due < t {
				t, ok = due, true
			}
		}
		if !ok || t > last {
			return out
		}
		w.advance(t)
		burns := j.exceeds(w.inLong, a.above, a.Op == slo.GreaterEqual) && j.exceeds(w.inShort, a.above, a.Op == slo.GreaterEqual)
		if !burns {
			if firing {
				out.Fired[len(out.Fired)-1].To = new(Time(t))
			}
			since, firing = nil, false
			continue
		}
		if since == nil {
			since = new(t)
		}
		if !firing && t >= max(*since+a.hold, begin) {
			firing = true
			out.Fired = append(out.Fired, j.firing(t, a, w.inLong, w.inShort))
		}
	}
}

// covered is when all that decides about an alert is known.
func (j *judge) covered(a alert) int64 {
	if j.frame.since == nil {
		return math.MinInt64
	}
	return *j.frame.since + j.slice + a.long + a.hold
}

func (j *judge) firing(t int64, a alert, long, short tally) Firing {
	f := Firing{From: Time(t)}
	// Without any budget the rate is infinite, and stays out.
	if b := j.burnOf(long); b != nil {
		f.BurnLong = *b
		f.BudgetSpent = *b * float64(a.long) / float64(j.window.span)
	}
	if b := j.burnOf(short); b != nil {
		f.BurnShort = *b
	}
	return f
}

// replay slides two windows over points: one reader ahead of both, and one at the
// end of each.
type replay struct {
	long, short     int64
	head            points // at the first point that is not yet in
	longAt, shortAt points // at the first that is still in
	inLong, inShort tally
}

func (j *judge) replay(a alert) *replay {
	w := &replay{long: a.long, short: a.short}
	for _, p := range []*points{&w.head, &w.longAt, &w.shortAt} {
		*p = j.after(math.MinInt64)
		p.next()
	}
	return w
}

// in tells whether the point that p is at is in a window.
func (w *replay) in(p *points) bool { return p.ok && (!w.head.ok || p.end < w.head.end) }

// next is the next whole minute in which something changes.
func (w *replay) next() (int64, bool) {
	t, ok := int64(0), false
	take := func(end int64) {
		if at := roundUp(end, minute); !ok || at < t {
			t, ok = at, true
		}
	}
	if w.head.ok {
		take(w.head.end)
	}
	if w.in(&w.longAt) {
		take(w.longAt.end + w.long)
	}
	if w.in(&w.shortAt) {
		take(w.shortAt.end + w.short)
	}
	return t, ok
}

// advance moves both windows to (t-length, t].
func (w *replay) advance(t int64) {
	for ; w.head.ok && w.head.end <= t; w.head.next() {
		w.inLong = w.inLong.plus(w.head.tally)
		w.inShort = w.inShort.plus(w.head.tally)
	}
	for ; w.in(&w.longAt) && w.longAt.end <= t-w.long; w.longAt.next() {
		w.inLong = w.inLong.minus(w.longAt.tally)
	}
	for ; w.in(&w.shortAt) && w.shortAt.end <= t-w.short; w.shortAt.next() {
		w.inShort = w.inShort.minus(w.shortAt.tally)
	}
}
