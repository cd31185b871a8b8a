package series

import (
	"errors"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// Errors of Recorded.Append, as Prometheus's storage has them.
var (
	ErrOutOfOrder = errors.New("out of order sample")
	ErrDuplicate  = errors.New("duplicate sample for timestamp")
)

// StaleMarker is the value that says that a series has no value from its time on.
func StaleMarker() float64 { return stale }

// IsStaleMarker tells it from other kinds of NaN.
func IsStaleMarker(v float64) bool { return value.IsStaleNaN(v) }

// A Recorder takes series sample by sample, in order of time, and what it has can be
// looked at in between. Unlike a Builder it keeps NaN as the value that it is. It is for
// one goroutine.
type Recorder struct {
	all  []*Recorded
	open encoder
	slab slab
}

// NewRecorder makes an empty one.
func NewRecorder() *Recorder { return new(Recorder) }

// Recorded is one series of a Recorder.
type Recorded struct {
	series Series
	from   *Recorder
	t      int64
	v      float64
}

// Series makes a series; its labels must not be those of one that it made before. It
// is not there for those who look until it has a sample.
func (r *Recorder) Series(ls labels.Labels) *Recorded {
	x := &Recorded{series: Series{labels: ls, factor: 1, original: true}, from: r, t: math.MinInt64}
	r.all = append(r.all, x)
	return x
}

// Append adds a sample. One that is there already is passed over; another value at the
// same time is ErrDuplicate, a time before that of the newest sample ErrOutOfOrder.
func (x *Recorded) Append(t int64, v float64) error {
	s := &x.series
	if t <= x.t && s.count > 0 {
		switch {
		case t < x.t:
			return ErrOutOfOrder
		case math.Float64bits(v) != math.Float64bits(x.v):
			return ErrDuplicate
		}
		return nil
	}
	if len(s.tail) == chunkSamples {
		x.close()
		s.tail = s.tail[:0]
	}
	s.tail = append(s.tail, Point{T: t, F: v})
	s.count++
	if value.IsStaleNaN(v) {
		s.missing++
	}
	x.t, x.v = t, v
	return nil
}

// Labels are those of the series.
func (x *Recorded) Labels() labels.Labels { return x.series.labels }

// Last is the newest sample; not ok when there is none.
func (x *Recorded) Last() (t int64, v float64, ok bool) { return x.t, x.v, x.series.count > 0 }

// close makes a chunk of the tail.
func (x *Recorded) close() {
	s := &x.series
	for _, p := range s.tail {
		x.from.open.append(p.T, p.F)
	}
	s.chunks = append(s.chunks, chunk{s.tail[0].T, s.tail[len(s.tail)-1].T, x.from.slab.keep(x.from.open.end())})
}

// Select are the series so far that match, in the order in which they were made.
func (r *Recorder) Select(matchers ...*labels.Matcher) []*Series {
	var found []*Series
	for _, x := range r.all {
		if x.series.count > 0 && matches(x.series.labels, matchers) {
			found = append(found, &x.series)
		}
	}
	return found
}

// Store gives what was recorded. The Recorder is empty then.
func (r *Recorder) Store() *Store {
	var all []*Series
	var points int64
	for _, x := range r.all {
		if x.series.count == 0 {
			continue
		}
		x.close()
		x.series.tail = nil
		all = append(all, &x.series)
		points += x.series.Count()
	}
	*r = Recorder{}
	s := newStore(all)
	s.points = points
	return s
}

// Join is a store of the series of several. Those with the same labels become one; of
// samples with equal times that of the last store counts.
func Join(stores ...*Store) *Store {
	if len(stores) == 1 {
		return stores[0]
	}
	byLabels := map[string][]*Series{}
	var all []*Series
	var points int64
	buf := make([]byte, 0, 1024)
	for _, s := range stores {
		points += s.points
		for _, x := range s.series {
			buf = x.labels.Bytes(buf)
			twins := byLabels[string(buf)]
			if len(twins) == 0 {
				all = append(all, x)
			}
			byLabels[string(buf)] = append(twins, x)
		}
	}
	slab := new(slab)
	for i, x := range all {
		buf = x.labels.Bytes(buf)
		if twins := byLabels[string(buf)]; len(twins) > 1 {
			all[i] = joined(twins, slab)
			for _, t := range twins {
				points -= t.Count()
			}
			points += all[i].Count()
		}
	}
	s := newStore(all)
	s.points = points
	return s
}

func joined(twins []*Series, slab *slab) *Series {
	var all []Point
	for _, x := range twins {
		all = points(all, x.iterator(math.MinInt64, math.MaxInt64))
	}
	c := ordered(all, slab)
	return &Series{labels: twins[0].labels, kind: twins[0].kind, factor: 1, chunks: c.chunks, count: c.count, missing: c.missing, original: true}
}

func matches(ls labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}
