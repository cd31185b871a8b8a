package budget

import "llmops/rules/slo"

// alert replays one alert at every whole minute up to now.
//
// A burn rate changes only in minutes in which something enters or leaves a
// window, so only those are looked at; what holds in one of them holds up to the
// next. Nothing can fire before the first event.
func (j *judge) alert(a alert) Alert {
	out := Alert{Severity: a.Severity, Long: slo.FormatDuration(a.Long), Short: slo.FormatDuration(a.Short),
		Threshold: a.Threshold.Float64(), Fired: []Firing{}}
	if a.For > 0 {
		out.For = slo.FormatDuration(a.For)
	}
	w := replay{points: j.points, long: a.long, short: a.short}
	var since *int64 // burning from there on
	var firing bool
	last := j.now - (j.now%minute+minute)%minute
	for {
		t, ok := w.next()
		if since != nil && !firing {
			// The wait of the alert may end before anything else happens.
			if due := roundUp(*since+a.hold, minute); !ok || due < t {
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
		if !firing && t >= *since+a.hold {
			firing = true
			out.Fired = append(out.Fired, j.firing(t, a, w.inLong, w.inShort))
		}
	}
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

// replay slides two windows over points.
type replay struct {
	points          []point
	long, short     int64
	head            int // the first point that is not yet in
	longAt, shortAt int // the first that is still in
	inLong, inShort tally
}

// next is the next whole minute in which something changes.
func (w *replay) next() (int64, bool) {
	t, ok := int64(0), false
	take := func(i, most int, wait int64) {
		if i < most {
			if at := roundUp(w.points[i].end+wait, minute); !ok || at < t {
				t, ok = at, true
			}
		}
	}
	take(w.head, len(w.points), 0)
	take(w.longAt, w.head, w.long)
	take(w.shortAt, w.head, w.short)
	return t, ok
}

// advance moves both windows to (t-length, t].
func (w *replay) advance(t int64) {
	for ; w.head < len(w.points) && w.points[w.head].end <= t; w.head++ {
		w.inLong = w.inLong.plus(w.points[w.head].tally)
		w.inShort = w.inShort.plus(w.points[w.head].tally)
	}
	for ; w.longAt < w.head && w.points[w.longAt].end <= t-w.long; w.longAt++ {
		w.inLong = w.inLong.minus(w.points[w.longAt].tally)
	}
	for ; w.shortAt < w.head && w.points[w.shortAt].end <= t-w.short; w.shortAt++ {
		w.inShort = w.inShort.minus(w.points[w.shortAt].tally)
	}
}
