package series

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// A Look is what a query sees of a Store or a Recorder.
type Look struct {
	Of interface {
		Select(matchers ...*labels.Matcher) []*Series
	}
	Until int64             // ms; newer samples are not seen
	Hide  func(string) bool // if not nil: names of metrics that are not seen
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
	for _, l := range q.looks {
		until := min(to, l.Until)
		for _, x := range l.Of.Select(matchers...) {
			first, last := x.Bounds()
			if first <= until && last >= from && (l.Hide == nil || !l.Hide(x.Name())) {
				found.series = append(found.series, view{x, from, until})
			}
		}
	}
	found.unite()
	return &found
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
