package loadreport

import (
	"slices"
	"sync"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/request"
	"llmops/probes/snapshot"
)

// ServerSide puts what the engine shows during a run beside what the client sees. It
// is safe for concurrent use, and its memory does not grow with the run.
type ServerSide struct {
	mu       sync.Mutex
	from     time.Time // since when the engine's counts are
	inFlight int64     // requests on their way then
	pending  []first   // first tokens before that is known
	silent   int64     // requests without a first token

	ttft, own, connect, read stats.Sketch // ns; see first
	levels                   levels
	course                   []ServerMoment
	stride, skipped          int // of the course: every so many are kept
}

// first is the first token of a request: when it came, how long it took since the
// request was due and could have been sent, how much of that was the client's lateness
// in sending and how much went into a connection, and how late at most it was read.
type first struct {
	at                       time.Time
	ttft, own, connect, read time.Duration
}

// maxPending bounds the first tokens that wait for the beginning of the window: the
// newest are the ones that may be in it.
const maxPending = 1 << 16

// Add takes a measured request, also one that failed or was cut: the engine counts
// its first token too.
func (x *ServerSide) Add(r *request.Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if r.FirstTokenAt.IsZero() || r.SentAt.IsZero() {
		x.silent++
		return
	}
	f := first{at: r.FirstTokenAt, ttft: r.FirstTokenAt.Sub(r.SentAt)}
	if !r.ScheduledAt.IsZero() && r.Lateness != nil {
		// The wait for a cap on concurrency was asked for, and is left out.
		f.own = max(min(*r.Lateness, r.SentAt.Sub(r.ScheduledAt)), 0)
	}
	f.ttft += f.own
	if len(r.Chunks) > 1 && r.Chunks[1].Joined { // it may have come long before the rest of its read
		f.read = r.FirstTokenAt.Sub(r.SentAt)
		if r.ReadLag != nil {
			f.read = min(f.read, *r.ReadLag)
		}
	}
	if r.ConnectMs != nil {
		f.connect = time.Duration(nanoseconds(*r.ConnectMs))
	}
	if !x.from.IsZero() {
		x.count(f)
		return
	}
	if len(x.pending) >= maxPending {
		x.pending = slices.Delete(x.pending, 0, maxPending/2)
	}
	x.pending = append(x.pending, f)
}

func (x *ServerSide) count(f first) {
	if f.at.Before(x.from) {
		return
	}
	x.ttft.Add(int64(f.ttft))
	x.own.Add(int64(f.own))
	x.connect.Add(int64(f.connect))
	x.read.Add(int64(f.read))
}

// Begin tells since when the engine's counts are, and how many requests were on their
// way then, of which one side may count what the other does not.
func (x *ServerSide) Begin(at time.Time, inFlight int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.from, x.inFlight = at, inFlight
	for _, f := range x.pending {
		x.count(f)
	}
	x.pending = nil
}

// ServerMoment is a reading.
type ServerMoment struct {
	At                                   time.Time
	KVCacheUtilization, Running, Waiting *float64
	GPUs                                 []GPUMoment
}

// GPUMoment is a GPU of this machine at a reading.
type GPUMoment struct {
	Label                          string
	Utilization, MemoryUtilization *float64
	PowerW                         *float64
}

// maxMoments bounds the course; a chart draws fewer.
const maxMoments = 4096

// See takes a reading that was made while load was measured.
func (x *ServerSide) See(s snapshot.Snapshot) {
	x.mu.Lock()
	defer x.mu.Unlock()
	m := momentOf(s)
	x.levels.add(m)
	x.stride = max(x.stride, 1)
	if x.skipped++; x.skipped < x.stride {
		return
	}
	x.skipped = 0
	if len(x.course) >= maxMoments {
		for i := range maxMoments / 2 {
			x.course[i] = x.course[2*i+1]
		}
		x.course = x.course[:maxMoments/2]
		x.stride *= 2
	}
	x.course = append(x.course, m)
}

// Course is how the server went over time.
func (x *ServerSide) Course() []ServerMoment {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.course)
}

// momentOf takes servers together: requests add up, the fullest cache counts. A server
// that did not tell leaves the sum open.
func momentOf(s snapshot.Snapshot) ServerMoment {
	m := ServerMoment{At: s.TakenAt}
	var running, waiting []*float64
	for _, x := range s.Servers {
		running, waiting = append(running, x.Running), append(waiting, x.Waiting)
		if kv := x.KVCacheUtilization; kv != nil && (m.KVCacheUtilization == nil || *kv > *m.KVCacheUtilization) {
			m.KVCacheUtilization = kv
		}
	}
	m.Running, m.Waiting = sumOf(running), sumOf(waiting)
	for i := range s.GPUs {
		g := &s.GPUs[i]
		x := GPUMoment{Label: gpuLabel(g), Utilization: g.Utilization}
		if g.Memory != nil {
			x.MemoryUtilization = g.Memory.Utilization
		}
		if g.Power != nil {
			x.PowerW = g.Power.DrawW
		}
		m.GPUs = append(m.GPUs, x)
	}
	return m
}

// sumOf is nil when there is nothing, or a part of it is missing.
func sumOf(list []*float64) *float64 {
	if len(list) == 0 || slices.Contains(list, nil) {
		return nil
	}
	total := 0.0
	for _, v := range list {
		total += *v
	}
	return &total
}
