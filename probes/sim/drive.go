package sim

import (
	"sync"
	"time"

	"llmops/probes/sim/model"
)

// mailbox carries the events of one sequence to its handler. It never blocks
// the side that fills it: a slow client must not slow the others down.
type mailbox struct {
	mu    sync.Mutex
	queue []model.Event
	spare []model.Event
	ready chan struct{}
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (m *mailbox) put(ev model.Event) {
	m.mu.Lock()
	m.queue = append(m.queue, ev)
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take waits for events and returns all there are. The slice is valid until
// the next call. Every sequence ends with an event, so it always returns.
func (m *mailbox) take() []model.Event {
	for {
		<-m.ready
		m.mu.Lock()
		evs := m.queue
		m.queue, m.spare = m.spare[:0], evs
		m.mu.Unlock()
		if len(evs) > 0 {
			return evs
		}
	}
}

// now is the model's time. It is taken from the monotonic clock.
func (s *Server) now() time.Duration { return time.Since(s.wall) }

// unix is a model time as Unix nanoseconds, free of clock steps since the start.
func (s *Server) unix(t time.Duration) int64 { return s.wall.UnixNano() + int64(t) }

// submit lets a request arrive now.
func (s *Server) submit(r model.Request) (model.ID, *mailbox) {
	box := newMailbox()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.engine.Advance(now, s.emit)
	id := s.engine.Submit(now, r)
	s.streams[id] = box
	s.engine.Advance(now, s.emit)
	s.arm()
	return id, box
}

// cancel lets the client of id leave now.
func (s *Server) cancel(id model.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.engine.Advance(now, s.emit)
	s.engine.Cancel(now, id)
	s.engine.Advance(now, s.emit)
	s.arm()
}

// deliver hands an event to its handler; s.mu is held.
func (s *Server) deliver(ev model.Event) {
	box := s.streams[ev.ID]
	if ev.Reason != model.None {
		delete(s.streams, ev.ID)
	}
	box.put(ev)
}

// arm makes sure that a driver runs while something is due, and that it wakes
// in time; s.mu is held. Without work there is no driver, so a server that is
// dropped leaves nothing behind.
func (s *Server) arm() {
	next, ok := s.engine.Next()
	switch {
	case !ok:
	case !s.driving:
		s.driving = true
		go s.drive()
	case s.alarm != nil && next < s.armed:
		s.armed = next
		s.alarm.set(next - s.now())
	}
}

// drive advances the model to the present whenever something is due. Deadlines
// are the model's own, so lateness of one wake-up never adds to the next.
func (s *Server) drive() {
	a := newAlarm()
	defer a.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm = a
	for {
		now := s.now()
		s.engine.Advance(now, s.emit)
		next, ok := s.engine.Next()
		if !ok {
			s.driving, s.alarm = false, nil
			return
		}
		now = s.now()
		if next <= now {
			continue
		}
		s.armed = next
		a.set(next - now)
		s.mu.Unlock()
		a.wait()
		s.mu.Lock()
	}
}
