package load

import (
	"math"
	"runtime/metrics"
	"sync"
	"time"
)

// Health is what the client saw of its own state over the measured part of a
// run. A nil pointer is "not measured".
type Health struct {
	// SchedP99 and SchedMax are how long goroutines that could run waited for a
	// processor: what arrives and what is due waits for that too.
	SchedP99, SchedMax *time.Duration
	// Pauses counts the pauses that the garbage collector made, PauseMax is the
	// longest of them; nil when there was none.
	Pauses   uint64
	PauseMax *time.Duration
	// Stall is by how much the latest heartbeat was late: a stretch in which
	// nothing of this process ran, for whatever reason.
	Stall *time.Duration
	// LongestWait is the longest that anything can have waited: the larger of
	// SchedMax, which is of a sample of the waits, and Stall, and one heartbeat more
	// for what begins just after one.
	LongestWait *time.Duration
	// ClockStep is the largest jump of the wall clock against the monotonic
	// one, in either direction; nil when there was none.
	ClockStep *time.Duration
}

const (
	// heartbeat is the time between two looks at the clocks.
	heartbeat = 2 * time.Millisecond
	// adjustEvery is the number of heartbeats between two looks at the heap.
	adjustEvery = 50
	// clockStep is the least jump between two heartbeats that is a step. A clock
	// that is being corrected gains or loses at most some µs in that time.
	clockStep = time.Millisecond
	// clockWidth is how far apart two readings of the monotonic clock may lie
	// for the wall clock between them to be believed.
	clockWidth = 50 * time.Microsecond
)

// monitor watches this process while a run goes on.
type monitor struct {
	collector *collector

	mu    sync.Mutex
	from  time.Time // when the measured part begins; zero: not known yet
	base  runtimeStats
	ready bool // base is that of from
	stall time.Duration
	beats int
	step  time.Duration // with its sign

	offset     func() (time.Duration, bool) // of the wall clock against the monotonic one
	quit, done chan struct{}
}

// newMonitor begins to watch; offset is wallClock, except in tests.
func newMonitor(offset func() (time.Duration, bool)) *monitor {
	m := &monitor{offset: offset, collector: newCollector(), quit: make(chan struct{}), done: make(chan struct{})}
	go m.watch()
	return m
}

// begin tells when the measured part begins.
func (m *monitor) begin(from time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.from = from
	m.mark(time.Now())
}

// mark takes the base once the measured part has begun. The caller holds mu.
func (m *monitor) mark(now time.Time) bool {
	if !m.ready && !m.from.IsZero() && !now.Before(m.from.Add(-heartbeat)) {
		m.base, m.ready = readRuntime(), true
	}
	return m.ready
}

func (m *monitor) watch() {
	defer close(m.done)
	offset, known := m.offset()
	n := 0
	beat := time.NewTimer(heartbeat)
	defer beat.Stop()
	defer m.collector.release()
	for due := time.Now().Add(heartbeat); ; {
		over := false
		select {
		case <-m.quit:
			over = true
		case <-beat.C:
		}
		now := time.Now()
		late := now.Sub(due)
		if over && late <= 0 {
			return
		}
		next, ok := m.offset()
		m.mu.Lock()
		if m.mark(now) {
			m.beats++
			m.stall = max(m.stall, late)
			if d := next - offset; ok && known && max(d, -d) >= clockStep && max(d, -d) > max(m.step, -m.step) {
				m.step = d
			}
		}
		m.mu.Unlock()
		if over { // with a beat that was due: the stretch before the end counts too
			return
		}
		if ok {
			offset, known = next, true
		}
		if n++; n%adjustEvery == 0 {
			m.collector.adjust()
		}
		if late > heartbeat {
			due = now // the beats that were missed are one stall
		}
		due = due.Add(heartbeat)
		beat.Reset(time.Until(due))
	}
}

// stop ends the watch and tells what it saw.
func (m *monitor) stop() Health {
	close(m.quit)
	<-m.done
	var h Health
	if !m.ready {
		return h
	}
	if m.beats > 0 {
		h.Stall = &m.stall
	}
	if m.step != 0 {
		h.ClockStep = &m.step
	}
	now := readRuntime()
	h.SchedP99, h.SchedMax, _ = now.sched.since(m.base.sched)
	_, h.PauseMax, h.Pauses = now.pauses.since(m.base.pauses)
	if h.SchedMax != nil && h.Stall != nil {
		h.LongestWait = new(max(*h.SchedMax, *h.Stall) + heartbeat)
	}
	return h
}

// wallClock reads by how much more the wall clock has advanced since origin than
// the monotonic one. A reading is false when the thread was interrupted in it.
func wallClock(origin time.Time) func() (time.Duration, bool) {
	return func() (time.Duration, bool) {
		for range 5 {
			// Each reading is of the wall clock first, then of the monotonic one, so
			// that b's wall clock was read between a's and b's monotonic clocks.
			a, b := time.Now(), time.Now()
			if b.Sub(a) < clockWidth {
				return time.Duration(b.UnixNano()-origin.UnixNano()) - b.Sub(origin), true
			}
		}
		return 0, false
	}
}

// runtimeStats are the runtime's own histograms, from its start on.
type runtimeStats struct{ sched, pauses counts }

// counts is a histogram of seconds: bounds[i] to bounds[i+1] holds n[i].
type counts struct {
	bounds []float64
	n      []uint64
}

func readRuntime() runtimeStats {
	samples := []metrics.Sample{{Name: "/sched/latencies:seconds"}, {Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(samples)
	var out [2]counts
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindFloat64Histogram {
			h := s.Value.Float64Histogram()
			out[i] = counts{bounds: h.Buckets, n: h.Counts}
		}
	}
	return runtimeStats{sched: out[0], pauses: out[1]}
}

// since gives the 99th percentile and the greatest of what came after base, as
// the upper bound of its bucket, and how many came; nil where none did.
func (c counts) since(base counts) (p99, greatest *time.Duration, total uint64) {
	diff := make([]uint64, len(c.n))
	for i, n := range c.n {
		if diff[i] = n; i < len(base.n) {
			diff[i] -= base.n[i]
		}
		total += diff[i]
	}
	rank := total - total/100 // nearest rank of the 99th percentile
	var seen uint64
	for i, n := range diff {
		if n == 0 {
			continue
		}
		bound := c.bounds[i+1]
		if math.IsInf(bound, 1) {
			bound = c.bounds[i]
		}
		d := time.Duration(bound * float64(time.Second))
		if seen += n; p99 == nil && seen >= rank {
			p99 = &d
		}
		greatest = &d
	}
	return p99, greatest, total
}
