package compare

import (
	"cmp"
	"math"
	"slices"
)

// Request is what is known of one request of a run.
type Request struct {
	Place  int64 // in the order of the schedule: its number, or when it began
	Failed bool
	// Start and End are in seconds since any moment; both 0 where not known.
	Start, End float64
	Tokens     float64 // that came of it
	// Values are its times by metric, such as ttft_ms; of a failed request none count.
	Values map[string]float64
	Gaps   []float64 // between its chunks, ms
}

// A Builder makes a Run of requests, which may come in any order.
type Builder struct {
	total   int64
	failed  []int64
	columns map[string][]placed
	spans   []span
}

// placed is a value at its place in the schedule.
type placed struct {
	place int64
	value float64
}

type span struct{ start, end, tokens float64 }

// Add counts a request. It keeps nothing of r.
func (b *Builder) Add(r Request) {
	if b.Count(r.Place, r.Failed); r.Failed {
		return
	}
	for metric, v := range r.Values {
		b.Value(metric, r.Place, v)
	}
	for _, v := range r.Gaps {
		b.Gap(r.Place, v)
	}
	if r.End > r.Start {
		b.Span(r.Start, r.End, r.Tokens)
	}
}

// Count counts a request that succeeded or failed.
func (b *Builder) Count(place int64, failed bool) {
	b.total++
	if failed {
		b.failed = append(b.failed, place)
	} else {
		b.put("", place, 0)
	}
}

// Value keeps a time of a succeeded request; one that is negative or no number is
// left out.
func (b *Builder) Value(metric string, place int64, v float64) {
	if v >= 0 && !math.IsInf(v, 1) {
		b.put(metric, place, v)
	}
}

func (b *Builder) put(metric string, place int64, v float64) {
	if b.columns == nil {
		b.columns = map[string][]placed{}
	}
	b.columns[metric] = append(b.columns[metric], placed{place, v})
}

// Gap keeps a time between two chunks of a request, ms.
func (b *Builder) Gap(place int64, v float64) { b.Value("chunk_gap_ms", place, v) }

// Span keeps when a succeeded request went on, in seconds, and its tokens.
func (b *Builder) Span(start, end, tokens float64) {
	b.spans = append(b.spans, span{start, end, tokens})
}

// Run gives what was added.
func (b *Builder) Run(name string) Run {
	r := Run{Name: name, Total: b.total, Values: map[string][]float64{}}
	byPlace := func(x, y placed) int { return cmp.Compare(x.place, y.place) }
	slices.Sort(b.failed)
	for metric, column := range b.columns {
		slices.SortStableFunc(column, byPlace)
		if metric == "" {
			r.Failed = ranks(b.failed, column)
			continue
		}
		values := make([]float64, len(column))
		for i, v := range column {
			values[i] = v.value
		}
		r.Values[metric] = values
	}
	if b.columns[""] == nil {
		r.Failed = ranks(b.failed, nil)
	}
	r.Slices = slicesOf(b.spans)
	return r
}

// ranks are the places of failed requests when all are numbered from 0.
func ranks(failed []int64, succeeded []placed) []int64 {
	out, next := make([]int64, len(failed)), 0
	for i, place := range failed {
		for next < len(succeeded) && succeeded[next].place < place {
			next++
		}
		out[i] = int64(i + next)
	}
	return out
}

// mostSlices and perSlice say how finely a run is cut: into so many, with so many
// requests each on average.
const (
	mostSlices = 64
	perSlice   = 8
)

// slicesOf cuts the time from when the first request ended to when the last began:
// before, none can end, and after it the load fades out.
func slicesOf(spans []span) []Slice {
	if len(spans) == 0 {
		return nil
	}
	from, to := math.Inf(1), math.Inf(-1)
	for _, s := range spans {
		from, to = min(from, s.end), max(to, s.start)
	}
	n := min(len(spans)/perSlice, mostSlices)
	if n < leastSlices || !(to > from) {
		return nil
	}
	width := (to - from) / float64(n)
	out := make([]Slice, n)
	for i := range out {
		out[i].Seconds = width
	}
	for _, s := range spans {
		if s.end < to { // the end that opens the window counts with the first slice
			x := &out[min(int((s.end-from)/width), n-1)]
			x.Requests++
			x.Tokens += s.tokens
		}
	}
	return out
}
