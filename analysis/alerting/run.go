package alerting

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"llmops/analysis/series"
)

// run evaluates all units, each when those that it depends on are done.
func (p *plan) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, max(1, cmp.Or(p.options.Workers, runtime.GOMAXPROCS(0))))
	var wg sync.WaitGroup
	for _, u := range p.units {
		wg.Go(func() {
			defer close(u.done)
			for _, needed := range u.after {
				<-needed.done
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := u.run(ctx, p.start, p.end); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// run evaluates the rules of the unit, time by time.
func (u *unit) run(ctx context.Context, start, end int64) error {
	for _, r := range u.rules {
		r.next = start
	}
	for {
		t := int64(math.MaxInt64)
		for _, r := range u.rules {
			t = min(t, r.next)
		}
		if t > end {
			break
		}
		for _, r := range u.rules {
			if r.next == t {
				if err := r.evaluate(ctx, t); err != nil {
					return err
				}
				r.next += r.interval
			}
		}
	}
	for _, r := range u.rules {
		r.finish(ctx, end)
	}
	u.decoded = series.Ahead{}
	for _, r := range u.rules {
		r.store = r.rec.Store()
		r.out.Series = len(r.store.Series())
		// Only what Result needs is kept.
		r.sources, r.tracks, r.instance, r.active, r.written, r.spare, r.pending, r.ahead = nil, nil, nil, nil, nil, nil, nil, ahead{}
	}
	return nil
}

// finish takes down what is active at the end.
func (r *rule) finish(ctx context.Context, end int64) {
	r.observe(ctx, math.MaxInt64)
	for _, x := range r.active {
		r.alerts = append(r.alerts, r.alert(ctx, x))
		if x.state == Pending {
			r.out.Pending++
		}
	}
	slices.SortFunc(r.alerts, compareAlerts)
	until := int64(math.MinInt64) // of what is added up
	for _, a := range r.alerts {
		if a.State == Pending {
			continue
		}
		r.out.Fired++
		to := end
		if a.State == Resolved {
			to = a.ResolvedAt
		}
		r.out.Firing += max(0, to-max(a.FiredAt, until))
		until = max(until, to)
	}
}

func (p *plan) result() Result {
	res := Result{Start: p.start, End: p.end, Replaced: p.replaced}
	stores := []*series.Store{}
	for _, r := range p.rules {
		res.Evaluations += r.out.Evaluations
		res.Alerts = append(res.Alerts, r.alerts...)
		stores = append(stores, r.store)
	}
	slices.SortFunc(res.Alerts, compareAlerts)
	res.Recorded = series.Join(stores...)
	res.Store = series.Join(p.input, res.Recorded)
	for _, r := range p.rules {
		for _, s := range r.reads[:r.own] {
			if len(p.writersOf(s)) == 0 && len(p.input.Select(s.matchers...)) == 0 && !slices.Contains(r.out.Missing, s.text) {
				r.out.Missing = append(r.out.Missing, s.text)
			}
		}
		res.Rules = append(res.Rules, r.out)
	}
	p.tell()
	return res
}

// tell calls Options.Observe.
func (p *plan) tell() {
	if p.options.Observe == nil {
		return
	}
	for i, at := range p.options.ObserveAt {
		for g := range p.groups {
			var active []Alert
			evaluated := false
			for _, r := range p.rules {
				if r.group == g && r.observed[i] != nil {
					evaluated = true
					active = append(active, r.observed[i]...)
				}
			}
			if evaluated {
				slices.SortFunc(active, compareAlerts)
				p.options.Observe(at, p.groups[g], active)
			}
		}
	}
}
