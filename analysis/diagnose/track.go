package diagnose

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

const (
	minTime = math.MinInt64 / 2
	maxTime = math.MaxInt64 / 2
)

// grid is the times at which everything is looked at.
type grid struct {
	start, step int64 // ms
	n           int
}

func (g grid) at(i int) int64 { return g.start + int64(i)*g.step }

// index is that of the last time not after t.
func (g grid) index(t int64) int { return int((t - g.start) / g.step) }

// window is the time over which rates are taken.
func (g grid) window() time.Duration {
	return time.Duration(max(g.step*int64(g.steps(2*time.Minute, 20, 4)), 1000)) * time.Millisecond
}

// trend is the time over which something must go on to be a trend: five minutes, of a
// short record a twelfth.
func (g grid) trend() time.Duration {
	return time.Duration(g.step*int64(g.steps(5*time.Minute, 12, 5))) * time.Millisecond
}

// steps is how many there are in d, of a short record in that part of it, but at least so
// many.
func (g grid) steps(d time.Duration, part, least int) int {
	return max(least, min(int(d.Milliseconds()/g.step), g.n/part))
}

// maxSteps bounds what is looked at: a longer time is looked at in longer steps.
const maxSteps = 3000

func gridOf(s *series.Store, from, to int64) grid {
	counts := map[int64]int{}
	for _, x := range s.Series() {
		if step := x.Step(); step > 0 {
			counts[max(1000, (step+500)/1000*1000)]++
		}
	}
	g := grid{start: from, step: 15_000}
	best := 0
	for step, n := range counts {
		if n > best || n == best && step < g.step {
			g.step, best = step, n
		}
	}
	return g.upTo(to)
}

// upTo is a grid that ends at a time, or just before it.
func (g grid) upTo(to int64) grid {
	for (to-g.start)/g.step > maxSteps {
		g.step *= 2
	}
	g.n = int((to-g.start)/g.step) + 1
	return g
}

// track is a measure of one entity over the grid; NaN where there is no value.
type track struct {
	entity Entity
	series string // as it can be looked up
	v      []float64
}

// tracks are those of one signal, sorted by entity.
type tracks []track

func (ts tracks) find(e Entity) *track {
	i, ok := slices.BinarySearchFunc(ts, e, func(t track, e Entity) int { return t.entity.compare(e) })
	if !ok {
		return nil
	}
	return &ts[i]
}

// evaluation gives the tracks of expressions over a view.
type evaluation struct {
	view   view
	grid   grid
	ranges grid // whose windows are those of rates
	engine *series.Engine
	base   int                          // steps that are normal; 0: usual is
	usual  map[string]map[Entity]normal // by signal; nil: what the first steps say
}

// normal is the median of a track in normal times; NaN if it is not known.
func (e evaluation) normal(name string, t track) float64 {
	if n := e.usual[name][t.entity]; e.base == 0 && n.n > 0 {
		return n.median
	}
	return median(t.v[:e.base])
}

// signals evaluates every signal; an entity has the first of its expressions that gives
// it any value.
func (e evaluation) signals(ctx context.Context, list []fault.Signal) (map[string]tracks, error) {
	results := make([]tracks, len(list))
	err := parallel(len(list), func(i int) error {
		var found tracks
		for _, expr := range list[i].From {
			more, err := e.expression(ctx, e.view.store, list[i].Name, expr)
			if err != nil {
				return fmt.Errorf("signal %s: %w", list[i].Name, err)
			}
			for _, t := range more {
				if found.find(t.entity) == nil {
					at, _ := slices.BinarySearchFunc(found, t.entity, func(t track, e Entity) int { return t.entity.compare(e) })
					found = slices.Insert(found, at, t)
				}
			}
		}
		results[i] = found
		return nil
	})
	byName := map[string]tracks{}
	for i, s := range list {
		byName[s.Name] = results[i]
	}
	return byName, err
}

// expression evaluates one expression over the grid.
func (e evaluation) expression(ctx context.Context, s *series.Store, name, expr string) (tracks, error) {
	expr = fault.Windowed(expr, e.ranges.window(), e.ranges.trend())
	step := time.Duration(e.grid.step) * time.Millisecond
	r, err := e.engine.Range(ctx, s, expr, time.UnixMilli(e.grid.start), time.UnixMilli(e.grid.at(e.grid.n-1)), step)
	if err != nil {
		return nil, err
	}
	var found tracks
	for _, row := range r.Rows {
		t := track{entity: e.view.entity(row.Labels), series: seriesName(name, row.Labels), v: make([]float64, e.grid.n)}
		for i := range t.v {
			t.v[i] = math.NaN()
		}
		any := false
		for _, p := range row.Points {
			if i := e.grid.index(p.T); i >= 0 && i < e.grid.n && !math.IsInf(p.F, 0) && !math.IsNaN(p.F) {
				t.v[i], any = p.F, true
			}
		}
		if any {
			found = append(found, t)
		}
	}
	slices.SortStableFunc(found, func(a, b track) int { return a.entity.compare(b.entity) })
	return slices.CompactFunc(found, func(a, b track) bool { return a.entity == b.entity }), nil
}

// seriesName is the name of a signal, or an expression, with the labels that are not
// empty, as people write it: name{gpu="0",replica="a"}.
func seriesName(name string, ls labels.Labels) string {
	var pairs []string
	ls.Range(func(l labels.Label) {
		if l.Name != model.MetricNameLabel && l.Value != "" {
			pairs = append(pairs, l.Name+"="+strconv.Quote(l.Value))
		}
	})
	if len(pairs) == 0 {
		return name
	}
	return name + "{" + strings.Join(pairs, ",") + "}"
}

// nameOf is a series of a file in the same way.
func nameOf(ls labels.Labels) string { return seriesName(ls.Get(model.MetricNameLabel), ls) }

// store has tracks as series, for PromQL over signals.
func (e evaluation) store(byName map[string]tracks, names []string) *series.Store {
	b := series.NewBuilder()
	for _, name := range names {
		for _, t := range byName[name] {
			ls := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, name))
			switch {
			case t.entity.Label == "upstream":
				ls.Set("upstream", t.entity.Name)
			default:
				ls.Set("replica", t.entity.Name)
				ls.Set("gpu", t.entity.GPU)
			}
			for i, v := range t.v {
				b.Add(ls.Labels(), series.Gauge, e.grid.at(i), v)
			}
		}
	}
	return b.Store(nil)
}

// parallel does n things on every processor; what they give must not depend on their
// order. Of several errors it is that of the first.
func parallel(n int, do func(i int) error) error {
	errs := make([]error, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
