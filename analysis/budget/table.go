package budget

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// A cell counts the events of one bucket or slice of time, and what their values
// add up to.
type cell struct{ valid, bad, amount int64 }

// The numbers of a cell, in their order in a table.
const (
	cellValid = iota
	cellBad
	cellAmount
)

// chunkLen cells lie together: traffic has gaps, but no lonely minutes.
const chunkLen = 256

// A table keeps cells by the number of their bucket. Only stretches of time with
// events take memory, so that one stray time stamp costs little, and numbers take
// no more bytes than the largest of a stretch needs: a year of quiet minutes is
// a megabyte.
type table struct {
	numbers int // of a cell: 2, or 3 with amounts
	chunks  map[int64]*chunk
	last    *chunk // the chunk of lastAt; nil: none yet
	lastAt  int64
}

// A chunk is the numbers of its cells one after the other.
type chunk struct {
	width int // bytes of each: 1, 2, 4 or 8
	data  []byte
}

func newTable(amounts bool) table {
	if amounts {
		return table{numbers: 3}
	}
	return table{numbers: 2}
}

// add adds what is not negative. Amounts are for tables that have them.
func (t *table) add(bucket int64, c cell) {
	at := bucket >> 8
	if t.last == nil || t.lastAt != at {
		t.last, t.lastAt = t.chunk(at), at
	}
	t.last.cell(int(bucket&(chunkLen-1))*t.numbers, c)
}

func (t *table) chunk(n int64) *chunk {
	k := t.chunks[n]
	if k == nil {
		if t.chunks == nil {
			t.chunks = map[int64]*chunk{}
		}
		k = &chunk{width: 1, data: make([]byte, chunkLen*t.numbers)}
		t.chunks[n] = k
	}
	return k
}

// cell adds to the numbers from i on.
func (k *chunk) cell(i int, c cell) {
	k.add(i+cellValid, uint64(c.valid))
	if c.bad > 0 {
		k.add(i+cellBad, uint64(c.bad))
	}
	if c.amount > 0 {
		k.add(i+cellAmount, uint64(c.amount))
	}
}

// add adds to number i. Beyond int64 it stays at the greatest one, whatever the
// order.
func (k *chunk) add(i int, n uint64) {
	sum := k.at(i) + n // both are below 1<<63
	switch {
	case k.width == 1 && sum <= math.MaxUint8:
		k.data[i] = byte(sum)
	case k.width == 2 && sum <= math.MaxUint16:
		binary.LittleEndian.PutUint16(k.data[2*i:], uint16(sum))
	case k.width == 4 && sum <= math.MaxUint32:
		binary.LittleEndian.PutUint32(k.data[4*i:], uint32(sum))
	case k.width == 8:
		binary.LittleEndian.PutUint64(k.data[8*i:], min(sum, math.MaxInt64))
	default:
		k.widen()
		k.add(i, n)
	}
}

func (k *chunk) at(i int) uint64 {
	switch k.width {
	case 1:
		return uint64(k.data[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(k.data[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(k.data[4*i:]))
	}
	return binary.LittleEndian.Uint64(k.data[8*i:])
}

// widen doubles the bytes of all numbers.
func (k *chunk) widen() {
	wide := chunk{width: 2 * k.width, data: make([]byte, 2*len(k.data))}
	for i := range len(k.data) / k.width {
		if n := k.at(i); n > 0 {
			wide.add(i, n)
		}
	}
	*k = wide
}

// merge adds the cells of o, whose memory becomes the table's.
func (t *table) merge(o *table) {
	for n, from := range o.chunks {
		to := t.chunks[n]
		if to == nil {
			if t.chunks == nil {
				t.chunks = map[int64]*chunk{}
			}
			t.chunks[n] = from
			continue
		}
		for i := range chunkLen * t.numbers {
			if x := from.at(i); x > 0 {
				to.add(i, x)
			}
		}
	}
	o.chunks, o.last = nil, nil
}

// A cursor goes over the cells of a table that have events, the oldest first.
type cursor struct {
	table *table
	order []int64 // of the chunks
	chunk *chunk  // the first of them; nil: to be looked up
	i     int     // in it
}

// from begins with the first bucket from there on.
func (t *table) from(bucket int64) cursor {
	return t.cursor(slices.Sorted(maps.Keys(t.chunks)), bucket)
}

// cursor is from, given the order of all chunks.
func (t *table) cursor(order []int64, bucket int64) cursor {
	n, found := slices.BinarySearch(order, bucket>>8)
	c := cursor{table: t, order: order[n:]}
	if found {
		c.i = int(bucket & (chunkLen - 1))
	}
	return c
}

func (c *cursor) next() (bucket int64, x cell, ok bool) {
	for ; len(c.order) > 0; c.order, c.chunk, c.i = c.order[1:], nil, 0 {
		if c.chunk == nil {
			c.chunk = c.table.chunks[c.order[0]]
		}
		k := c.chunk
		for c.i < chunkLen {
			at := c.i * c.table.numbers
			c.i++
			valid := k.at(at + cellValid)
			if valid == 0 {
				continue
			}
			x = cell{valid: int64(valid), bad: int64(k.at(at + cellBad))}
			if c.table.numbers > cellAmount {
				x.amount = int64(k.at(at + cellAmount))
			}
			return c.order[0]<<8 + int64(c.i-1), x, true
		}
	}
	return 0, cell{}, false
}
