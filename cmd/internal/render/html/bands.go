package html

import (
	"errors"
	"fmt"
	"math"
	"time"

	"llmops/cmd/internal/render"
)

// Bands are stretches of one common time, a lane for each thing that has some.
// They are drawn without a script.
type Bands struct{ Lanes []Lane }

// Lane is what happened to one thing. Kind is that of its symbol.
type Lane struct {
	Label string
	Kind  Kind
	Bands []Band
}

// Band is a stretch of time; a moment, where To is From. Open tells that it was not
// over at To.
type Band struct {
	From, To time.Time
	Kind     Kind
	Open     bool
	Label    string
}

// lanes are bands in percent of the width.
type lanes struct {
	Alt   string
	Ticks []tick
	Lanes []lane
}

type tick struct{ At, Label string }

type lane struct {
	Label string
	Kind  Kind
	Bands []placed
}

type placed struct {
	At, Width, Title string
	Kind             Kind
	Open             bool
}

func (b *Bands) layOut() (*lanes, error) {
	first, last, err := b.extent()
	if err != nil {
		return nil, err
	}
	whole := max(last.Sub(first), time.Second)
	at := func(t time.Time) float64 { return 100 * float64(t.Sub(first)) / float64(whole) }
	out := &lanes{Alt: fmt.Sprintf("time line from %s to %s, %s; the table below has it in words", render.Clock(first), render.Clock(last), render.Plural(len(b.Lanes), "lane"))}
	for _, l := range b.Lanes {
		if err := l.Kind.check(); err != nil {
			return nil, err
		}
		drawn := lane{Label: l.Label, Kind: l.Kind}
		for _, x := range l.Bands {
			if err := x.Kind.check(); err != nil {
				return nil, err
			}
			drawn.Bands = append(drawn.Bands, placed{percent(at(x.From)), percent(at(x.To) - at(x.From)), x.Label, x.Kind, x.Open})
		}
		out.Lanes = append(out.Lanes, drawn)
	}
	step := tickStep(whole)
	shape := "15:04"
	switch {
	case step < time.Minute:
		shape = "15:04:05"
	case step >= 24*time.Hour:
		shape = "2006-01-02"
	case whole > 24*time.Hour:
		shape = "01-02 15:04"
	}
	for t := first.UTC().Truncate(step); !t.After(last); t = t.Add(step) {
		label := t.Format(shape)
		if p := at(t); p >= 0 && p <= 100-widest*float64(len(label)) { // a label further right would leave the drawing
			out.Ticks = append(out.Ticks, tick{percent(p), label})
		}
	}
	return out, nil
}

func (b *Bands) extent() (first, last time.Time, err error) {
	some := false
	for _, l := range b.Lanes {
		for _, x := range l.Bands {
			if x.To.Before(x.From) {
				return first, last, fmt.Errorf("a band of lane %q ends before it begins", l.Label)
			}
			if !some || x.From.Before(first) {
				first = x.From
			}
			if !some || x.To.After(last) {
				last = x.To
			}
			some = true
		}
	}
	if !some {
		return first, last, errors.New("there is no band in the bands")
	}
	return first, last, nil
}

// widest is what a character of a label takes on a telephone, percent.
const widest = 2.2

// tickStep gives as many ticks as fit a telephone: five, or four that say the day.
func tickStep(whole time.Duration) time.Duration {
	const day = 24 * time.Hour
	fit := time.Duration(5)
	if whole > day {
		fit = 4
	}
	for _, step := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day, 30 * day, 90 * day,
	} {
		if whole/step < fit {
			return step
		}
	}
	return (whole / 4).Truncate(day) + day
}

// percent has as many digits as a screen can show.
func percent(v float64) string { return fmt.Sprintf("%.3f", math.Max(0, math.Min(100, v))) }
