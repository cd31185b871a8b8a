package detect

import "math"

// novelty: how far a value is from the nearest one that the series has ever had, as a
// part of all its range,
//
//	s = min |x - y| / (max - min) / limit, over the values y of all but the last 5 rows.
//
// It is 1-nearest-neighbour novelty detection (Knorr and Ng 1998) with the range as
// scale. What happened once is not new again, so periods, idle times and bursts that
// recur cost nothing. The last rows are left out so that a new level is strange for as
// long as it takes to look twice. Who has watched for an hour has seen little: in the
// first 6 hours s counts by their share that has passed, and not at all in the first 50
// rows. A binary search among at most 4,096 values: 0.15 µs.
type novelty struct {
	known    neighbours
	late     ring
	limit    float64
	floor    float64 // the least range, for metrics whose scale is known
	rows     int
	from, to int64 // of all rows so far
}

const (
	noveltyLimit = 1.0 / 20
	noveltyDelay = 5
	noveltyWarm  = 50
	noveltyAge   = 6 * hourMS
)

func newNovelty(limit float64, delay int, floor float64) *novelty {
	return &novelty{known: neighbours{finest: 1.0 / 2048}, late: newRing(delay), limit: limit, floor: floor}
}

// Next judges v, and then knows the value of 5 rows before.
func (n *novelty) Next(t int64, v float64) Look {
	if n.rows == 0 {
		n.from, n.to = t, t
	}
	look := early
	if n.rows >= noveltyWarm {
		look = n.known.look(v, n.limit, n.floor)
		look.Strange *= min(1, float64(n.to-n.from)/noveltyAge)
	}
	n.rows++
	n.from, n.to = min(n.from, t), max(n.to, t)
	if old, ok := n.late.push(v); ok {
		n.known.add(old)
	}
	return look
}

// look judges x by what is known.
func (n *neighbours) look(x, limit, floor float64) Look {
	y, ok := n.nearest(x)
	scale := max(n.with(x), floor)
	if !ok || scale <= 0 {
		return nothing
	}
	look := Look{Strange: math.Abs(x-y) / scale / limit, Low: n.lo, High: n.hi}
	if x > n.lo && x < n.hi { // between values that are known
		look.Low, look.High = y-limit*scale, y+limit*scale
	}
	return look
}

// level: novelty of the mean of the last 6 rows. Each of them may be known, and so many
// of them together not. The mean of an interval is new by little all the time, so the
// limit is high.
type levelNovelty struct {
	mean  movingMean
	all   extent
	inner *novelty
}

const (
	levelRows  = 6
	levelLimit = 0.4
	// levelLeast is the part of the range of the values that those of means, or of
	// extremes, are measured by at least: where they hardly differ, nothing follows.
	levelLeast = 0.5
)

// An extent is the range of values so far.
type extent struct {
	lo, hi, floor float64
	any           bool
}

// least takes a value and gives the range to measure stretches by at least.
func (e *extent) least(v float64) float64 {
	if !e.any {
		e.lo, e.hi, e.any = v, v, true
	}
	e.lo, e.hi = min(e.lo, v), max(e.hi, v)
	return max(e.floor, levelLeast*(e.hi-e.lo))
}

func newLevel(floor float64) *levelNovelty {
	return &levelNovelty{newMovingMean(levelRows), extent{floor: floor}, newNovelty(levelLimit, levelRows, floor)}
}

// Next judges the mean of the last rows.
func (l *levelNovelty) Next(t int64, v float64) Look {
	l.inner.floor = l.all.least(v)
	m, ok := l.mean.next(v)
	if !ok {
		return early
	}
	return l.inner.Next(t, m)
}

// sustained: novelty of the least and of the greatest of the last 24 rows. The least is
// new when all of them are higher than such a stretch has ever been, the greatest when
// all are lower.
type sustained struct {
	last         ring
	all          extent
	least, great *novelty
}

const sustainedRows = 24

func newSustained(floor float64) *sustained {
	return &sustained{newRing(sustainedRows), extent{floor: floor}, newNovelty(levelLimit, sustainedRows, floor), newNovelty(levelLimit, sustainedRows, floor)}
}

// Next judges the extremes of the last rows.
func (s *sustained) Next(t int64, v float64) Look {
	floor := s.all.least(v)
	s.least.floor, s.great.floor = floor, floor
	if s.last.push(v); !s.last.full() {
		return early
	}
	lo, hi := v, v
	for _, x := range s.last.v {
		lo, hi = min(lo, x), max(hi, x)
	}
	low, high := s.least.Next(t, lo), s.great.Next(t, hi)
	if low.Strange >= high.Strange {
		return low
	}
	return high
}

// A movingMean is the mean of the last rows. It is summed anew each time: a running sum
// would carry the rounding of a value that is long gone.
type movingMean struct{ last ring }

func newMovingMean(rows int) movingMean { return movingMean{newRing(rows)} }

func (m *movingMean) next(v float64) (float64, bool) {
	m.last.push(v)
	if !m.last.full() {
		return 0, false
	}
	sum := 0.0
	for _, x := range m.last.v {
		sum += x
	}
	return sum / float64(len(m.last.v)), true
}
