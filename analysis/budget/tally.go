package budget

import (
	"maps"
	"slices"
)

// A tally counts events or slices, in the units of its rule.
type tally struct{ total, bad int64 }

func (t tally) plus(o tally) tally  { return tally{t.total + o.total, t.bad + o.bad} }
func (t tally) minus(o tally) tally { return tally{t.total - o.total, t.bad - o.bad} }

// A point is the tally of the time up to end, back to the point before or for
// the length of a bucket.
type point struct {
	end int64
	tally
}

// A cell counts the events of one bucket of time.
type cell struct{ total, bad uint32 }

func (c *cell) merge(o cell) { c.total, c.bad = c.total+o.total, c.bad+o.bad }

// A slice counts the events of one slice of time and what they add up to.
type slice struct {
	valid, good uint32
	amount      int64
}

func (s *slice) merge(o slice) {
	s.valid, s.good, s.amount = s.valid+o.valid, s.good+o.good, addAmount(s.amount, o.amount)
}

// addAmount adds what is not negative; beyond int64 it stays at the greatest
// one, whatever the order.
func addAmount(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return 1<<63 - 1
}

// chunkLen cells lie together: traffic has gaps, but no lonely minutes.
const chunkLen = 256

// A table keeps cells by the number of their bucket. Only stretches of time with
// events take memory, so that one stray time stamp costs little.
type table[C any] struct {
	chunks map[int64]*[chunkLen]C
	last   *[chunkLen]C // the chunk of lastAt; nil: none yet
	lastAt int64
}

func (t *table[C]) at(bucket int64) *C {
	chunk := bucket >> 8
	if t.last == nil || t.lastAt != chunk {
		t.last, t.lastAt = t.chunk(chunk), chunk
	}
	return &t.last[bucket&(chunkLen-1)]
}

func (t *table[C]) chunk(n int64) *[chunkLen]C {
	c := t.chunks[n]
	if c == nil {
		if t.chunks == nil {
			t.chunks = map[int64]*[chunkLen]C{}
		}
		c = new([chunkLen]C)
		t.chunks[n] = c
	}
	return c
}

// merge adds the cells of o by add.
func (t *table[C]) merge(o *table[C], add func(to *C, from C)) {
	for n, from := range o.chunks {
		to := t.chunk(n)
		for i := range from {
			add(&to[i], from[i])
		}
	}
}

// each yields all cells of all chunks, empty ones too, by bucket.
func (t *table[C]) each(yield func(bucket int64, c C) bool) {
	for _, n := range slices.Sorted(maps.Keys(t.chunks)) {
		for i, c := range t.chunks[n] {
			if !yield(n<<8+int64(i), c) {
				return
			}
		}
	}
}

const minute = 60_000

// bucketOf is the number of the bucket of that length in which t lies; bucket k
// ends at k*length.
func bucketOf(t, length int64) int64 {
	t--
	k := t / length
	if t%length < 0 {
		k--
	}
	return k + 1
}

// roundUp is the first whole multiple of length from t on.
func roundUp(t, length int64) int64 { return bucketOf(t, length) * length }
