package detect

import (
	"iter"
	"math"
)

// A Row is a time in ms since the epoch and a value; NaN: it is missing.
type Row struct {
	T int64
	V float64
}

// An Anomaly is a stretch of a series that is unusual. Times are in ms since the epoch.
type Anomaly struct {
	Series           string
	From, To, PeakAt int64
	Value            float64 // at the peak; of a counter its rate by second
	Low, High        float64 // what was expected at the peak; NaN: not known
	Score            float64 // the greatest
	P                float64 // the least p-value of its rows; 0: a rule found it, which has none
	Channels         Set
	Rule             string // that found it, in place of channels
	Rows             int    // that are strange, within it
}

// An Event is something about the measurement that is no anomaly by itself.
type Event struct {
	Series   string
	Kind     EventKind
	From, To int64 // the rows before and after it
}

// EventKind tells events apart.
type EventKind string

// The kinds of events.
const (
	Gap   EventKind = "gap"   // no values for many times the usual step
	Reset EventKind = "reset" // a counter began anew
)

// A Judgement is what was found in one series.
type Judgement struct {
	Rows, Values int   // all rows, and those with a value
	Judged       bool  // there were values enough to say anything
	Last         int64 // the latest time of a row with a value, in ms since the epoch
	Anomalies    []Anomaly
	Events       []Event
}

// Intervals of alerts: one begins with a score of Alert, goes on while rows are half as
// strange, and ends when more rows than patience in a row are not.
const (
	holding  = 1.0 / 3 // level of half the limit
	patience = 3
)

// Judge scores the rows of a series with a new detector, gives each score to each (if
// not nil), and gathers what is unusual. A healthy period is learnt from first, if there
// is one.
func Judge(series string, all iter.Seq[Row], healthy []Row, o Options, each func(Score)) Judgement {
	d := New(o)
	d.Train(healthy)
	j := Judgement{}
	open, quiet := false, 0
	var now Anomaly
	gaps := gapFinder{}
	for r := range all {
		resets := d.Resets()
		s := d.Next(r.T, r.V)
		j.Rows++
		if each != nil {
			each(s)
		}
		if math.IsNaN(r.V) || math.IsInf(r.V, 0) {
			continue
		}
		j.Values++
		j.Last = max(j.Last, r.T)
		if from, ok := gaps.next(r.T); ok {
			j.Events = append(j.Events, Event{series, Gap, from, r.T})
		}
		if d.Resets() > resets {
			j.Events = append(j.Events, Event{series, Reset, gaps.before, r.T})
			continue // it says nothing about what was before or is after it
		}
		switch {
		case s.Value >= Alert:
			if !open {
				now, open = Anomaly{Series: series, From: r.T, To: r.T}, true
			}
			fallthrough
		case open && s.Level >= holding && !now.over(d.values.of(r.V)):
			quiet = 0
			now.add(r, s, &d.values)
		case open:
			if quiet++; quiet > patience {
				j.Anomalies, open = append(j.Anomalies, now), false
			}
		}
	}
	if open {
		j.Anomalies = append(j.Anomalies, now)
	}
	j.Judged = d.Judged()
	return j
}

// over tells whether a value is as was expected when the anomaly was at its peak: what
// looks at many rows at once stays strange for as long as the peak is among them.
func (a *Anomaly) over(v float64) bool { return v >= a.Low && v <= a.High }

// add counts a strange row to the anomaly.
func (a *Anomaly) add(r Row, s Score, v *judged) {
	a.Rows++
	a.From, a.To = min(a.From, r.T), max(a.To, r.T) // times may fall
	a.Channels |= s.Channels
	if a.Rows == 1 || s.P < a.P {
		a.P = s.P
	}
	if s.Level > a.Score {
		a.Score, a.PeakAt, a.Low, a.High = s.Level, r.T, s.Low, s.High
		a.Value = v.of(r.V)
	}
}

// A gapFinder finds where rows are missing: more than 5 times the median of the steps
// before, of which there are 8 or more.
type gapFinder struct {
	rows   int
	before int64 // the row before
	last   int64
	steps  [15]float64
	n      int
}

const (
	gapSteps = 5
	gapWarm  = 8
)

// next takes the time of a row with a value; ok: there was a gap since from.
func (g *gapFinder) next(t int64) (from int64, ok bool) {
	g.before, g.last = g.last, t
	if g.rows++; g.rows == 1 {
		g.before = t
		return 0, false
	}
	step := float64(t - g.before)
	if step <= 0 {
		return 0, false
	}
	if g.n >= gapWarm {
		seen := g.steps
		if ok = step > gapSteps*median(seen[:min(g.n, len(seen))]); ok {
			return g.before, true
		}
	}
	g.steps[g.n%len(g.steps)] = step
	g.n++
	return 0, false
}
