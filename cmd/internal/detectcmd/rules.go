package detectcmd

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/detect"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
)

// applyRules evaluates the rules over one input; about is how many series they are about.
func (o *options) applyRules(ctx context.Context, app *cli.App, source accesslog.Source) (found []detect.Anomaly, about int, err error) {
	rules := detect.Rules()
	wants := metricinput.Wants{}
	for _, r := range rules {
		wants.Expressions = append(wants.Expressions, r.Expr)
	}
	var paths []string
	if source.Open != nil {
		paths = []string{source.Name}
	}
	if source.Name == inputs.Stdin {
		app.In = bytes.NewReader(o.stdin)
	}
	in, err := o.metrics.Load(ctx, app, paths, wants)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range rules {
		p := paceOf(r, in)
		if about += p.series; p.series == 0 {
			continue
		}
		engine := series.NewEngine(series.Limits{Lookback: p.longest, Timeout: time.Hour})
		more, err := detect.ApplyRules(ctx, engine, in.Store, []detect.Rule{r}, p.from, in.End, p.step)
		if err != nil {
			return nil, 0, cli.Failed(err)
		}
		found = append(found, more...)
	}
	for i := range found {
		found[i].Series = render.Clean(render.Masked(found[i].Series))
	}
	return found, about, nil
}

// A pace is that of the series which a rule can judge.
type pace struct {
	series  int
	from    time.Time     // their first sample
	step    time.Duration // of the finest
	longest time.Duration // step: so long a sample stands for the value, 5 minutes at least
}

func paceOf(r detect.Rule, in metricinput.Input) pace {
	p := pace{from: in.End, longest: 5 * time.Minute}
	for _, s := range in.Store.Named(r.Metric) {
		step := time.Duration(s.Step()) * time.Millisecond
		first, ok := int64(0), false
		for first = range s.Between(in.Start.UnixMilli(), in.End.UnixMilli()) {
			ok = true
			break
		}
		if !ok || r.Span > 0 && (step == 0 || step >= r.Span) {
			continue
		}
		p.series++
		if at := time.UnixMilli(first); at.Before(p.from) {
			p.from = at
		}
		if step > 0 && (p.step == 0 || step < p.step) {
			p.step = step
		}
		p.longest = max(p.longest, step)
	}
	p.step = max(cmp.Or(p.step, time.Minute), time.Second)
	return p
}
