package series

import (
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// A Point is a value and its time in ms since the epoch.
type Point = promql.FPoint

// Kind tells values that go up and down from those that only grow, but for
// restarts.
type Kind uint8

// The kinds of a series.
const (
	Unknown Kind = iota
	Gauge
	Counter
)

func (k Kind) String() string { return [...]string{"unknown", "gauge", "counter"}[k] }

// A Series is one time series. It does not change.
type Series struct {
	labels   labels.Labels
	kind     Kind
	factor   float64
	chunks   []chunk
	tail     []Point // samples after those of the chunks, while it is being recorded
	count    int64
	missing  int64
	original bool // and no alias
}

// Labels are its labels, the name (__name__) among them, none of them empty.
func (s *Series) Labels() labels.Labels { return s.labels }

// Name is its metric name.
func (s *Series) Name() string { return s.labels.Get(model.MetricNameLabel) }

// Kind is what its source says, or what its name does: one that ends in _total or
// _bucket is a counter, and so are _sum and _count where both are.
func (s *Series) Kind() Kind { return s.kind }

// Original tells whether it stood so in a file; others are aliases of one that did.
func (s *Series) Original() bool { return s.original }

// Count is the number of its points.
func (s *Series) Count() int64 { return s.count - s.missing }

// Missing is how often it is marked that there is no value.
func (s *Series) Missing() int64 { return s.missing }

// Step is the median time between neighbouring samples of its first chunk, in ms;
// 0 with fewer than two.
func (s *Series) Step() int64 {
	it := iterator{chunks: s.chunks[:1], factor: 1, min: math.MinInt64, max: math.MaxInt64}
	it.Next()
	var gaps []int64
	for before := it.t; it.Next() != chunkenc.ValNone; before = it.t {
		gaps = append(gaps, it.t-before)
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// Bounds are the times of its first and its last sample, in ms.
func (s *Series) Bounds() (first, last int64) {
	if n := len(s.tail); n > 0 {
		first, last = s.tail[0].T, s.tail[n-1].T
		if len(s.chunks) > 0 {
			first = s.chunks[0].first
		}
		return first, last
	}
	return s.chunks[0].first, s.chunks[len(s.chunks)-1].last
}

// Points are its points in order of time, without those that are missing.
func (s *Series) Points() iter.Seq2[int64, float64] {
	return s.Between(math.MinInt64, math.MaxInt64)
}

// Between are its points with times in [from, to].
func (s *Series) Between(from, to int64) iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		for t, v := range s.Samples(from, to) {
			if !value.IsStaleNaN(v) && !yield(t, v) {
				return
			}
		}
	}
}

// Samples are its points with times in [from, to], and markers that it has no value
// (IsStaleMarker).
func (s *Series) Samples(from, to int64) iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		it := s.iterator(from, to)
		for it.Next() != chunkenc.ValNone {
			if !yield(it.At()) {
				return
			}
		}
	}
}

// Increases are, for each point of a counter but the first, the growth since the
// point before. A value that falls began again at zero, as Prometheus has it: the
// whole of it has grown since.
func (s *Series) Increases() iter.Seq2[int64, float64] {
	return func(yield func(int64, float64) bool) {
		before, some := 0.0, false
		for t, v := range s.Points() {
			grown := v - before
			if v < before {
				grown = v
			}
			if some && !yield(t, grown) {
				return
			}
			before, some = v, true
		}
	}
}

func (s *Series) iterator(from, to int64) *iterator {
	return &iterator{chunks: s.chunks, tail: s.tail, factor: s.factor, min: from, max: to}
}

// A Store is a set of series. It does not change, and any number may read it at a
// time. It is a storage.Queryable.
type Store struct {
	series      []*Series // sorted by labels
	named       map[string][]*Series
	first, last int64
	points      int64
}

// Series are all series, sorted by their labels.
func (s *Store) Series() []*Series { return s.series }

// Named are the series of a metric name, sorted by their labels.
func (s *Store) Named(name string) []*Series { return s.named[name] }

// Names are the metric names, sorted.
func (s *Store) Names() []string {
	names := make([]string, 0, len(s.named))
	for n := range s.named {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Points is the number of points of all series, those of aliases not counted.
func (s *Store) Points() int64 { return s.points }

// Bounds are the times of the first and the last sample of all, in ms; not ok
// without any.
func (s *Store) Bounds() (first, last int64, ok bool) { return s.first, s.last, len(s.series) > 0 }

// newStore indexes series that are sorted inside, each with its own labels.
func newStore(all []*Series) *Store {
	slices.SortFunc(all, func(a, b *Series) int { return labels.Compare(a.labels, b.labels) })
	s := &Store{series: all, named: map[string][]*Series{}, first: math.MaxInt64, last: math.MinInt64}
	for _, x := range all {
		s.named[x.Name()] = append(s.named[x.Name()], x)
		first, last := x.Bounds()
		s.first, s.last = min(s.first, first), max(s.last, last)
	}
	for _, x := range all {
		if x.kind == Unknown {
			x.kind = s.kindByName(x.Name())
		}
	}
	return s
}

func (s *Store) kindByName(name string) Kind {
	if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket") {
		return Counter
	}
	for _, suffix := range []string{"_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && len(s.named[base+"_sum"]) > 0 && len(s.named[base+"_count"]) > 0 {
			return Counter
		}
	}
	return Unknown
}

// Without is the store but for the series that drop tells to leave out.
func (s *Store) Without(drop func(*Series) bool) *Store {
	kept := make([]*Series, 0, len(s.series))
	points := s.points
	for _, x := range s.series {
		switch {
		case !drop(x):
			kept = append(kept, x)
		case x.original:
			points -= x.Count()
		}
	}
	if len(kept) == len(s.series) {
		return s
	}
	out := newStore(kept)
	out.points = points
	return out
}

// Find is the series with exactly these labels; nil if there is none.
func (s *Store) Find(ls labels.Labels) *Series {
	i, ok := slices.BinarySearchFunc(s.series, ls, func(x *Series, ls labels.Labels) int { return labels.Compare(x.labels, ls) })
	if !ok {
		return nil
	}
	return s.series[i]
}
