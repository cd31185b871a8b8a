package loadtestcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/load"
	"llmops/probes/load/prompt"
)

const (
	lightRequests = 20 // of the look at the service without load
	lightWarmUp   = 2
	backlogTick   = 50 * time.Millisecond
	seedStep      = 1_000_003 // from run to run; seeds that people choose are nearer to each other
)

// errPiledUp ends a probe whose requests pile up.
var errPiledUp = errors.New("requests pile up")

// openFolder makes the folder of the search, without what an earlier one or a
// single run left in it.
func (s *search) openFolder() error {
	if s.dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return folderError(s.dir, err)
	}
	old, err := filepath.Glob(filepath.Join(s.dir, "probe-[0-9][0-9]"))
	if err != nil {
		return folderError(s.dir, err)
	}
	for _, dir := range append(old, s.dir) {
		for _, name := range []string{summaryFile, junitFile, reportFile, requestsFile, telemetryFile, runfolder.Events} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return folderError(dir, err)
			}
		}
		if dir != s.dir {
			_ = os.Remove(dir) // stays if somebody put a file there
		}
	}
	return nil
}

// at is the bench for one run: the same, but that nothing that it asks was asked
// before, for the server may have kept it.
func (s *search) at(o *options, n int) (*bench, error) {
	b := *s.bench
	b.o = o
	o.seed = s.o.seed + uint64(n)*seedStep
	switch p := b.prompts.(type) {
	case prompt.Synthetic:
		p.Seed = o.seed
		b.prompts = p
	case *prompt.Dataset:
		d := *p
		d.Seed = o.seed
		b.prompts = &d
	}
	var err error
	b.checks, err = o.checksOf(b.prompts)
	return &b, err
}

// unload looks at the service with one request at a time: how fast it is, and
// whether the objectives hold at all. hopeless: they do not.
func (s *search) unload(ctx context.Context) (hopeless bool, err error) {
	o := *s.o
	o.capacity = capacityFlags{}
	o.concurrency, o.requests, o.duration = 1, lightRequests, s.o.duration
	o.warmup = extent{requests: lightWarmUp}
	given := s.o.given
	o.given = func(name string) bool { return name != "arrivals" && name != "burstiness" && given(name) }
	if !given("duration") {
		o.duration = time.Minute
	}
	b, err := s.at(&o, 0)
	if err != nil {
		return false, err
	}
	m, err := b.measure(ctx, b.config(), &folder{})
	if err != nil {
		return false, err
	}
	s.light = m
	if interrupted(ctx) {
		return false, nil
	}
	if r := m.summary.Requests; r.Failed > 0 && r.Succeeded == 0 {
		return false, allFailed(m.summary, m.first)
	}
	l := m.summary.Metrics.Latency
	if l.Mean == nil || *l.Mean <= 0 {
		return false, undecided(m.summary)
	}
	s.idle = idleOf(m.summary)
	s.unloaded = &capacity.Unloaded{Requests: m.summary.Requests.Succeeded, LatencyMS: l.Distribution}
	return s.hopeless(), nil
}

// probe measures one load.
func (s *search) probe(ctx context.Context, value float64) (capacity.Probe, error) {
	o := *s.o
	rate, rough := 0.0, s.find.Rough()
	if s.o.capacity.rates() {
		o.rate, rate = value, value
	} else {
		o.concurrency, o.maxConcurrency = int(value), 0
		if n := len(s.reports); n > 0 && s.reports[n-1].Completed != nil {
			rate = *s.reports[n-1].Completed
		}
	}
	if !o.given("duration") {
		o.duration = capacity.Length(s.objectives, rate, s.idle)
	}
	if rough {
		o.duration /= 2
	}
	if o.warmup == (extent{}) {
		o.warmup.duration = capacity.WarmUp(o.duration, s.idle.Latency)
	}
	s.fill(&o)
	b, err := s.at(&o, len(s.runs)+1)
	if err != nil {
		return capacity.Probe{}, err
	}
	b.misses = newMisses(s.objectives)
	dir, err := openFolder(s.probeDir())
	if err != nil {
		return capacity.Probe{}, err
	}
	cfg := b.config()
	cfg.Gauge = &load.Gauge{}
	run, end := context.WithCancelCause(ctx)
	defer end(nil)
	backlog := &capacity.Backlog{Idle: s.idle.Latency}
	watched := s.watch(run, end, cfg, rate, backlog)
	m, err := b.measure(run, cfg, dir)
	end(nil)
	completed, diverged := watched()
	if err != nil {
		return capacity.Probe{}, err
	}
	if diverged && ctx.Err() == nil {
		w := &m.summary.Warnings
		*w = slices.DeleteFunc(*w, func(text string) bool { return strings.HasPrefix(text, "the run was interrupted") })
		if errors.Is(context.Cause(run), errPiledUp) {
			*w = append(*w, "requests piled up, and the probe was broken off: it is above what the service can do")
		}
	}
	if s.idle.Latency == 0 { // one in flight: the first probe of a concurrency
		s.idle = idleOf(m.summary)
	}
	p := s.judge(m, value, diverged, completed)
	if s.o.capacity.rates() {
		p.Unseen = capacity.Unseen(s.objectives, o.warmup.duration+o.duration, s.idle)
	}
	p.Effect = b.misses.effect(s.nearest(m.summary), p.Weight, s.o.confidence)
	s.runs, s.options = append(s.runs, m), append(s.options, &o)
	out := page{summary: m.summary, load: o.describe(), course: m.agg.Course(), buckets: m.agg.LatencyHistogram(pageRows), server: m.server, from: m.result.MeasuredFrom}
	return p, writeFiles(dir, out)
}

// idleOf takes a run with one request at a time for the service without load.
func idleOf(sum loadreport.Summary) capacity.Idle {
	mean := func(v *float64) time.Duration {
		if v == nil {
			return 0
		}
		return time.Duration(*v * float64(time.Millisecond))
	}
	return capacity.Idle{Latency: mean(sum.Metrics.Latency.Mean), TTFT: mean(sum.Metrics.TTFT.Mean)}
}

func (s *search) probeDir() string {
	if s.dir == "" {
		return ""
	}
	return filepath.Join(s.dir, fmt.Sprintf("probe-%02d", len(s.runs)+1))
}

// watch breaks a probe of the open loop off when its requests pile up. The function
// that it returns is called when the run is over, and says whether they did.
func (s *search) watch(ctx context.Context, end context.CancelCauseFunc, cfg load.Config, rate float64, b *capacity.Backlog) func() (float64, bool) {
	if cfg.Arrivals == nil {
		return func() (float64, bool) { return 0, false }
	}
	type found struct {
		completed float64
		growing   bool
	}
	out := make(chan found, 1)
	start, last := time.Now(), cfg.WarmupDuration+cfg.Duration
	go func() {
		tick := time.NewTicker(backlogTick)
		defer tick.Stop()
		var f found
		defer func() { out <- f }()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			at := time.Since(start)
			if at > last { // what is in flight is only finished
				f.completed, f.growing = b.Grew()
				return
			}
			sent, done := cfg.Gauge.Sent(), cfg.Gauge.Sent()-cfg.Gauge.InFlight()
			if cfg.MaxConcurrency > 0 { // what waits for the cap is sent late, and waits all the same
				sent = max(sent, int64(rate*at.Seconds()))
			}
			b.Add(at, sent, done)
			if f.completed, f.growing = b.Growing(); f.growing {
				end(errPiledUp)
				return
			}
		}
	}()
	return func() (float64, bool) {
		f := <-out
		return f.completed, f.growing
	}
}
