package loadreport

import (
	"time"

	"llmops/analysis/stats"
	"llmops/probes/request"
)

const (
	firstSlice = 100 * time.Millisecond
	maxArrival = 30 // slices; a table that people read whole
)

// Arrivals is how many requests of the open loop a stretch of the run asked for
// and how many were sent in it.
type Arrivals struct {
	FromS       float64  `json:"from_s"` // since the start of the measured part
	ToS         float64  `json:"to_s"`
	Asked       int64    `json:"asked"`                              // due in it
	Sent        int64    `json:"sent"`                               // sent in it, whenever they were due
	LatenessP99 *float64 `json:"dispatch_lateness_p99_us,omitempty"` // of those that were due in it
}

// arrivals counts them. Like timeline it doubles the width of its slices when
// they are used up.
type arrivals struct {
	width  time.Duration
	slices []arrivalSlice
}

type arrivalSlice struct {
	asked, sent int64
	lateness    stats.Sketch // ns
}

// arrived counts r, cut off or not.
func (a *Aggregator) arrived(r *request.Record) {
	if a.started {
		a.arrivals.add(a.line.base, r)
	}
}

func (a *arrivals) add(base time.Time, r *request.Record) {
	if !r.ScheduledAt.IsZero() {
		s := a.at(r.ScheduledAt.Sub(base))
		s.asked++
		if r.Lateness != nil {
			s.lateness.Add(int64(max(*r.Lateness, 0)))
		}
	}
	if !r.SentAt.IsZero() {
		a.at(r.SentAt.Sub(base)).sent++
	}
}

func (a *arrivals) at(since time.Duration) *arrivalSlice {
	if a.width == 0 {
		a.width = firstSlice
	}
	since = max(since, 0)
	for since/a.width >= maxArrival {
		for i := range a.slices {
			if i%2 == 0 {
				a.slices[i/2] = a.slices[i]
				continue
			}
			to, from := &a.slices[i/2], &a.slices[i]
			to.asked += from.asked
			to.sent += from.sent
			to.lateness.Merge(&from.lateness)
		}
		half := (len(a.slices) + 1) / 2
		clear(a.slices[half:]) // the sketches there live on in the first half
		a.slices = a.slices[:half]
		a.width *= 2
	}
	i := int(since / a.width)
	for len(a.slices) <= i {
		a.slices = append(a.slices, arrivalSlice{})
	}
	return &a.slices[i]
}

// summary is nil for the closed loop, where nothing is due.
func (a *arrivals) summary(mode string) (out []Arrivals) {
	if mode != "open" {
		return nil
	}
	for i := range a.slices {
		s := &a.slices[i]
		out = append(out, Arrivals{
			FromS: (time.Duration(i) * a.width).Seconds(), ToS: (time.Duration(i+1) * a.width).Seconds(),
			Asked: s.asked, Sent: s.sent, LatenessP99: distribution(&s.lateness, 1e3).P99,
		})
	}
	return out
}
