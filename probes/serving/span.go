package serving

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/probes/snapshot"
)

// span follows what a server counts from one reading on, however many come after it.
type span struct {
	mu      sync.Mutex // readings and the questions about them may come from two goroutines
	waiting bool       // the next reading is the first
	first   *page
	last    *page
	engine  *engine
	broken  error // why the counters of first and last do not belong together
}

// The reasons for which a span cannot be told.
var (
	// ErrNoSpan: fewer than two readings succeeded.
	ErrNoSpan = errors.New("the server's metrics were not read twice")
	// ErrRestarted: what was counted before the restart is lost.
	ErrRestarted = errors.New("the server was restarted: its counters went back")
	// ErrEngineChanged: another kind of server answers than at first.
	ErrEngineChanged = errors.New("another engine answers than at first")
	// ErrMixed: what several engines count is not added up.
	ErrMixed = errors.New("the servers are of different engines")
)

// Span is what servers did between two readings.
type Span struct {
	From, To time.Time // when the first of the readings, and the last, were answered
	// Server has the counts of all of that time, with Basis window. Its totals and
	// gauges are those of the last reading.
	Server snapshot.Server
}

// Begin has a span begin with the next reading that succeeds.
func (t *Target) Begin() {
	t.span.mu.Lock()
	defer t.span.mu.Unlock()
	t.span.waiting, t.span.first, t.span.last, t.span.engine, t.span.broken = true, nil, nil, nil, nil
}

// Began is when the first reading of the span was answered; false before it was.
func (t *Target) Began() (time.Time, bool) {
	t.span.mu.Lock()
	defer t.span.mu.Unlock()
	if t.span.first == nil {
		return time.Time{}, false
	}
	return t.span.first.at, true
}

// add takes a reading. Each is compared with the one before it and not only the last
// with the first: a counter that went back may have overtaken its old value since.
func (s *span) add(p *page, e *engine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.waiting:
		s.waiting, s.first, s.last, s.engine = false, p, p, e
		return
	case s.first == nil || s.broken != nil:
		return
	case e != s.engine:
		s.broken = ErrEngineChanged
	case p.restartedSince(*s.last):
		s.broken = ErrRestarted
	}
	s.last = p
}

// restartedSince tells that counters went back or are gone.
func (p page) restartedSince(before page) bool {
	if _, reset := p.minus(before); reset {
		return true
	}
	for name, list := range before.series {
		if !before.counts(name) {
			continue
		}
		left := map[uint64]bool{}
		for _, s := range p.series[name] {
			left[s.labels.Hash()] = true
		}
		for _, s := range list {
			if s.value > 0 && !left[s.labels.Hash()] {
				return true
			}
		}
	}
	return false
}

// Over tells what targets did together since their Begin. Errors: ErrNoSpan,
// ErrRestarted or ErrEngineChanged of one of them, with its
// URL; ErrMixed.
func Over(targets ...*Target) (Span, error) {
	var first, last page
	var out Span
	var e *engine
	for _, t := range targets {
		from, to, by, err := t.span.ends()
		switch {
		case err != nil:
			return Span{}, fmt.Errorf("%s: %w", t.shown, err)
		case e == nil:
			e, out.From, out.To = by, from.at, to.at
			out.Server.URL = t.shown
		case e != by:
			return Span{}, ErrMixed
		default:
			out.Server.URL = ""
		}
		// It is complete from when all have begun.
		if from.at.After(out.From) {
			out.From = from.at
		}
		if to.at.After(out.To) {
			out.To = to.at
		}
		if len(targets) == 1 {
			first, last = *from, *to
			break
		}
		first.join(*from, t.shown)
		last.join(*to, t.shown)
	}
	if e == nil {
		return Span{}, ErrNoSpan
	}
	counted, _ := last.minus(first)
	seconds := out.To.Sub(out.From).Seconds()
	s := &out.Server
	s.Up, s.Engine, s.Basis, s.WindowS = true, e.name, snapshot.OverWindow, &seconds
	e.fill(last, counted, seconds, s)
	return out, nil
}

func (s *span) ends() (first, last *page, e *engine, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken != nil:
		return nil, nil, nil, s.broken
	case s.first == nil || !s.last.at.After(s.first.at):
		return nil, nil, nil, ErrNoSpan
	}
	return s.first, s.last, s.engine, nil
}

// join adds the series of another server's page. A label keeps those of equal labels
// apart. When a process started is not taken over: it is that of one server.
func (p *page) join(other page, server string) {
	if p.series == nil {
		*p = page{at: other.at, series: map[string][]series{}, declared: map[string]model.MetricType{}}
	}
	maps.Copy(p.declared, other.declared)
	for name, list := range other.series {
		if name == startTime {
			continue
		}
		for _, s := range list {
			p.series[name] = append(p.series[name], series{labels.NewBuilder(s.labels).Set("llmops_server", server).Labels(), s.value})
		}
	}
}
