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
	// Since, if not zero, is when what is looked for began at the earliest: what lies
	// before it is normal.
	Since    time.Time
	Topology *Topology     // who calls whom; nil: gateway, replicas, GPUs and hosts
	Target   labels.Labels // of the series that broke; empty: none is named
}

// world is all that was measured.
type world struct {
	grid    grid
	ranges  grid // whose windows are those of rates: the same, or that of the data that a baseline is for
	since   int  // step before which nothing is looked for
	base    int  // steps that count as normal; 0: the baseline does
	view    view
	signals map[string]measured // by name, or expression of a symptom
	usual   map[string]map[Entity]normal
	before  *world // the baseline; nil without one

	calibration calibration
}

func measure(ctx context.Context, s *series.Store, o Options) (*world, error) {
	from, to := o.From.UnixMilli(), o.To.UnixMilli()
	w := &world{grid: gridOf(s, from, to), signals: map[string]measured{}}
	if !o.Since.IsZero() {
		w.since = max(0, w.grid.index(o.Since.UnixMilli()))
	}
	w.ranges = w.grid
	if o.Baseline == nil {
		w.base = normalSteps(w.grid)
		if w.since >= minNormal {
			w.base = min(w.grid.n, w.since)
		}
	} else if first, last, ok := o.Baseline.Bounds(); ok {
		if err := w.learn(ctx, o.Baseline, first, last, o.Faults); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
	}
	return w, w.fill(ctx, s, o.Faults)
}

// learn measures what is normal in a baseline, all of it: one that is too long for the steps
// of the data, or was scraped less often, is looked at in longer ones. Rates are taken over the
// same time as those of the data wherever its scrapes allow it, since shorter ones vary more.
func (w *world) learn(ctx context.Context, baseline *series.Store, first, last int64, c fault.Catalogue) error {
	before := &world{grid: gridOf(baseline, first, first), signals: map[string]measured{}}
	scraped := before.grid.step
	before.grid.step = max(scraped, w.grid.step)
	before.grid = before.grid.upTo(last)
	before.ranges = before.grid
	if scraped <= w.grid.step {
		before.ranges = w.grid
	}
	before.base = before.grid.n
	if err := before.fill(ctx, baseline, c); err != nil {
		return err
	}
	w.before, w.usual = before, before.usual
	return nil
}

// fill measures signals and symptoms.
func (w *world) fill(ctx context.Context, s *series.Store, c fault.Catalogue) error {
	// How long a query takes depends on who else uses the machine; whoever waits can stop it.
	engine := series.NewEngine(series.Limits{Lookback: time.Duration(4*w.grid.step) * time.Millisecond, Timeout: time.Hour})
	names, units := []string{}, computed()
	for _, sig := range c.Signals {
		units[sig.Name] = sig.Unit
	}
	w.view = newView(s)
	e := evaluation{w.view, w.grid, w.ranges, engine, w.base, w.usual}
	by, err := e.signals(ctx, c.Signals)
	if err != nil {
		return err
	}
	e.compute(by)
	for name := range by {
		names = append(names, name)
	}
	slices.Sort(names)
	exprs := expressions(c, by)
	// Expressions are of what was measured, which smoothing writes over.
	over := e.store(by, slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(exprs, func(expr string) bool { return containsWord(expr, name) })
	}))
	learned := map[string]map[Entity]normal{}
	for _, name := range names {
		w.signals[name] = w.measured(name, by[name], units[name], learned)
	}
	if err := w.symptoms(ctx, e, over, exprs, learned); err != nil {
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
		smooth(t.v)
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

// expressions are those of symptoms that are not signals, each once.
func expressions(c fault.Catalogue, by map[string]tracks) []string {
	var list []string
	for _, s := range single(c) {
		if _, is := by[s.Expr]; !is && !slices.Contains(list, s.Expr) {
			list = append(list, s.Expr)
		}
	}
	return list
}

// symptoms evaluates expressions over the signals.
func (w *world) symptoms(ctx context.Context, e evaluation, over *series.Store, list []string, learned map[string]map[Entity]normal) error {
	evaluated := make([]tracks, len(list))
	err := parallel(len(list), func(i int) error {
		ts, err := e.expression(ctx, over, "", list[i])
		if err != nil {
			return fmt.Errorf("symptom %s: %w", list[i], err)
		}
		for k := range ts {
			ts[k].series = strings.TrimSpace(list[i] + " " + ts[k].series) // {labels}, or nothing
		}
		evaluated[i] = ts
		return nil
	})
	if err != nil {
		return err
	}
	for i, ts := range evaluated {
		w.signals[list[i]] = w.measured(list[i], ts, "", learned)
	}
	return nil
}

// single are the symptoms of a catalogue that have an expression of their own: of one
// with alternatives these.
func single(c fault.Catalogue) []*fault.Symptom {
	var all []*fault.Symptom
	for i := range c.Faults {
		f := &c.Faults[i]
		for _, group := range [][]fault.Symptom{f.Symptoms, f.Against} {
			for k := range group {
				all = append(all, parts(&group[k])...)
			}
		}
	}
	return all
}

// parts are the alternatives of a symptom, or itself.
func parts(s *fault.Symptom) []*fault.Symptom {
	if len(s.Any) == 0 {
		return []*fault.Symptom{s}
	}
	var all []*fault.Symptom
	for i := range s.Any {
		all = append(all, &s.Any[i])
	}
	return all
}

// Looks is a selector of the metrics that the shipped catalogue looks at, as exporters
// call them: what to ask a server for.
const Looks = `{__name__=~"(vllm|sglang|llamacpp)[:_].+|(tgi|trtllm|nv_trt_llm|DCGM_FI|gateway|rag)_.+|up|process_(cpu_seconds_total|resident_memory_bytes|start_time_seconds|open_fds|max_fds)|container_(cpu|memory|oom|spec_memory)_.+|kube_(deployment_(spec_replicas|status_replicas_available)|pod_container_status_restarts_total)|node_(cpu_seconds_total|memory_Mem(Available|Total)_bytes|filesystem_(avail|size)_bytes|disk_(io_time_seconds|read_bytes)_total|netstat_Tcp_(OutSegs|RetransSegs)|network_(receive|transmit)_bytes_total|network_receive_drop_total)|(http|nginx_ingress_controller)_requests(_total)?|(http|nginx_ingress_controller)_request_duration_seconds_(sum|count|bucket)|(istio|traefik_service)_requests_total|litellm_proxy_total_requests_metric_total|envoy_cluster_upstream_rq(_time_sum|_time_count)?|quality_score|user_satisfaction_score|conversion_rate"}`
