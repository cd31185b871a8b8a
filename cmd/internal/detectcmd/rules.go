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
	step := time.Duration(0)
	for _, r := range rules {
		for _, s := range in.Store.Named(r.Metric) {
			if s.Count() == 0 {
				continue
			}
			about++
			if d := time.Duration(s.Step()) * time.Millisecond; d > 0 && (step == 0 || d < step) {
				step = d
			}
		}
	}
	if about == 0 {
		return nil, 0, nil
	}
	step = max(cmp.Or(step, time.Minute), time.Second)
	engine := series.NewEngine(series.Limits{Lookback: max(step, 5*time.Minute), Timeout: time.Hour})
	found, err = detect.ApplyRules(ctx, engine, in.Store, rules, in.Start, in.End, step)
	for i := range found {
		found[i].Series = render.Clean(render.Masked(found[i].Series))
	}
	return found, about, cli.Failed(err)
}
