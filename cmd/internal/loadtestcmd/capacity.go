package loadtestcmd

import (
	"context"
	"fmt"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// search is a search for the capacity under way.
type search struct {
	*bench
	dir  string // "": nothing is kept
	find *capacity.Search
	idle capacity.Idle

	unloaded *capacity.Unloaded
	lost     error          // the service went away
	light    *measurement   // without load
	runs     []*measurement // of the probes
	options  []*options     // of the probes
	reports  []capacity.ProbeReport
}

// findCapacity probes one load after the other, and reports as one run does: the
// run that shows the capacity best, with all probes.
func findCapacity(ctx context.Context, app *cli.App, o *options) error {
	b, stop, err := setUp(ctx, app, o)
	if err != nil {
		return err
	}
	defer stop()
	s := &search{bench: b, dir: o.out}
	if err := s.openFolder(); err != nil {
		return err
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	return s.report()
}

// run does the probes. The error says that nothing can be said.
func (s *search) run(ctx context.Context) error {
	cfg := capacity.Config{Confidence: s.o.confidence, Start: 1, Min: s.o.capacity.min, Max: s.o.capacity.max}
	if s.o.capacity.rates() {
		hopeless, err := s.unload(ctx)
		if err != nil || hopeless || ctx.Err() != nil {
			s.find = capacity.New(cfg)
			return err
		}
		cfg.Start = 1 / (2 * s.idle.Latency.Seconds())
		cfg.Idle, _, _ = s.margin(s.light.summary)
	} else {
		cfg.Whole, cfg.Min, cfg.Max = true, 1, float64(s.o.maxConcurrency)
		if s.o.maxConcurrency == 0 {
			cfg.Max = maxInFlight
		}
	}
	s.find = capacity.New(cfg)
	for {
		load, ok := s.find.Next()
		if !ok {
			return nil
		}
		p, err := s.probe(ctx, load)
		if err != nil {
			return err
		}
		if interrupted(ctx) { // cut off in the middle: it proves nothing
			s.drop()
			s.find.Stop()
			return nil
		}
		s.tell()
		if m := s.runs[len(s.runs)-1]; m.err != nil {
			s.find.Stop()
			return m.err
		}
		s.lost = s.cool(ctx)
		if s.over() { // what the probe saw is no limit but an end
			s.drop()
			s.find.Stop()
			return nil
		}
		s.find.Add(p)
	}
}

// drop forgets the latest probe, unless there is nothing else to report.
func (s *search) drop() {
	if n := len(s.runs) - 1; n > 0 || s.light != nil {
		s.runs, s.options, s.reports = s.runs[:n], s.options[:n], s.reports[:n]
		return
	}
	s.light, s.runs, s.options, s.reports = s.runs[0], nil, nil, nil
}

// tell says on standard error how the latest probe went.
func (s *search) tell() {
	n := len(s.reports)
	r := s.reports[n-1]
	text := fmt.Sprintf("probe %d: %s: %s", n, loadText(r, s.per()), r.Verdict)
	switch {
	case r.Reason != "":
		text += ", " + r.Reason
	case r.Observed != nil:
		text += fmt.Sprintf(", %s observed for %s", render.Number(*r.Observed), r.Objective)
	}
	s.app.Notef("%s", text)
}

func loadText(r capacity.ProbeReport, per string) string {
	if r.Concurrency != nil {
		return fmt.Sprintf("%d in flight", *r.Concurrency)
	}
	return render.Number(*r.Rate) + " " + per
}

// What a rate counts.
const (
	requests = "requests/s"
	sessions = "sessions/s"
)

// per is what the rates of the search count.
func (s *search) per() string {
	if s.o.capacity.rates() && !s.o.people.turns.IsZero() {
		return sessions
	}
	return requests
}

// report prints what was found, and keeps it.
func (s *search) report() error {
	m, o := s.shown()
	doc := s.find.Report(s.unloaded, s.reports)
	sum := &m.summary
	doc.Seed = s.o.seed
	if s.per() == sessions {
		doc.SessionsPerSecond, doc.RequestsPerSecond = doc.RequestsPerSecond, nil
	}
	sum.Capacity = &doc
	if doc.LimitedBy == "" && doc.Load() == nil && s.light != nil {
		_, doc.LimitedBy, _ = s.margin(s.light.summary)
	}
	sum.Verdict = s.verdict(doc)
	if text := s.doubts(doc); text != "" {
		sum.Warnings = append(sum.Warnings, text)
	}
	var failed error
	out := page{summary: *sum, load: o.describe(), course: m.agg.Course(), buckets: m.agg.LatencyHistogram(pageRows), server: m.server, from: m.result.MeasuredFrom}
	for _, err := range []error{writeFiles(&folder{dir: s.dir}, out), o.print(s.app, m.agg, *sum)} {
		if failed == nil {
			failed = err
		}
	}
	tellGitHub(s.app, *sum)
	for _, w := range sum.Warnings {
		s.app.Warnf("%s", w)
	}
	if s.dir != "" {
		s.app.Notef("results in %s", s.dir)
	}
	if failed != nil {
		return failed
	}
	return s.outcome(m, doc)
}

// shown is the run that stands for the search, and its flags.
func (s *search) shown() (*measurement, *options) {
	if i, ok := s.find.Best(); ok {
		return s.runs[i], s.options[i]
	}
	if n := len(s.runs); n > 0 {
		return s.runs[n-1], s.options[n-1]
	}
	return s.light, s.o
}

// verdict is that on the whole search.
func (s *search) verdict(doc capacity.Report) loadreport.Verdict {
	switch {
	case s.lost != nil:
		return loadreport.Inconclusive
	case doc.Ended == capacity.ByClient:
		return loadreport.Invalid
	case doc.Load() != nil && len(s.floors()) > 0:
		return loadreport.Fail
	case doc.Load() != nil:
		return loadreport.Pass
	case s.light != nil && s.light.summary.Client.Verdict == loadreport.ClientInvalid && len(s.runs) == 0:
		return loadreport.Invalid
	case doc.Ended == capacity.Stopped && len(s.runs) > 0: // a lower load may hold
		return loadreport.Inconclusive
	case s.hopeless():
		return loadreport.Fail
	}
	return loadreport.Inconclusive
}

// interrupted tells whether somebody ended the search.
func interrupted(ctx context.Context) bool { return ctx.Err() != nil }

// over tells whether the service was lost.
func (s *search) over() bool { return s.lost != nil }
