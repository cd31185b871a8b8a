package budget

import (
	"math"
	"runtime"
	"slices"
)

// oldest is the first bucket or slice that rule i needs cells of: that of its
// window, or of the longest burn window, and with alerts the first of all.
func (c *Counter) oldest(i int, f *frame) int64 {
	r := c.rules[i]
	if len(r.alerts) > 0 {
		return math.MinInt64
	}
	start := min(f.own[i].start, f.now-slices.Max(r.burns))
	return bucketOf(start+1, r.length(c))
}

// length is that of a bucket or slice in ms.
func (r *rule) length(c *Counter) int64 {
	if r.slice > 0 {
		return r.slice
	}
	return c.bucket
}

// tableRoom is Counter.tables.
const tableRoom = 8 << 20

// tableSize is about how many bytes the table of rule i takes in one pass.
func (c *Counter) tableSize(i int, f *frame, events int64) int64 {
	r := c.rules[i]
	since := f.first
	if length, oldest := r.length(c), c.oldest(i, f); oldest > f.first/length {
		since = oldest * length
	}
	cells := max(f.now-since, 0)/r.length(c) + chunkLen
	cells = min(cells, max(events, 1)*chunkLen)
	width := int64(1)
	for each := 4 * events / cells; width < 4 && each > 1<<(8*width)-1; {
		width *= 2
	}
	if r.rate == tokens {
		return cells * 3 * max(width, 4)
	}
	return cells * 2 * width
}

// batches parts the rules so that the tables of each batch fit, and says how many
// passes are made at once: as many as processors, but fewer where the tables of a
// long time would take too much memory.
func (c *Counter) batches(f *frame, events int64) (batches [][]int, workers int) {
	var size, most int64
	for i := range c.rules {
		n := c.tableSize(i, f, events)
		if len(batches) == 0 || size+n > c.tables {
			batches, size = append(batches, nil), 0
		}
		last := len(batches) - 1
		batches[last] = append(batches[last], i)
		size += n
		most = max(most, size)
	}
	return batches, max(min(runtime.GOMAXPROCS(0), int(c.tables/max(most, 1))), 1)
}
