package series

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/accesslog"
)

// Splits are what Options.By may name.
func Splits() []string { return []string{"model", "route"} }

// A group is the requests that are told apart from others.
type group struct{ model, route string }

func (g group) labels() []string {
	return []string{"model", g.model, "route", g.route} // an empty label is none
}

// maxGroups bounds the memory; routes with an id in them are ever new ones.
const maxGroups = 1000

// splitError says that there are too many groups.
type splitError struct{ by []string }

func (e splitError) Error() string {
	return fmt.Sprintf("more than %d values of %s in the request logs; one with ids in it makes ever new ones", maxGroups, strings.Join(e.by, " and "))
}

// readRequests reads request logs.
func readRequests(ctx context.Context, sources []accesslog.Source, o Options) (*writer, accesslog.Summary, error) {
	byModel, byRoute := slices.Contains(o.By, "model"), slices.Contains(o.By, "route")
	var all []map[group]map[int64]*minute // a worker's, by the number of the minute's end
	summary, err := accesslog.Read(ctx, sources, accesslog.Options{
		Format: o.Format, Map: o.Map, Workers: o.Workers, Progress: o.Progress,
	}, func() func(*accesslog.Event) {
		mine := map[group]map[int64]*minute{}
		all = append(all, mine)
		var last *minute
		var lastEnd int64
		var lastGroup group
		return func(e *accesslog.Event) {
			var g group
			if byModel {
				g.model = e.Model
			}
			if byRoute {
				g.route = e.Route
			}
			if end := minuteOf(e.End); last == nil || end != lastEnd || g != lastGroup {
				minutes := mine[g]
				if minutes == nil {
					if len(mine) > maxGroups {
						return // there are too many, whatever the other workers have
					}
					minutes = map[int64]*minute{}
					mine[g] = minutes
				}
				if last = minutes[end]; last == nil {
					last = new(minute)
					minutes[end] = last
				}
				lastEnd, lastGroup = end, g
			}
			last.take(e)
		}
	})
	if err != nil {
		return nil, summary, err
	}
	merged := map[group]map[int64]*minute{}
	for _, some := range all {
		for g, minutes := range some {
			if merged[g] == nil {
				merged[g] = minutes
				continue
			}
			for end, m := range minutes {
				if before := merged[g][end]; before != nil {
					before.merge(m)
				} else {
					merged[g][end] = m
				}
			}
		}
	}
	if len(merged) > maxGroups {
		return nil, summary, splitError{o.By}
	}
	w := newWriter(cmp.Or(o.MaxSeries, defaultMaxSeries))
	for _, g := range slices.SortedFunc(maps.Keys(merged), func(a, b group) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.route, b.route))
	}) {
		if err := w.minutes(g, merged[g], summary.First, summary.Last); err != nil {
			return nil, summary, err
		}
	}
	return w, summary, nil
}

// minuteOf is the number, since the epoch, of the minute that ends at or after t.
func minuteOf(t int64) int64 { return -floorDiv(-t, minuteMs) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// minutes writes the series of a group of a log whose requests ended from first to last.
func (w *writer) minutes(g group, minutes map[int64]*minute, first, last int64) error {
	ends := slices.Sorted(maps.Keys(minutes))
	p := minuteWriter{writer: w, common: g.labels(), known: map[string]*entry{}}
	classes := topClasses(minutes)
	for i, end := range ends {
		if i > 0 {
			p.quiet(ends[i-1]+1, end, first, last)
		}
		p.minute(end, minutes[end], classes, first, last)
	}
	p.quiet(ends[len(ends)-1]+1, minuteOf(last)+1, first, last)
	return p.failed
}

// A minuteWriter writes the measures of a minute.
type minuteWriter struct {
	*writer
	common []string // labels of all
	known  map[string]*entry
	at     int64
	failed error
}

func (p *minuteWriter) put(key string, v float64, pairs ...string) {
	e := p.known[key]
	if e == nil {
		var err error
		if e, err = p.series(labels.FromStrings(append(pairs, p.common...)...).WithoutEmpty()); err != nil {
			p.failed = err
			return
		}
		p.known[key] = e
	}
	e.append(p.at, v)
}

func (p *minuteWriter) name(n string, v float64) { p.put(n, v, model.MetricNameLabel, n) }

// covered is how many seconds the log covers of a minute.
func covered(end, first, last int64) float64 {
	at := end * minuteMs
	return float64(min(at, last)-max(at-minuteMs, first)) / 1000
}

// least is how much of a minute must be covered for rates.
const least = 30

// quiet writes the minutes from one up to another without requests, if there are not
// too many.
func (p *minuteWriter) quiet(from, to, first, last int64) {
	if to-from >= longestQuiet {
		return
	}
	for end := from; end < to; end++ {
		if covered(end, first, last) >= least {
			p.at = end * minuteMs
			p.name("requests_per_second", 0)
		}
	}
}

func (p *minuteWriter) minute(end int64, m *minute, classes []string, first, last int64) {
	p.at = end * minuteMs
	total := float64(m.succeeded + m.failed)
	if seconds := covered(end, first, last); seconds >= least {
		p.name("requests_per_second", total/seconds)
		if m.counted {
			p.name("tokens_per_second", float64(m.tokens)/seconds)
		}
	}
	if total == 0 {
		return
	}
	for _, n := range []string{"success_rate", "availability"} {
		p.name(n, float64(m.succeeded)/total)
	}
	p.name("error_rate", float64(m.failed)/total)
	p.name("timeout_rate", float64(m.timeouts)/total)
	if q, mean, ok := m.latency.measures(0.5, 0.95, 0.99, 1); ok {
		for i, n := range []string{"p50_latency_ms", "p95_latency_ms", "p99_latency_ms", "max_latency_ms"} {
			p.name(n, q[i])
		}
		p.name("mean_latency_ms", mean)
	}
	if q, _, ok := m.ttft.measures(0.95); ok {
		p.name("p95_ttft_ms", q[0])
	}
	failures := func(class string, n int64) {
		p.put("errors "+class, float64(n), model.MetricNameLabel, "errors", "class", class)
	}
	left := m.failed
	for _, c := range classes {
		if c != otherClass {
			failures(c, m.errors[c])
			left -= m.errors[c]
		}
	}
	if slices.Contains(classes, otherClass) {
		failures(otherClass, left)
	}
}
