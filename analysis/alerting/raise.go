package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

var errSameAlert = errors.New("vector contains metrics with the same labelset after applying alert labels")

// An instance is an alert with its labels.
type instance struct {
	labels labels.Labels // alertname among them
	state  State         // Pending, Firing, or "" for neither
	// What follows is of no use without a state. Times are in ms.
	activeAt, firedAt int64
	missing           bool
	missingSince      int64   // of one that is kept firing
	source            *source // of the newest result, for the annotations
	value             float64
	hitAt             int64
	mark              int64 // the evaluation that it was last found in

	asPending, asFiring, forState *track
}

// raise is the state machine of Prometheus's alerting rules (Eval in rules/alerting.go).
func (r *rule) raise(ctx context.Context, t int64, found []result) error {
	hits := make([]*instance, len(found))
	for i, f := range found {
		x := r.instanceOf(ctx, t, f)
		if x.mark == r.count {
			return errSameAlert
		}
		x.mark = r.count
		hits[i] = x
	}
	for _, x := range hits {
		if x.state == "" {
			x.state, x.activeAt, x.firedAt = Pending, t, 0
			r.active = append(r.active, x)
		}
	}
	still := r.active[:0]
	for _, x := range r.active {
		if x.mark == r.count {
			x.missing = false
		} else if !r.keeps(x, t) {
			r.end(ctx, x, t)
			continue
		}
		still = append(still, x)
		if x.state == Pending && t-x.activeAt >= r.hold {
			x.state, x.firedAt = Firing, t
		}
	}
	clear(r.active[len(still):])
	r.active = still
	if n := len(still); r.limit > 0 && n > r.limit {
		for _, x := range still {
			if x.state == Firing && x.firedAt == t {
				x.state = Pending // it was swept away before anybody was told
			}
			r.end(ctx, x, t)
		}
		r.active = r.active[:0]
		return fmt.Errorf("exceeded limit of %d with %d alerts", r.limit, n)
	}
	for i, x := range hits {
		x.source, x.value, x.hitAt = found[i].source, found[i].value, t
	}
	r.pending = r.pending[:0]
	for _, x := range still {
		r.pending = append(r.pending, write{r.alertTrack(x), 1}, write{x.forState, float64(floorDiv(x.activeAt, 1000))})
	}
	return r.commit(t)
}

// keeps tells whether an alert stays that was not found: one that fires does for less
// than keep_firing_for after it was first missing.
func (r *rule) keeps(x *instance, t int64) bool {
	if x.state != Firing || r.keep == 0 {
		return false
	}
	if !x.missing {
		x.missing, x.missingSince = true, t
	}
	return t-x.missingSince < r.keep
}

// end is the end of an alert: one that has not fired leaves no trace.
func (r *rule) end(ctx context.Context, x *instance, t int64) {
	if x.state == Pending {
		r.out.Pending++
	} else {
		a := r.alert(ctx, x)
		a.State, a.ResolvedAt = Resolved, t
		r.alerts = append(r.alerts, a)
	}
	x.state, x.missing = "", false
}

// alert describes an instance. Its annotations are filled in only now: most
// evaluations are not the last.
func (r *rule) alert(ctx context.Context, x *instance) Alert {
	a := Alert{
		Rule: r.index, Group: r.out.Group, Name: r.Alert, Severity: x.labels.Get("severity"),
		Labels: map[string]string{}, Annotations: map[string]string{},
		State: x.state, ActiveAt: x.activeAt, FiredAt: x.firedAt, Value: finite(x.value),
	}
	x.labels.Range(func(l labels.Label) {
		if l.Name != labels.AlertName {
			a.Labels[l.Name] = l.Value
		}
	})
	for _, l := range r.annotations {
		a.Annotations[l.Name] = r.expand(ctx, l.Value, x.source.labels, x.value, x.hitAt)
	}
	return a
}

// instanceOf is the alert that a result is.
func (r *rule) instanceOf(ctx context.Context, t int64, f result) *instance {
	s, bits := f.source, math.Float64bits(f.value)
	if s.instance != nil && (r.dependence == onLabels || s.value == bits) {
		return s.instance
	}
	b := labels.NewBuilder(f.source.labels).Del(model.MetricNameLabel)
	for _, l := range r.labels {
		b.Set(l.Name, r.expand(ctx, l.Value, f.source.labels, f.value, t))
	}
	ls := b.Set(labels.AlertName, r.Alert).Labels()
	r.buf = ls.Bytes(r.buf)
	x := r.instance[string(r.buf)]
	if x == nil {
		if r.instance == nil {
			r.instance = map[string]*instance{}
		}
		x = &instance{labels: ls}
		r.instance[string(r.buf)] = x
	}
	if r.dependence < onTime {
		s.instance, s.value = x, bits
	}
	return x
}

// alertTrack is the series ALERTS of an alert as it is now; the other one is made too.
// As in Prometheus, labels of the rule that the alert lacks since their templates gave
// nothing are there as they are written.
func (r *rule) alertTrack(x *instance) *track {
	series := func(name, state string) *track {
		b := labels.NewBuilder(labels.EmptyLabels())
		for _, l := range r.labels {
			b.Set(l.Name, l.Value)
		}
		x.labels.Range(func(l labels.Label) { b.Set(l.Name, l.Value) })
		b.Set(model.MetricNameLabel, name).Set(labels.AlertName, r.Alert)
		if state != "" {
			b.Set(stateLabel, state)
		}
		return r.trackOf(b.Labels())
	}
	if x.forState == nil {
		x.forState = series(forStateName, "")
	}
	of := &x.asPending
	if x.state == Firing {
		of = &x.asFiring
	}
	if *of == nil {
		*of = series(alertsName, string(x.state))
	}
	return *of
}

// observe keeps the alerts for the times of Options.ObserveAt before t.
func (r *rule) observe(ctx context.Context, t int64) {
	at := r.plan.options.ObserveAt
	for ; r.seen < len(at) && at[r.seen] < t; r.seen++ {
		var now []Alert
		if r.count > 0 {
			now = make([]Alert, 0, len(r.active))
		}
		for _, x := range r.active {
			now = append(now, r.alert(ctx, x))
		}
		r.observed = append(r.observed, now)
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// compareAlerts orders alerts by when they fired, or became active.
func compareAlerts(a, b Alert) int {
	return cmp.Or(cmp.Compare(a.begun(), b.begun()),
		cmp.Compare(a.Name, b.Name), slices.Compare(flat(a.Labels), flat(b.Labels)), a.Rule-b.Rule)
}

// begun is when the alert fired, or else became active.
func (a Alert) begun() int64 {
	if a.State == Pending {
		return a.ActiveAt
	}
	return a.FiredAt
}

func flat(m map[string]string) []string {
	var all []string
	for _, l := range sortedLabels(m) {
		all = append(all, l.Name, l.Value)
	}
	return all
}
