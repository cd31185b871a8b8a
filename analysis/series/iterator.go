package series

import (
	"math"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"llmops/rules/catalog"
)

// An iterator goes through the samples of chunks that lie in [min, max]; stale
// markers too. It is what Prometheus's engine reads series by.
type iterator struct {
	chunks   []chunk
	tail     []Point // those to come after the chunks
	factor   float64 // of a value, for aliases in another unit
	min, max int64
	next     int // the chunk after the one that in is in
	open     chunkenc.XORChunk
	in       chunkenc.Iterator
	t        int64
	v        float64
	state    chunkenc.ValueType
	err      error
}

// ms is a time in ms since the epoch. It has a name of its own so that vet does not
// take the engine's Seek for io.Seeker's.
type ms = int64

// Next moves to the next sample.
func (i *iterator) Next() chunkenc.ValueType {
	if i.err != nil {
		return chunkenc.ValNone
	}
	if i.in == nil && i.min > math.MinInt64 && i.next == 0 && i.state == chunkenc.ValNone {
		return i.Seek(i.min)
	}
	for {
		if i.in != nil && i.in.Next() != chunkenc.ValNone {
			if i.t, i.v = i.in.At(); i.t < i.min {
				continue
			}
			if i.t > i.max {
				return i.end()
			}
			i.state = chunkenc.ValFloat
			return i.state
		}
		if i.in != nil {
			if i.err = i.in.Err(); i.err != nil {
				return i.end()
			}
		}
		if i.next == len(i.chunks) {
			return i.fromTail(i.min)
		}
		i.load(i.next)
	}
}

// fromTail moves to the first sample of the tail at or after t.
func (i *iterator) fromTail(t int64) chunkenc.ValueType {
	n := 0
	if len(i.tail) > 0 && i.tail[0].T < t {
		n = sort.Search(len(i.tail), func(k int) bool { return i.tail[k].T >= t })
	}
	if n == len(i.tail) || i.tail[n].T > i.max {
		return i.end()
	}
	i.t, i.v = i.tail[n].T, i.tail[n].F
	i.next, i.in, i.tail, i.state = len(i.chunks), nil, i.tail[n+1:], chunkenc.ValFloat
	return i.state
}

func (i *iterator) load(n int) {
	i.open.Reset(i.chunks[n].data)
	i.in = i.open.Iterator(i.in)
	i.next = n + 1
}

func (i *iterator) end() chunkenc.ValueType {
	i.next, i.in, i.tail, i.state = len(i.chunks), nil, nil, chunkenc.ValNone
	i.min = math.MinInt64 // it is not to begin anew
	return chunkenc.ValNone
}

// Seek moves on to the first sample at or after t.
func (i *iterator) Seek(t ms) chunkenc.ValueType {
	t = max(t, i.min)
	if i.state == chunkenc.ValFloat && i.t >= t {
		return i.state
	}
	if i.next == 0 || i.chunks[i.next-1].last < t {
		rest := i.chunks[i.next:]
		n := i.next + sort.Search(len(rest), func(k int) bool { return rest[k].last >= t })
		if n == len(i.chunks) {
			return i.fromTail(t)
		}
		i.load(n)
	}
	for i.Next() != chunkenc.ValNone {
		if i.t >= t {
			return i.state
		}
	}
	return chunkenc.ValNone
}

// At is the sample that the iterator is at.
func (i *iterator) At() (int64, float64) {
	if i.factor == 1 || value.IsStaleNaN(i.v) {
		return i.t, i.v
	}
	return i.t, catalog.Scale(i.v, i.factor)
}

// AtT is the time of the sample that the iterator is at.
func (i *iterator) AtT() int64 { return i.t }

// AtST is 0: no start times are kept.
func (i *iterator) AtST() int64 { return 0 }

// AtHistogram and AtFloatHistogram are never called: every sample is a float.
func (i *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) { return i.t, nil }

// AtFloatHistogram see AtHistogram.
func (i *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return i.t, nil
}

// Err is what went wrong.
func (i *iterator) Err() error { return i.err }
