package series

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// A Look is what a query sees of a Store or a Recorder.
type Look struct {
	Of interface {
		Select(matchers ...*labels.Matcher) []*Series
	}
	Until int64 // ms; newer samples are not seen
	// Ahead, if not nil, keeps samples of a Store decoded, for queries that follow each
	// other in time.
	Ahead *Ahead
}

// Looks are seen as one. It is a storage.Queryable. Series with the same labels are
// one; they must not have different values at the same time.
type Looks []Look

// Querier gives a view of the samples in [from, to], in ms.
func (l Looks) Querier(from, to int64) (storage.Querier, error) { return looking{l, from, to}, nil }

type looking struct {
	looks    Looks
	from, to int64
}

func (q looking) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := q.from, q.to
	if hints != nil && !hints.DisableTrimming {
		from, to = max(from, hints.Start), min(to, hints.End)
	}
	found := seen{at: -1}
	inOrder := true
	for _, l := range q.looks {
		before := len(found.series)
		for _, x := range l.Of.Select(matchers...) {
			if first, last := x.Bounds(); first <= min(to, l.Until) && last >= from {
				found.series = append(found.series, l.Ahead.view(x, from, to, l.Until))
			}
		}
		if _, isStore := l.Of.(*Store); len(found.series) > before && (before > 0 || !isStore) {
			inOrder = false
		}
	}
	if !inOrder {
		found.unite()
	}
	return &found
}

// Ahead keeps samples decoded: a chunk must be decoded from its beginning, however few
// of its samples are wanted, and a query at one time wants few of each. The zero value
// is ready; it is for one goroutine.
type Ahead struct {
	points map[wanted]decoded
	count  int
}

// wanted is what a selector wants of a series, as times before those of the query.
type wanted struct {
	series   *Series
	from, to int64
}

type decoded struct {
	from, to int64
	points   []Point // those in [from, to], in the series' own unit
}

const (
	mostDecoded  = 4_000_000 // points: 64 MB
	decodedAhead = 3_600_000 // ms
)

// view is what of a series lies in [from, to], for a query that sees what is until then.
func (a *Ahead) view(x *Series, from, to, until int64) storage.Series {
	v := view{x, from, min(to, until)}
	if a == nil || x.tail != nil {
		return v
	}
	key := wanted{x, until - from, until - to}
	d, ok := a.points[key]
	if !ok || v.from < d.from || v.to > d.to {
		a.count -= len(d.points)
		delete(a.points, key)
		if a.count > mostDecoded {
			return v
		}
		d = decoded{from, v.to + max(decodedAhead, v.to-from), nil} // others may still look at the old points
		d.points = points(nil, &iterator{chunks: x.chunks, factor: 1, min: d.from, max: d.to})
		if a.points == nil {
			a.points = map[wanted]decoded{}
		}
		a.points[key] = d
		a.count += len(d.points)
	}
	return decodedView{v, d.points}
}

type decodedView struct {
	view
	points []Point
}

func (v decodedView) Iterator(old chunkenc.Iterator) chunkenc.Iterator {
	it := &iterator{tail: v.points, factor: v.series.factor, min: v.from, max: v.to}
	if o, ok := old.(*iterator); ok {
		*o = *it
		return o
	}
	return it
}

func (q looking) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	var all []string
	for _, l := range q.looks {
		for _, x := range l.Of.Select(matchers...) {
			if v := x.labels.Get(name); v != "" {
				all = append(all, v)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil, nil
}

func (q looking) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	var all []string
	for _, l := range q.looks {
		for _, x := range l.Of.Select(matchers...) {
			x.labels.Range(func(n labels.Label) { all = append(all, n.Name) })
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil, nil
}

func (q looking) Close() error { return nil }

// seen is a set of series, sorted by labels.
type seen struct {
	series []storage.Series
	at     int
}

// unite sorts the series and makes one of those with the same labels.
func (s *seen) unite() {
	compare := func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) }
	if !slices.IsSortedFunc(s.series, compare) {
		slices.SortStableFunc(s.series, compare)
	}
	out := s.series[:0]
	for i := 0; i < len(s.series); {
		k := i + 1
		for k < len(s.series) && compare(s.series[i], s.series[k]) == 0 {
			k++
		}
		one := s.series[i]
		if k > i+1 {
			one = storage.ChainedSeriesMerge(slices.Clone(s.series[i:k])...)
		}
		out = append(out, one)
		i = k
	}
	s.series = out
}

func (s *seen) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seen) At() storage.Series                { return s.series[s.at] }
func (s *seen) Err() error                        { return nil }
func (s *seen) Warnings() annotations.Annotations { return nil }
