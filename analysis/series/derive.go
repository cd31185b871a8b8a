package series

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/rules/catalog"
)

// A derivation is one way to compute a metric of the catalogue.
type derivation struct {
	expr   string
	from   []Selector        // in it, each with a name
	labels map[string]string // canonical names of labels, by the system's own
}

// derivations are the ways in which the catalogue has it that a metric is computed:
// outside from the series of systems, and inside from other names of its own.
func (e *Engine) derivations(c catalog.Catalog, m catalog.Metric) (outside, inside []derivation, err error) {
	add := func(list *[]derivation, expr string, renamed map[string]string) error {
		needs, err := e.Needs(expr)
		if err == nil {
			*list = append(*list, derivation{expr, needs.Selectors, renamed})
		}
		return err
	}
	for _, a := range m.Aliases {
		if a.Expr == "" || a.Bare {
			continue
		}
		system, _ := c.System(a.System)
		for _, expr := range system.Spellings(a.Expr) {
			if err := add(&outside, expr, system.Labels); err != nil {
				return nil, nil, fmt.Errorf("the catalogue's %s: %w", m.Name, err)
			}
		}
	}
	if inner := m.Formula(); inner != "" {
		if err := add(&inside, inner, nil); err != nil {
			return nil, nil, fmt.Errorf("the catalogue's %s: %w", m.Name, err)
		}
	}
	return outside, inside, nil
}

// Origins tells of the name of a series whether it is looked at: it is one of the
// names, with how far behind these are looked at, or the metric of that name is made of
// it, by Canonical or Derive, and then how far behind it has to be known.
func (e *Engine) Origins(c catalog.Catalog, looked map[string]time.Duration) (func(series string) (before time.Duration, ok bool), error) {
	known := map[string]time.Duration{}
	var reach func(name string, before time.Duration) error
	reach = func(name string, before time.Duration) error {
		if already, ok := known[name]; ok && already >= before {
			return nil
		}
		known[name] = before
		m, ok := c.Lookup(name)
		if !ok {
			return nil
		}
		outside, inside, err := e.derivations(c, m)
		if err != nil {
			return err
		}
		for _, d := range slices.Concat(outside, inside) {
			for _, s := range d.from {
				if err := reach(s.Name, before+s.Before); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for name, before := range looked {
		if err := reach(name, before); err != nil {
			return nil, err
		}
	}
	return func(series string) (time.Duration, bool) {
		before, ok := known[series]
		if canonical, _, resolved := c.Resolve(series); resolved {
			more, also := known[canonical]
			before, ok = max(before, more), ok || also
		}
		return before, ok
	}, nil
}

// Derive is a store that also has those of the named metrics of the catalogue which
// are not in it, and can be computed from what is: p95_latency_ms of vLLM's histogram,
// gpu_memory_utilization of bytes. They are evaluated at start, start+step, … up to
// end, like recording rules: where an expression has no result any more, its series
// has no value. As with Canonical, what was measured stands alone; and so does what
// comes of a system's series, beside a metric's own expression.
//
// The error is about an expression that takes too many samples, or too many steps.
func (e *Engine) Derive(ctx context.Context, s *Store, c catalog.Catalog, names []string, start, end time.Time, step time.Duration) (*Store, error) {
	d := deriver{engine: e, catalog: c, store: s, start: start, end: end, step: step, done: map[string]bool{}}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if err := d.metric(ctx, name); err != nil {
			return nil, err
		}
	}
	return d.store, nil
}

type deriver struct {
	engine     *Engine
	catalog    catalog.Catalog
	store      *Store
	start, end time.Time
	step       time.Duration
	done       map[string]bool
}

// metric computes one, after those that it is made of.
func (d *deriver) metric(ctx context.Context, name string) error {
	m, ok := d.catalog.Lookup(name)
	if !ok || d.done[name] {
		return nil
	}
	d.done[name] = true
	outside, inside, err := d.engine.derivations(d.catalog, m)
	if err != nil {
		return err
	}
	for _, x := range outside {
		if err := d.add(ctx, m.Name, x, d.store.measures); err != nil {
			return err
		}
	}
	for _, x := range inside {
		for _, n := range x.from {
			if err := d.metric(ctx, n.Name); err != nil {
				return err
			}
		}
		if err := d.add(ctx, m.Name, x, d.store.tells); err != nil {
			return err
		}
	}
	return nil
}

// chunkSteps is how many steps are evaluated at a time, which bounds the memory.
const chunkSteps = 1000

// add evaluates one expression and adds its series, without those of labels that are
// known to be told of already.
func (d *deriver) add(ctx context.Context, name string, x derivation, known func(labels.Labels) bool) error {
	if !slices.ContainsFunc(x.from, func(n Selector) bool { return len(d.store.Named(n.Name)) > 0 }) {
		return nil
	}
	if d.end.Sub(d.start)/d.step >= maxSteps {
		return fmt.Errorf("%s: from %s to %s are more than %d steps of %v; is there a time in the data that is none?", name,
			d.start.UTC().Format(time.RFC3339), d.end.UTC().Format(time.RFC3339), maxSteps, d.step)
	}
	w := newWriter(defaultMaxSeries)
	newest := map[*entry]int64{} // when it had a value last
	stepMs := d.step.Milliseconds()
	for from := d.start; !from.After(d.end); from = from.Add(chunkSteps * d.step) {
		to := from.Add((chunkSteps - 1) * d.step)
		if to.After(d.end) {
			to = d.end
		}
		result, err := d.engine.Range(ctx, d.store, x.expr, from, to, d.step)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, row := range result.Rows {
			e, err := w.series(relabel(row.Labels, name, x.labels))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, p := range row.Points {
				if last, some := newest[e]; some && p.T > last+stepMs {
					e.append(last+stepMs, stale)
				}
				e.append(p.T, p.F)
				newest[e] = p.T
			}
		}
	}
	for e, last := range newest {
		if last+stepMs <= d.end.UnixMilli() {
			e.append(last+stepMs, stale)
		}
	}
	w.kinds[name] = kindOf(d.catalog, name)
	derived, _ := assemble([]*writer{w}, nil)
	all := slices.Clone(d.store.series)
	for _, y := range derived.series {
		if known(y.labels) || d.store.has(y) {
			continue
		}
		y.original = false
		all = append(all, y)
	}
	if len(all) > len(d.store.series) {
		d.store = d.store.with(all)
	}
	return nil
}

// tells tells whether a series has the name in ls, wherever it came from, and no label
// that says it is about something else.
func (s *Store) tells(ls labels.Labels) bool {
	return slices.ContainsFunc(s.named[ls.Get(model.MetricNameLabel)], func(x *Series) bool { return agree(x.labels, ls) })
}

// has tells whether there is a series with the same labels.
func (s *Store) has(x *Series) bool {
	return slices.ContainsFunc(s.named[x.Name()], func(o *Series) bool { return labels.Equal(o.labels, x.labels) })
}
