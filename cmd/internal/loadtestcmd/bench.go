package loadtestcmd

import (
	"context"
	"fmt"

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
	checks     func(int64) check.Set
	target     *target
}

// setUp reads what the flags name and starts the embedded server, which stop
// ends. Nothing is sent yet but the preflight.
func setUp(ctx context.Context, app *cli.App, o *options) (b *bench, stop func(), err error) {
	file, err := o.objectives.Read()
	if err != nil {
		return nil, nil, err
	}
	b = &bench{app: app, o: o, objectives: file.Objectives}
	if b.prompts, err = readPrompts(app, o); err != nil {
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
	if b.target, err = o.target(ctx, app); err != nil {
		return nil, nil, err
	}
	if err := o.output.Check(); err != nil {
		return nil, nil, err
	}
	return b, stop, ctx.Err()
}

// config is the run that the flags ask for.
func (b *bench) config() load.Config {
	o := b.o
	cfg := load.Config{
		Target: b.target.Target, Timeouts: o.timeouts, Prompts: b.prompts, Checks: b.checks,
		Concurrency: o.concurrency, MaxConcurrency: o.maxConcurrency,
		Requests: o.requests, Duration: o.duration, Drain: o.drain,
		WarmupRequests: o.warmup.requests, WarmupDuration: o.warmup.duration,
	}
	if p := o.process(); p != nil {
		cfg.Arrivals = p
	}
	return cfg
}

// measurement is one run, as far as it came.
type measurement struct {
	summary loadreport.Summary
	agg     *loadreport.Aggregator
	result  load.Result
	first   *firstFailure
	err     error // that broke the run off
}

// measure does one run of cfg and keeps its records in dir. The error says that
// nothing was sent.
func (b *bench) measure(ctx context.Context, cfg load.Config, dir *folder) (*measurement, error) {
	agg := loadreport.New(loadreport.Config{Objectives: b.objectives, Confidence: b.o.confidence, Price: b.o.price()})
	m := &measurement{agg: agg, first: &firstFailure{}}
	cfg.Gauge, cfg.Measured = &load.Gauge{}, agg.Start
	cfg.Graded = func(g load.Graded) { agg.AddChecks(checked(g)) }
	stop := b.app.Progress(progress(b.app, b.o, agg, cfg.Gauge))
	m.result, m.err = load.Run(ctx, cfg, func(r *request.Record) error {
		agg.Add(r)
		m.first.note(r)
		return dir.record(r)
	})
	stop()
	if err := dir.closeRequests(); m.err == nil {
		m.err = err
	}
	if m.result.Started.IsZero() { // nothing was sent: the configuration is at fault
		return nil, cli.Usage(m.err)
	}
	m.summary = agg.Summary(b.o.facts(b.app, b.target, m.result, m.err))
	if s := m.summary.MeasuredS; s != nil && m.result.Window > 0 && *s > 1.1*m.result.Window.Seconds() {
		m.summary.Warnings = append(m.summary.Warnings, fmt.Sprintf("the last requests took %.3gs to finish after %s of load; requests_per_second and tokens_per_second are over both",
			*s-m.result.Window.Seconds(), m.result.Window))
	}
	return m, nil
}
