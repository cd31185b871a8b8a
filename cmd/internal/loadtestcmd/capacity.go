package loadtestcmd

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// What --find-capacity can look for.
const (
	findRate        = "rate"
	findConcurrency = "concurrency"
)

// capacityFlags ask for a search in place of one run.
type capacityFlags struct {
	find     string // "": no search
	min, max float64
}

func (c *capacityFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.find, "find-capacity", "", "find the highest `rate|concurrency` that keeps the objectives; --duration is then the length of one of at most 12 probes")
	f.Lookup("find-capacity").NoOptDefVal = findRate
	f.Float64Var(&c.min, "min-rate", 0, "--find-capacity: do not look below this rate")
	f.Float64Var(&c.max, "max-rate", 0, "--find-capacity: do not look above this rate")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "concurrency")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "rate")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "stages")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "requests")
	cmd.MarkFlagsMutuallyExclusive("find-capacity", "shard")
	cli.Depends(cmd, "find-capacity", "arrivals", "burstiness", "max-concurrency", "min-rate", "max-rate")
}

func (c *capacityFlags) on() bool { return c.find != "" }

// rates tells whether the search is one of the open loop.
func (c *capacityFlags) rates() bool { return c.find == findRate }

// checkCapacity finds what is wrong with the flags of a search, and fills in those
// that each of its probes has.
func (o *options) checkCapacity() error {
	c := &o.capacity
	switch {
	case !c.on() && (o.given("min-rate") || o.given("max-rate")):
		return cli.Usagef("--min-rate and --max-rate need --find-capacity: they bound its search")
	case !c.on():
		return nil
	case o.emit.asked():
		return cli.Usagef("--find-capacity and --emit exclude each other: each probe of a search depends on those before it, which no pods that share one load can do")
	case c.find != findRate && c.find != findConcurrency:
		return cli.Usagef("--find-capacity %q: want rate or concurrency", c.find)
	case len(o.objectives.Inline)+len(o.objectives.Files) == 0:
		return cli.WithHint(cli.Usagef("--find-capacity needs objectives: the capacity is the load up to which they are kept"), "add --slo 'p95_latency_ms < 500', or --slo-file FILE")
	case !c.rates() && (o.given("min-rate") || o.given("max-rate")):
		return cli.WithHint(cli.Usagef("--min-rate and --max-rate bound rates"), "with --find-capacity=concurrency the bound is --max-concurrency")
	case o.replay.file != "":
		return cli.Usagef("--find-capacity and --trace exclude each other: a trace says itself when its requests are due")
	case !c.rates() && (o.given("arrivals") || o.given("burstiness")):
		return cli.Usagef("--arrivals and --burstiness belong to --find-capacity=rate")
	case c.min < 0 || c.max < 0 || math.IsNaN(c.min+c.max) || math.IsInf(c.min+c.max, 0):
		return cli.Usagef("--min-rate %g and --max-rate %g must be 0 or more", c.min, c.max)
	case c.max > 0 && c.min > c.max:
		return cli.Usagef("--min-rate %g is above --max-rate %g", c.min, c.max)
	}
	if c.rates() {
		o.rate = max(c.min, 1) // each probe has its own
		if !o.given("arrivals") {
			o.arrivals = "poisson"
		}
	}
	return nil
}

// search is a search for the capacity under way.
type search struct {
	*bench
	dir  string // "": nothing is kept
	find *capacity.Search
	idle time.Duration // mean latency without load

	unloaded *capacity.Unloaded
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
		cfg.Start = 1 / (2 * s.idle.Seconds())
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
		if ctx.Err() != nil { // cut off in the middle: it proves nothing
			s.drop()
			s.find.Stop()
			return nil
		}
		s.find.Add(p)
		s.tell()
		if m := s.runs[len(s.runs)-1]; m.err != nil {
			s.find.Stop()
			return m.err
		}
		s.cool(ctx)
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
	text := fmt.Sprintf("probe %d: %s: %s", n, loadText(r), r.Verdict)
	switch {
	case r.Reason != "":
		text += ", " + r.Reason
	case r.Observed != nil:
		text += fmt.Sprintf(", %s observed for %s", render.Number(*r.Observed), r.Objective)
	}
	s.app.Notef("%s", text)
}

func loadText(r capacity.ProbeReport) string {
	if r.Concurrency != nil {
		return fmt.Sprintf("%d in flight", *r.Concurrency)
	}
	return render.Number(*r.Rate) + " requests/s"
}

// report prints what was found, and keeps it.
func (s *search) report() error {
	m, o := s.shown()
	doc := s.find.Report(s.unloaded, s.reports)
	sum := &m.summary
	doc.Seed = s.o.seed
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
