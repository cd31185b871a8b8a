package series

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// stale is the marker that says that a series has no value from its time on.
var stale = math.Float64frombits(value.StaleNaN)

const (
	// chunkSamples bounds what must be decoded to get at one sample, and what a
	// chunk's own 40 bytes are spread over.
	chunkSamples = 480
	slabSize     = 64 << 10
)

// A chunk is a number of samples of one series: Prometheus's XOR encoding, which
// takes 1.3 to 9 bytes for each.
type chunk struct {
	first, last int64 // ms; of samples in order
	data        []byte
}

// A slab is memory for chunks, so that they need no allocation each.
type slab struct{ free []byte }

func (s *slab) keep(b []byte) []byte {
	if len(b) > len(s.free) {
		s.free = make([]byte, max(slabSize, len(b)))
	}
	n := copy(s.free, b)
	kept := s.free[:n:n]
	s.free = s.free[n:]
	return kept
}

// A column takes the samples of one series in the order in which they come.
type column struct {
	chunks      []chunk
	open        encoder
	slab        *slab
	first, last int64
	count       int64 // of all samples, stale markers too
	missing     int64 // of stale markers
	unsorted    bool  // or with samples of equal times
}

// append adds a sample; NaN is a stale marker.
func (c *column) append(t int64, v float64) {
	if v != v { // NaN, of any kind
		v = stale
		c.missing++
	}
	c.add(t, v)
}

// add adds a sample as it is.
func (c *column) add(t int64, v float64) {
	if c.open.n == chunkSamples {
		c.close()
	}
	if c.open.n == 0 {
		c.first = t
	}
	if c.count > 0 && t <= c.last {
		c.unsorted = true
	}
	c.open.append(t, v)
	c.count++
	c.last = t
}

// close puts the open chunk to the others.
func (c *column) close() {
	if c.open.n > 0 {
		c.chunks = append(c.chunks, chunk{c.first, c.last, c.slab.keep(c.open.end())})
	}
}

// sorted is chunks with their samples in order and, of those with equal times, the
// last one only.
func sorted(chunks []chunk, s *slab) column {
	return ordered(points(nil, &iterator{chunks: chunks, factor: 1, min: math.MinInt64, max: math.MaxInt64}), s)
}

// points appends what an iterator gives.
func points(all []Point, it *iterator) []Point {
	for it.Next() != chunkenc.ValNone {
		t, v := it.At()
		all = append(all, Point{T: t, F: v})
	}
	return all
}

// ordered makes chunks of samples in order and, of those with equal times, of the last
// one only.
func ordered(all []Point, s *slab) column {
	slices.SortStableFunc(all, func(a, b Point) int {
		switch {
		case a.T < b.T:
			return -1
		case a.T > b.T:
			return 1
		}
		return 0
	})
	c := column{slab: s}
	for i, p := range all {
		if i+1 == len(all) || all[i+1].T != p.T {
			if value.IsStaleNaN(p.F) {
				c.missing++
			}
			c.add(p.T, p.F)
		}
	}
	c.close()
	return c
}
