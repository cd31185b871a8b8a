package alerting

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/series"
	"llmops/rules/alert"
)

// A plan is a replay: its rules, and the units in which they can be evaluated.
type plan struct {
	options    Options
	engine     *series.Engine
	input      *series.Store // without the series that rules record anew
	replaced   []string
	start, end int64
	groups     []alert.Group
	rules      []*rule
	writers    map[string][]*rule // by the names of what they write
	units      []*unit            // each after those that it depends on
	url        *url.URL
	external   map[string]string
}

// mostSteps bounds the evaluations of a group: 20 million are seven months of seconds.
const mostSteps = 20_000_000

func newPlan(store *series.Store, groups []alert.Group, o Options) (*plan, error) {
	p := &plan{options: o, input: store, groups: groups, external: o.ExternalLabels, writers: map[string][]*rule{}}
	first, last, ok := store.Bounds()
	if !ok && (o.Start.IsZero() || o.End.IsZero()) {
		return nil, ErrNoData
	}
	p.start, p.end = first, last
	if !o.Start.IsZero() {
		p.start = o.Start.UnixMilli()
	}
	if !o.End.IsZero() {
		p.end = o.End.UnixMilli()
	}
	if p.end < p.start {
		return nil, fmt.Errorf("the replay ends at %s, before it begins at %s", shown(p.end), shown(p.start))
	}
	var err error
	if p.url, err = url.Parse(o.ExternalURL); err != nil {
		return nil, fmt.Errorf("the external URL: %w", err)
	}
	p.engine = series.NewEngine(series.Limits{Lookback: o.Lookback, Timeout: time.Hour})
	fallback := cmp.Or(o.Interval, time.Minute)
	for i, g := range groups {
		interval := cmp.Or(time.Duration(g.Interval), fallback).Milliseconds()
		switch {
		case interval < 1:
			return nil, fmt.Errorf("group %q: its interval is less than a millisecond", g.Name)
		case (p.end-p.start)/interval >= mostSteps:
			return nil, fmt.Errorf("group %q would be evaluated more than %d times; take a longer interval or a shorter range", g.Name, mostSteps)
		}
		for _, r := range g.Rules {
			x, err := p.newRule(r, g, i, interval)
			if err != nil {
				return nil, err
			}
			p.rules = append(p.rules, x)
			for _, name := range x.names() {
				p.writers[name] = append(p.writers[name], x)
			}
		}
	}
	p.replace()
	p.arrange()
	return p, nil
}

func shown(t int64) string { return time.UnixMilli(t).UTC().Format(time.RFC3339Nano) }

// newRule prepares a rule of group i.
func (p *plan) newRule(r alert.Rule, g alert.Group, i int, interval int64) (*rule, error) {
	merged := maps.Clone(g.Labels)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, r.Labels)
	x := &rule{
		Rule: r, plan: p, index: len(p.rules), group: i, merged: merged,
		labels: sortedLabels(merged), annotations: sortedLabels(r.Annotations),
		interval: interval, limit: g.Limit,
		hold: time.Duration(r.For).Milliseconds(), keep: time.Duration(r.KeepFiringFor).Milliseconds(),
		rec: series.NewRecorder(), sources: map[string]*source{}, tracks: map[string]*track{},
	}
	if g.QueryOffset != nil {
		x.offset = time.Duration(*g.QueryOffset).Milliseconds()
	}
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr)
	if err != nil {
		return nil, fmt.Errorf("group %q: rule %q: %w", g.Name, r.Name(), err)
	}
	x.expr = parsed
	x.out = Outcome{Rule: r, Group: g.Name, Labels: merged}
	x.look()
	return x, nil
}

// replace takes from the input the series that rules record anew: those of rules that
// find what they are made of, in the input or in what other such rules record.
func (p *plan) replace() {
	if p.options.Merge {
		return
	}
	live := map[*rule]bool{}
	writable := func(all bool) *series.Store {
		return p.input.Without(func(s *series.Series) bool {
			return slices.ContainsFunc(p.writers[s.Name()], func(r *rule) bool { return (all || live[r]) && r.mayBe(s.Labels()) })
		})
	}
	found := func(r *rule, in *series.Store) bool {
		return len(r.reads) == 0 || slices.ContainsFunc(r.reads, func(s selector) bool {
			return len(in.Select(s.matchers...)) > 0 || slices.ContainsFunc(p.writersOf(s), func(w *rule) bool { return live[w] })
		})
	}
	in := writable(true)
	for changed := true; changed; {
		changed = false
		for _, r := range p.rules {
			if !live[r] && found(r, in) {
				live[r], changed = true, true
			}
		}
		if !changed {
			in = writable(false)
			changed = slices.ContainsFunc(p.rules, func(r *rule) bool { return !live[r] && found(r, in) })
		}
	}
	for _, name := range p.input.Names() {
		if len(in.Named(name)) < len(p.input.Named(name)) {
			p.replaced = append(p.replaced, name)
		}
	}
	p.input = in
}

// writersOf are the rules that may write a series that a selector matches.
func (p *plan) writersOf(s selector) []*rule {
	candidates := p.rules
	for _, m := range s.matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			candidates = p.writers[m.Value]
		}
	}
	var found []*rule
	for _, w := range candidates {
		if w.mayMatch(s) {
			found = append(found, w)
		}
	}
	return found
}

// arrange finds the rules that each one needs, and the units.
func (p *plan) arrange() {
	for _, r := range p.rules {
		if r.all {
			r.needs = p.rules
			continue
		}
		for _, s := range r.reads {
			r.needs = append(r.needs, p.writersOf(s)...)
		}
		slices.SortFunc(r.needs, func(a, b *rule) int { return a.index - b.index })
		r.needs = slices.Compact(r.needs)
	}
	t := &tarjan{plan: p, state: make([]visit, len(p.rules))}
	for i := range p.rules {
		if t.state[i].number == 0 {
			t.visit(i)
		}
	}
	for _, u := range p.units {
		slices.SortFunc(u.rules, func(a, b *rule) int { return a.index - b.index })
		for _, r := range u.rules {
			r.unit = u
		}
		if len(u.rules) > 1 || p.options.Merge {
			u.last = map[string]*newest{}
		}
	}
	for _, u := range p.units {
		for _, r := range u.rules {
			for _, w := range r.needs {
				if w.unit != u && !slices.Contains(u.after, w.unit) {
					u.after = append(u.after, w.unit)
				}
			}
			r.batch = r.separable()
		}
	}
}
