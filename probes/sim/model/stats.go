package model

import (
	"slices"
	"time"
)

// Stats is what the engine has done so far. Times are in seconds.
type Stats struct {
	Preemptions   int64
	PrefixQueries int64 // prompt tokens looked up in the prefix cache
	PrefixHits    int64 // prompt tokens found there
	PromptTokens  int64 // of prompts whose prefill is complete
	OutputTokens  int64
	Ended         map[string]int64 // by finish reason: length, stop, abort, error; refusals are not in it
	Refused       int64

	TTFT, ITL, TPOT, E2E       Histogram
	QueueTime, Prefill, Decode Histogram
	PromptLength, OutputLength Histogram

	second   int64         // the second that busy belongs to
	busy     time.Duration // of it: time in which something ran
	busyLast time.Duration // same of the second before
}

// Histogram counts values by upper bound, as Prometheus does.
type Histogram struct {
	Bounds []float64
	Counts []int64 // one more than Bounds; not cumulative
	Sum    float64
	Count  int64
}

func newHistogram(bounds []float64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]int64, len(bounds)+1)}
}

func (h *Histogram) observe(v float64) {
	i, _ := slices.BinarySearch(h.Bounds, v)
	h.Counts[i]++
	h.Sum += v
	h.Count++
}

func (h *Histogram) seconds(d time.Duration) { h.observe(d.Seconds()) }

func newStats(maxTokens int) Stats {
	// The bounds reach from a fast simulated service to a very slow real one.
	short := []float64{.0005, .001, .0025, .005, .0075, .01, .015, .02, .025, .03, .04, .05, .06, .075, .08, .1, .15, .2,
		.25, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}
	long := []float64{.005, .01, .025, .05, .1, .15, .2, .3, .4, .5, .65, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50,
		60, 120, 240, 480, 960, 1920, 7680}
	var tokens []float64
	for v, step := 1.0, 0; v <= float64(maxTokens); step++ {
		tokens = append(tokens, v)
		v *= [...]float64{2, 2.5, 2}[step%3] // 1, 2, 5, 10, …
	}
	return Stats{
		Ended: map[string]int64{},
		TTFT:  newHistogram(short), ITL: newHistogram(short), TPOT: newHistogram(short),
		E2E: newHistogram(long), QueueTime: newHistogram(long), Prefill: newHistogram(long), Decode: newHistogram(long),
		PromptLength: newHistogram(tokens), OutputLength: newHistogram(tokens),
	}
}

// start books the first start of s.
func (st *Stats) start(s *sequence) {
	st.QueueTime.seconds(s.first - s.arrive)
	st.PrefixQueries += int64(s.req.PromptTokens)
	st.PrefixHits += int64(s.cached)
}

// token books a token of s, which is already counted in s.generated.
func (st *Stats) token(s *sequence, now time.Duration) {
	st.OutputTokens++
	if s.generated == 1 {
		s.firstTok = now
		st.PromptTokens += int64(s.req.PromptTokens)
		st.TTFT.seconds(now - s.arrive)
		st.Prefill.seconds(now - s.first)
	} else {
		st.ITL.seconds(now - s.lastTok)
	}
	s.lastTok = now
}

// end books the end of s with ev.
func (st *Stats) end(s *sequence, now time.Duration, ev Event) {
	if s.output == 0 {
		st.Refused++
		return
	}
	name := ev.Reason.String()
	switch {
	case ev.Reason == OutOfMemory, ev.Fault != nil && ev.Fault.Kind == StreamError:
		name = "error"
	case ev.Reason == Faulted: // cut off: the engine sees a client that went away
		name = Cancelled.String()
	}
	st.Ended[name]++
	st.E2E.seconds(now - s.arrive)
	st.PromptLength.observe(float64(s.req.PromptTokens))
	st.OutputLength.observe(float64(s.generated))
	if s.generated > 0 {
		st.Decode.seconds(s.lastTok - s.firstTok)
	}
	if s.generated > 1 {
		st.TPOT.observe((s.lastTok - s.firstTok).Seconds() / float64(s.generated-1))
	}
}

// pass books the time between two moments as busy or idle, by whole seconds.
func (st *Stats) pass(from, to time.Duration, busy bool) {
	if sec := int64(to / time.Second); sec != st.second {
		edge := time.Duration(st.second+1) * time.Second
		st.busyLast = 0
		if busy {
			st.busyLast = time.Second
		}
		if sec == st.second+1 {
			st.busyLast = st.busy
			if busy {
				st.busyLast += edge - from
			}
		}
		st.second, st.busy, from = sec, 0, time.Duration(sec)*time.Second
	}
	if busy {
		st.busy += to - from
	}
}

// State is a copy of what can be seen of the engine from outside.
type State struct {
	Stats
	At       time.Duration
	Running  int
	Waiting  int
	KVUsed   int // blocks that sequences hold
	KVBlocks int // blocks of the cache as it was configured
	KVLost   int // of them: gone with leaked memory

	GPUUsedMiB     float64
	GPUFreeMiB     float64
	GPUUtilization float64 // share of the last full second in which something ran, 0..1
}

// KVUsage is the share of the cache that cannot be had, 0..1: what sequences hold and
// what a leak took, as an engine counts it that never gets its blocks back.
func (s State) KVUsage() float64 { return float64(s.KVUsed+s.KVLost) / float64(s.KVBlocks) }

// State is the present state.
func (e *Engine) State() State {
	e.leak(e.now)
	c := &e.cfg
	used := min(c.WeightsMiB+c.KVMemoryMiB+e.leaked(e.now), c.GPUMemoryMiB)
	s := State{
		Stats: e.stats, At: e.now,
		Running: len(e.running), Waiting: e.wait.len,
		KVUsed: e.kv.used(), KVBlocks: c.KVBlocks, KVLost: e.kv.lost,
		GPUUsedMiB: used, GPUFreeMiB: c.GPUMemoryMiB - used,
		GPUUtilization: e.stats.busyLast.Seconds(),
	}
	s.Stats = e.stats.clone()
	return s
}

func (st *Stats) clone() Stats {
	c := *st
	c.Ended = make(map[string]int64, len(st.Ended))
	for k, v := range st.Ended {
		c.Ended[k] = v
	}
	for _, h := range []*Histogram{&c.TTFT, &c.ITL, &c.TPOT, &c.E2E, &c.QueueTime, &c.Prefill, &c.Decode, &c.PromptLength, &c.OutputLength} {
		h.Counts = slices.Clone(h.Counts)
	}
	return c
}
