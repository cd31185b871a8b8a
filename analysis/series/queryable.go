package series

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// Select are the series that match, sorted by their labels.
func (s *Store) Select(matchers ...*labels.Matcher) []*Series {
	from, rest := s.series, matchers
	if i := slices.IndexFunc(matchers, func(m *labels.Matcher) bool {
		return m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && m.Value != ""
	}); i >= 0 {
		from, rest = s.named[matchers[i].Value], slices.Delete(slices.Clone(matchers), i, i+1)
	}
	var found []*Series
	for _, x := range from {
		if matches(x.labels, rest) {
			found = append(found, x)
		}
	}
	return found
}

// Querier gives a view of the samples in [from, to], in ms.
func (s *Store) Querier(from, to int64) (storage.Querier, error) {
	return querier{s, from, to}, nil
}

type querier struct {
	store    *Store
	from, to int64
}

func (q querier) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := q.from, q.to
	if hints != nil && !hints.DisableTrimming {
		from, to = max(from, hints.Start), min(to, hints.End)
	}
	return &set{series: q.store.Select(matchers...), from: from, to: to}
}

func (q querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values := map[string]bool{}
	for _, x := range q.store.Select(matchers...) {
		if v := x.labels.Get(name); v != "" {
			values[v] = true
		}
	}
	return slices.Sorted(maps.Keys(values)), nil, nil
}

func (q querier) LabelNames(_ context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names := map[string]bool{}
	for _, x := range q.store.Select(matchers...) {
		x.labels.Range(func(l labels.Label) { names[l.Name] = true })
	}
	return slices.Sorted(maps.Keys(names)), nil, nil
}

func (q querier) Close() error { return nil }

// A set is what Select found, and what of it lies in [from, to].
type set struct {
	series   []*Series
	at       int
	from, to int64
}

// Next leaves out series without a sample in the range, by the bounds of their
// chunks.
func (s *set) Next() bool {
	for s.at < len(s.series) {
		s.at++
		if first, last := s.series[s.at-1].Bounds(); first <= s.to && last >= s.from {
			return true
		}
	}
	return false
}

func (s *set) At() storage.Series                { return view{s.series[s.at-1], s.from, s.to} }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

type view struct {
	series   *Series
	from, to int64
}

func (v view) Labels() labels.Labels { return v.series.labels }

func (v view) Iterator(old chunkenc.Iterator) chunkenc.Iterator {
	it := v.series.iterator(v.from, v.to)
	if o, ok := old.(*iterator); ok {
		it.in = nil
		*o = *it
		return o
	}
	return it
}
