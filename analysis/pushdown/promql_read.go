package pushdown

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"llmops/analysis/budget"
	"llmops/rules/alert"
	"llmops/rules/slo"
)

// An AskSeries sends an expression of PromQL, to be evaluated at start, start+step and so
// on up to end (ms), and hands over each series: values at times, ascending. The
// warnings are the server's.
type AskSeries func(ctx context.Context, expr string, start, end, step int64, series func(labels map[string]string, times []int64, values []float64) error) (warnings []string, err error)

// ErrTooMuch is in the error of an AskSeries if a shorter time might be answered.
var ErrTooMuch = errors.New("too much at once")

const (
	hour = 60 * minute
	// chunk is how much time is asked for at once. A server gives 11,000 points of a
	// series, and no more.
	chunk, leastChunk = 10_000 * minute, 60 * minute
	// concurrency is how many requests are made at once.
	concurrency = 4
	// fresh is how old the newest reading may be without a word: as far as a server
	// looks back for one.
	fresh = 5 * minute
)

// Prometheus judges the counters of a Prometheus-compatible server. Without cfg.At, now
// is the newest reading of a counter of events up to clock (ms); it is rounded down to a
// whole minute. An error that is not one of ask means that the objectives or the counters
// cannot be judged that way.
func Prometheus(ctx context.Context, ask AskSeries, list []alert.Counters, cfg budget.Config, clock int64) (budget.Report, []string, error) {
	cfg.Objectives = objectivesOf(list)
	empty, err := budget.New(cfg) // refuses what cannot be judged before anything is asked
	if err != nil {
		return budget.Report{}, nil, err
	}
	defer empty.Close()
	source := budget.Source{Format: "prometheus", Resolution: resolution}
	s := server{ask: ask, list: list}
	if cfg.At == nil {
		newest, err := s.newest(ctx, cfg, clock)
		if err != nil {
			return budget.Report{}, nil, err
		}
		if newest == 0 {
			r, err := empty.Report(source)
			return r, append(s.warned(), fmt.Sprintf("the server has no series of %s", listed(selectors(list, alert.Events)))), err
		}
		if clock-newest > fresh {
			s.warn(fmt.Sprintf("the newest reading of a counter is of %s", budget.Time(newest)))
		}
		cfg.At = &newest
	}
	cfg.At = new(floorMinute(*cfg.At))
	m, err := budget.NewMinutes(cfg)
	if err != nil {
		return budget.Report{}, nil, err
	}
	c := newCounting(list, m, slices.Contains(cfg.By, dimensions[keyDimension].name))
	if err := s.read(ctx, c, m.Since(), m.Now()); err != nil {
		return budget.Report{}, nil, err
	}
	if err := s.limits(ctx, c, m.Now()); err != nil {
		return budget.Report{}, nil, err
	}
	got, err := c.fill()
	if err != nil {
		return budget.Report{}, nil, err
	}
	source.Records = got.events
	if got.any {
		source.First, source.Last = new(budget.Time(got.first)), new(budget.Time(m.Now()))
	}
	r, err := m.Report(source)
	return r, append(s.warned(), got.warnings...), err
}

func objectivesOf(list []alert.Counters) (out []slo.Objective) {
	for _, c := range list {
		out = append(out, c.Objective)
	}
	return out
}

// server asks, and keeps the warnings that come with answers.
type server struct {
	ask  AskSeries
	list []alert.Counters

	mu       sync.Mutex
	warnings []string
}

func (s *server) warn(text ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range text {
		if !slices.Contains(s.warnings, t) {
			s.warnings = append(s.warnings, t)
		}
	}
}

func (s *server) warned() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.warnings)
	return s.warnings
}

// newest is the time of the newest reading, in ms; 0: none. A server looks five minutes
// back by itself; beyond that every hour is asked for.
func (s *server) newest(ctx context.Context, cfg budget.Config, clock int64) (newest int64, err error) {
	cfg.At = new(floorMinute(clock))
	m, err := budget.NewMinutes(cfg)
	if err != nil {
		return 0, err
	}
	selectors := selectors(s.list, alert.Events)
	greatest := func(expr string, start, end, step int64, of func(at int64, v float64) int64) error {
		_, err := s.ask(ctx, expr, start, end, step, func(_ map[string]string, times []int64, values []float64) error {
			for i, v := range values {
				newest = max(newest, of(times[i], v))
			}
			return nil
		})
		return err
	}
	stamp := func(_ int64, v float64) int64 { return int64(math.Round(v * 1000)) }
	for _, sel := range selectors {
		if err := greatest("max(timestamp("+sel+"))", clock, clock, minute, stamp); err != nil {
			return 0, err
		}
	}
	if newest > 0 {
		return newest, nil
	}
	// Day by day, so that a server reads no more than it must.
	for day := clock; newest == 0 && day > m.Since(); day -= 24 * hour {
		for _, sel := range selectors {
			if err := greatest("count(count_over_time("+sel+"[1h]))", day-23*hour, day, hour, func(at int64, _ float64) int64 { return at }); err != nil {
				return 0, err
			}
		}
	}
	if newest == 0 {
		return 0, nil
	}
	end := newest
	newest = 0
	for _, sel := range selectors {
		if err := greatest("max(timestamp("+sel+"))", end-hour, end, minute, stamp); err != nil {
			return 0, err
		}
	}
	return newest, nil
}

// read asks for all selectors, some at a time, each from the oldest to the newest.
func (s *server) read(ctx context.Context, c *counting, since, now int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	free := make(chan struct{}, concurrency)
	for _, sel := range selectors(s.list) {
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			if err := s.selector(ctx, c, sel, since, now); err != nil {
				cancel(err) // the first one counts
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (s *server) selector(ctx context.Context, c *counting, sel string, since, now int64) error {
	for size := int64(chunk); since <= now; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		end := min(since+size-minute, now)
		warnings, err := s.ask(ctx, sel, since, end, minute, func(labels map[string]string, times []int64, values []float64) error {
			return c.add(sel, labels, times, values)
		})
		switch {
		case errors.Is(err, ErrTooMuch) && size > leastChunk:
			size = max(size/2/minute*minute, leastChunk) // what came of it already is passed over next time
			continue
		case err != nil:
			return err
		}
		s.warn(warnings...)
		since = end + minute
	}
	return nil
}

// limits refuses limits at which the histograms of the server have no bucket.
func (s *server) limits(ctx context.Context, c *counting, now int64) error {
	missing := c.missingBuckets()
	if len(missing) == 0 {
		return nil
	}
	var bounds []string
	_, err := s.ask(ctx, "count by (le) ("+missing[0].buckets+")", now-24*hour, now, fresh, func(labels map[string]string, _ []int64, _ []float64) error {
		bounds = append(bounds, labels["le"])
		return nil
	})
	if err != nil {
		return err
	}
	return missing[0].refuse(bounds)
}
