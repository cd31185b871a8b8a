package loadtestcmd

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"llmops/analysis/compat"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/check"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// bench is what stays the same from run to run: whom the requests go to, what
// they ask and what the answers are held against.
type bench struct {
	app        *cli.App
	o          *options
	objectives []slo.Objective
	prompts    prompt.Source
	made       map[string]string // what they are made of; nil: it is no shard
	checks     func(int64) check.Set
	targets    []*target
	observer   *observer // nil: only requests are measured
	misses     *misses   // nil: nobody asks how far requests resemble each other
}

// setUp reads what the flags name and starts the embedded server, which stop
// ends. Nothing is sent yet but the preflight.
func setUp(ctx context.Context, app *cli.App, o *options) (b *bench, stop func(), err error) {
	file, err := o.objectives.Read()
	if err != nil {
		return nil, nil, err
	}
	b = &bench{app: app, o: o, objectives: file.Objectives}
	if b.prompts, err = readPrompts(ctx, app, o); err != nil {
		return nil, nil, err
	}
	if b.made, err = o.made(b.prompts); err != nil {
		return nil, nil, err
	}
	if b.checks, err = o.checksOf(b.prompts); err != nil {
		return nil, nil, err
	}
	stop = func() {}
	if o.embedded {
		if stop, err = o.startEmbedded(ctx); err != nil {
			return nil, nil, err
		}
		defer func() {
			if err != nil {
				stop()
			}
		}()
	}
	if b.targets, err = o.targets(ctx, app); err != nil {
		return nil, nil, err
	}
	o.replay.fit(app, o, b.targets)
	if err := o.output.Check(); err != nil {
		return nil, nil, err
	}
	if b.observer, err = o.telemetry.open(ctx, app, b.targets, o.out != ""); err != nil {
		return nil, nil, err
	}
	end := stop
	stop = func() {
		b.observer.close()
		end()
	}
	return b, stop, ctx.Err()
}

// config is the run that the flags ask for.
func (b *bench) config() load.Config {
	o := b.o
	cfg := load.Config{
		Timeouts: o.timeouts, Prompts: b.prompts, Checks: b.checks,
		Concurrency: o.concurrency, MaxConcurrency: o.maxConcurrency,
		Requests: o.requests, Duration: o.duration, Drain: o.drain,
		WarmupRequests: o.warmup.requests, WarmupDuration: o.warmup.duration,
		Shard: o.shard, StartAt: o.startAt.Time,
	}
	for _, t := range b.targets {
		cfg.Targets = append(cfg.Targets, t.Target)
	}
	o.people.into(&cfg, o.seed)
	o.converse(&cfg)
	if p := o.process(); p != nil {
		cfg.Arrivals = p
	}
	o.replay.into(&cfg)
	return cfg
}

// measurement is one run, as far as it came.
type measurement struct {
	summary loadreport.Summary
	agg     *loadreport.Aggregator
	result  load.Result
	first   *firstFailure
	lengths *lengths          // nil: not known beforehand
	compat  *compat.Collector // nil: not asked for
	server  []loadreport.ServerMoment
	err     error // that broke the run off
}

// measure does one run of cfg and keeps its records in dir. The error says that
// nothing was sent.
func (b *bench) measure(ctx context.Context, cfg load.Config, dir *folder) (*measurement, error) {
	agg := loadreport.New(loadreport.Config{Objectives: b.objectives, Confidence: b.o.confidence, Price: b.o.price()})
	m := &measurement{agg: agg, first: &firstFailure{}, lengths: lengthsOf(cfg), compat: b.o.compat.Collector()}
	if cfg.Gauge == nil {
		cfg.Gauge = &load.Gauge{}
	}
	if err := near(ctx, b.app, cfg.StartAt); err != nil {
		return nil, err
	}
	if err := dir.begin(b.kept(m)); err != nil {
		return nil, err
	}
	watch := b.observer.follow(ctx, b.app, cfg, dir)
	cfg.Measured = func(at time.Time) {
		agg.Start(at)
		dir.start(at)
		watch.start(at)
	}
	cfg.Graded = func(g load.Graded) {
		c := checked(g)
		agg.AddChecks(c)
		dir.checks(c)
	}
	stop := b.app.Progress(progress(b.app, b.o, agg, cfg.Gauge))
	m.result, m.err = load.Run(ctx, cfg, func(r *request.Record) error {
		agg.Add(r)
		watch.add(r)
		m.first.note(r)
		m.lengths.add(r)
		b.misses.add(r)
		m.compat.Add(r)
		return dir.record(r)
	})
	stop()
	watch.end(ctx)
	if err := dir.close(b.kept(m)); m.err == nil {
		m.err = err
	}
	if m.result.Started.IsZero() { // nothing was sent: the configuration is at fault
		return nil, cmp.Or(ctx.Err(), cli.Usage(m.err))
	}
	m.summary = Summarize(agg, b.facts(m))
	watch.report(m)
	return m, nil
}

// Summarize is the summary of a run, with what a reader of its rates should know.
func Summarize(agg *loadreport.Aggregator, run loadreport.Run) loadreport.Summary {
	s := agg.Summary(run)
	if s.MeasuredS != nil && run.Window > 0 && *s.MeasuredS > 1.1*run.Window.Seconds() {
		s.Warnings = append(s.Warnings, fmt.Sprintf("the last requests took %.3gs to finish after %s of load; requests_per_second and tokens_per_second are over both",
			*s.MeasuredS-run.Window.Seconds(), run.Window))
	}
	return s
}
