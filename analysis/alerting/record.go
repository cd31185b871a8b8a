package alerting

import (
	"errors"
	"fmt"
	"math"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

var errSameSeries = errors.New("vector contains metrics with the same labelset after applying rule labels")

// A track is a series that a rule writes.
type track struct {
	recorded *series.Recorded
	mark     int64          // the evaluation that it was last written in
	newest   *newest        // of the same series, written by whichever rule; nil: there is no other
	input    *series.Series // the same, in the store; nil: there is none
}

// newest is the newest sample of a series that several rules may write.
type newest struct {
	t    int64
	v    float64
	some bool
}

// A write is a sample to come.
type write struct {
	*track
	value float64
}

// trackOf is the series with these labels. Several results may be written to one: in
// ALERTS two alerts that differ in a label "alertstate" only.
func (r *rule) trackOf(ls labels.Labels) *track {
	r.buf = ls.Bytes(r.buf)
	if x := r.tracks[string(r.buf)]; x != nil {
		return x
	}
	x := &track{recorded: r.rec.Series(ls)}
	r.tracks[string(r.buf)] = x
	if last := r.unit.last; last != nil {
		if x.newest = last[string(r.buf)]; x.newest == nil {
			x.newest = new(newest)
			last[string(r.buf)] = x.newest
		}
	}
	if r.plan.options.Merge {
		x.input = r.plan.input.Find(ls)
	}
	return x
}

// record is what Prometheus's recording rules do (Eval in rules/recording.go).
func (r *rule) record(t int64, found []result) error {
	r.pending = r.pending[:0]
	for _, f := range found {
		if f.track == nil {
			f.source.track = r.recordTrack(f.source.labels)
		}
		r.pending = append(r.pending, write{f.source.track, f.value})
	}
	for _, w := range r.pending {
		if w.mark == r.count {
			return errSameSeries
		}
		w.mark = r.count
	}
	if n := len(found); r.limit > 0 && n > r.limit {
		return fmt.Errorf("exceeded limit of %d with %d series", r.limit, n)
	}
	return r.commit(t)
}

// recordTrack is the series that a result is recorded as.
func (r *rule) recordTrack(of labels.Labels) *track {
	b := labels.NewBuilder(of).Set(model.MetricNameLabel, r.Record)
	for _, l := range r.labels {
		b.Set(l.Name, l.Value)
	}
	return r.trackOf(b.Labels())
}

// commit writes the samples of an evaluation, and marks stale the series of the one
// before that are no more (Eval in rules/group.go). The error is that of the first
// series, by labels, that could not be written.
func (r *rule) commit(t int64) error {
	at := t - r.offset
	var wrong error
	var of labels.Labels
	now := r.spare[:0]
	for _, w := range r.pending {
		w.mark = 0
	}
	for _, w := range r.pending {
		if w.mark == r.count {
			continue // as in Prometheus, which does not say of which alert the value is
		}
		if err := w.append(t, at, w.value); err != nil {
			if ls := w.recorded.Labels(); wrong == nil || labels.Compare(ls, of) < 0 {
				wrong, of = fmt.Errorf("%s at %s: %w", ls, shown(at), err), ls
			}
			continue
		}
		w.mark = r.count
		now = append(now, w.track)
	}
	for _, x := range r.written {
		if x.mark != r.count {
			_ = x.append(t, at, series.StaleMarker()) // another rule may have written it meanwhile
		}
	}
	r.written, r.spare = now, r.written
	return wrong
}

// append writes a sample at a time, of an evaluation at t, unless there is a newer one
// or another at that time. Of several rules that write a series one is first.
func (x *track) append(t, at int64, v float64) error {
	if x.input != nil {
		for have, value := range x.input.Samples(at, t) {
			switch {
			case have > at:
				return series.ErrOutOfOrder
			case math.Float64bits(value) != math.Float64bits(v):
				return series.ErrDuplicate
			}
		}
	}
	if n := x.newest; n != nil && n.some {
		switch {
		case at < n.t:
			return series.ErrOutOfOrder
		case at == n.t && math.Float64bits(v) != math.Float64bits(n.v):
			return series.ErrDuplicate
		}
	}
	if err := x.recorded.Append(at, v); err != nil {
		return err
	}
	if x.newest != nil {
		*x.newest = newest{at, v, true}
	}
	return nil
}
