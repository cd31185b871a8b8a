package loadreport

import (
	"maps"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/request"
)

const (
	firstCell = 100 * time.Millisecond
	maxCells  = 120 // of a chart; more than that nobody tells apart
)

// cell is what ended within a stretch of the run.
type cell struct {
	bin
	errors                             map[string]int64
	latency, ttft, tpot, itl, lateness stats.Sketch // ns
}

func (c *cell) merge(o *cell) {
	c.bin.add(o.bin)
	for class, n := range o.errors {
		c.count(class, n)
	}
	c.latency.Merge(&o.latency)
	c.ttft.Merge(&o.ttft)
	c.tpot.Merge(&o.tpot)
	c.itl.Merge(&o.itl)
	c.lateness.Merge(&o.lateness)
}

func (c *cell) count(class string, n int64) {
	if c.errors == nil {
		c.errors = map[string]int64{}
	}
	c.errors[class] += n
}

// course keeps how a run went over time, for charts. Like timeline it doubles
// the width of its cells when they are used up.
type course struct {
	width time.Duration
	cells []cell
}

// add takes a request that ended so long after the start of the measured part.
func (t *course) add(since time.Duration, r *request.Record, b bin, class string) {
	if t.width == 0 {
		t.width = firstCell
	}
	since = max(since, 0)
	for since/t.width >= maxCells {
		for i := range t.cells {
			if i%2 == 0 {
				t.cells[i/2] = t.cells[i]
			} else {
				t.cells[i/2].merge(&t.cells[i])
			}
		}
		half := (len(t.cells) + 1) / 2
		clear(t.cells[half:]) // the sketches there live on in the first half
		t.cells = t.cells[:half]
		t.width *= 2
	}
	i := int(since / t.width)
	for len(t.cells) <= i {
		t.cells = append(t.cells, cell{})
	}
	c := &t.cells[i]
	c.bin.add(b)
	if class != "" {
		c.count(class, 1)
	}
	if r.Lateness != nil {
		c.lateness.Add(int64(max(*r.Lateness, 0)))
	}
	if !r.OK {
		return
	}
	for _, m := range []struct {
		to *stats.Sketch
		ms *float64
	}{{&c.latency, r.LatencyMs}, {&c.ttft, r.TTFTms}, {&c.tpot, r.TPOTms}} {
		if usable(m.ms) {
			m.to.Add(nanoseconds(*m.ms))
		}
	}
	for i := 1; i < len(r.Chunks); i++ {
		_, perToken := Gap(r.Chunks, i)
		c.itl.Add(nanoseconds(perToken))
	}
}

// Moment is a stretch of a run: what ended in it.
type Moment struct {
	From, To          time.Duration // since the start of the measured part
	Succeeded, Failed int64
	Tokens            int64            // of the succeeded
	Errors            map[string]int64 // failed requests by class
	Latency, TTFT     Distribution     // ms
	TPOT, ITL         Distribution     // ms
	Lateness          Distribution     // µs
}

// Course is how the run went over time, in at most 120 stretches of equal length.
func (a *Aggregator) Course() []Moment {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Moment
	for i := range a.course.cells {
		c := &a.course.cells[i]
		out = append(out, Moment{
			From: time.Duration(i) * a.course.width, To: time.Duration(i+1) * a.course.width,
			Succeeded: c.succeeded, Failed: c.failed, Tokens: c.tokens, Errors: maps.Clone(c.errors),
			Latency: distribution(&c.latency, 1e6), TTFT: distribution(&c.ttft, 1e6),
			TPOT: distribution(&c.tpot, 1e6), ITL: distribution(&c.itl, 1e6), Lateness: distribution(&c.lateness, 1e3),
		})
	}
	return out
}
