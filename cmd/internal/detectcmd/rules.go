package detectcmd

import (
	"bytes"
	"context"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/detect"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/metricinput"
)

// mostSteps is how often a rule is evaluated at most.
const mostSteps = 100_000

// applyRules evaluates the rules over one input.
func (o *options) applyRules(ctx context.Context, app *cli.App, source accesslog.Source) ([]detect.Anomaly, error) {
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
		return nil, err
	}
	step := time.Minute
	for _, s := range in.Store.Series() {
		if d := time.Duration(s.Step()) * time.Millisecond; d > 0 {
			step = min(step, d)
		}
	}
	step = max(step, in.End.Sub(in.Start)/mostSteps, time.Second)
	found, err := detect.ApplyRules(ctx, series.NewEngine(series.Limits{}), in.Store, rules, in.Start, in.End, step)
	return found, cli.Failed(err)
}
