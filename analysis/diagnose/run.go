// Package diagnose finds out from time series what broke, since when, where and why: it
// measures the signals of a catalogue of faults, holds them against what was normal and
// against peers, fits the faults to every replica and GPU, lets causes explain their
// effects, and gathers what belongs together into incidents. It reads no files, knows no
// clock and prints nothing; the same series give the same report.
package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

// Options say what is diagnosed with.
type Options struct {
	Faults   fault.Catalogue
	Baseline *series.Store // a healthy period; nil: the first part of the data
	From, To time.Time     // of the data; zero: all of it
	Topology *Topology     // who calls whom; nil: gateway, replicas, GPUs and hosts
	Target   labels.Labels // of the series that broke; empty: none is named
}

// world is all that was measured.
type world struct {
	grid     grid
	base     int // steps that count as normal; 0: the baseline does
	view     view
	signals  map[string]measured
	evidence map[string][]evidence // by key of symptom
	usual    map[string]map[Entity]normal
}

func measure(ctx context.Context, s *series.Store, o Options) (*world, error) {
	from, to := o.From.UnixMilli(), o.To.UnixMilli()
	w := &world{grid: gridOf(s, from, to), signals: map[string]measured{}, evidence: map[string][]evidence{}}
	if o.Baseline == nil {
		w.base = normalSteps(w.grid)
	} else if first, last, ok := o.Baseline.Bounds(); ok {
		before := &world{grid: gridOf(o.Baseline, first, last), signals: map[string]measured{}, evidence: map[string][]evidence{}}
		before.grid.step = w.grid.step
		before.grid.n = min(maxSteps, int((last-first)/before.grid.step)+1)
		before.base = before.grid.n
		if err := before.fill(ctx, o.Baseline, o.Faults); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		w.usual = before.usual
	}
	return w, w.fill(ctx, s, o.Faults)
}

// fill measures signals and symptoms.
func (w *world) fill(ctx context.Context, s *series.Store, c fault.Catalogue) error {
	engine := series.NewEngine(series.Limits{Lookback: time.Duration(4*w.grid.step) * time.Millisecond})
	names, units := []string{}, computed()
	for _, sig := range c.Signals {
		units[sig.Name] = sig.Unit
	}
	w.view = newView(s, func(string) bool { return true })
	e := evaluation{w.view, w.grid, engine}
	by, err := e.signals(ctx, c.Signals)
	if err != nil {
		return err
	}
	e.compute(by)
	for name := range by {
		names = append(names, name)
	}
	slices.Sort(names)
	learned := map[string]map[Entity]normal{}
	for _, name := range names {
		w.signals[name] = w.measured(name, by[name], units[name], learned)
	}
	if err := w.symptoms(ctx, e, by, names, c, learned); err != nil {
		return err
	}
	if w.usual == nil {
		w.usual = learned
	}
	return nil
}

// measured smooths tracks and finds what is normal for each: in their first part, or in
// the baseline.
func (w *world) measured(name string, ts tracks, unit string, learned map[string]map[Entity]normal) measured {
	m := measured{unit: unit}
	of := map[Entity]normal{}
	for _, t := range ts {
		t.v = smooth(t.v)
		n := w.usual[name][t.entity]
		if w.base > 0 {
			n = normalOf(t.v[:w.base])
			of[t.entity] = n
		}
		m.tracks = append(m.tracks, t)
		m.normal = append(m.normal, n)
	}
	learned[name] = of
	return m
}

// symptoms evaluates the expressions of symptoms over the signals, each once.
func (w *world) symptoms(ctx context.Context, e evaluation, by map[string]tracks, names []string, c fault.Catalogue, learned map[string]map[Entity]normal) error {
	over := e.store(by, names)
	var all []*fault.Symptom
	exprs := map[string]int{}
	var list []string
	for i := range c.Faults {
		f := &c.Faults[i]
		for _, group := range [][]fault.Symptom{f.Symptoms, f.Against} {
			for k := range group {
				s := &group[k]
				all = append(all, s)
				if _, is := by[s.Expr]; is {
					continue
				}
				if _, is := exprs[s.Expr]; !is {
					exprs[s.Expr] = len(list)
					list = append(list, s.Expr)
				}
			}
		}
	}
	evaluated, results := make([]tracks, len(list)), make([]measured, len(list))
	err := parallel(len(list), func(i int) error {
		ts, err := e.expression(ctx, over, "", list[i])
		if err != nil {
			return fmt.Errorf("symptom %s: %w", list[i], err)
		}
		for k := range ts {
			ts[k].series = strings.TrimSpace(list[i] + " " + ts[k].series)
		}
		evaluated[i] = ts
		return nil
	})
	if err != nil {
		return err
	}
	for i, ts := range evaluated {
		results[i] = w.measured(list[i], ts, "", learned)
	}
	found := make([][]evidence, len(all))
	_ = parallel(len(all), func(i int) error {
		m, is := w.signals[all[i].Expr]
		if !is {
			m = results[exprs[all[i].Expr]]
		}
		found[i] = evidences(m, all[i].Test)
		return nil
	})
	for i, s := range all {
		w.evidence[key(s)] = found[i]
	}
	return nil
}
