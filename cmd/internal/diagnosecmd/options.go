package diagnosecmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmops/analysis/diagnose"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

type options struct {
	metrics          metricinput.Flags
	baseline, faults []string
	topology, target string
	from, to         string
	explain          string
	fail             string
	report, plan     string
	output           cli.Output
}

// none of --fail-on is no gate.
const none = "none"

func severities() []string {
	words := []string{none}
	for _, s := range fault.Severities() {
		words = append(words, string(s))
	}
	return words
}

// catalogue is what ships, with --faults.
func (o *options) catalogue() (fault.Catalogue, error) {
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		return c, cli.Failed(err)
	}
	for _, name := range o.faults {
		f, err := os.Open(name)
		if err != nil {
			return c, cli.Usage(err)
		}
		more, err := fault.Read(name, f)
		_ = f.Close() // it was read only
		if err != nil {
			return c, problem(err)
		}
		c = c.With(more)
	}
	return c, problem(c.Check())
}

// problem is what is wrong with a file of faults, with what to do about it.
func problem(err error) error {
	if p, ok := errors.AsType[*fault.Problem](err); ok && p.Hint != "" {
		return cli.WithHint(cli.Usage(err), "%s", p.Hint)
	}
	return cli.Usage(err)
}

func (o *options) check(app *cli.App, args []string) error {
	if o.target != "" {
		if _, err := selector(o.target); err != nil {
			return cli.WithHint(cli.Usagef("--target %q: %w", o.target, err), `such as 'latency{service="web",stat="p95"}'`)
		}
	}
	if err := o.metrics.Check(app, args); err != nil {
		return err
	}
	if err := o.output.Check(); err != nil {
		return err
	}
	for _, name := range []string{o.report, o.plan} {
		if name != "" {
			if err := (&cli.Output{File: name}).Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// selector are the labels of a series as PromQL names it.
func selector(text string) (labels.Labels, error) {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
	if err != nil {
		return labels.EmptyLabels(), errors.New("not the name of a series")
	}
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, m := range matchers {
		if m.Type != labels.MatchEqual {
			return labels.EmptyLabels(), fmt.Errorf("%s: only = can name one series", m)
		}
		b.Set(m.Name, m.Value)
	}
	return b.Labels(), nil
}

// times are --from and --to: times, or durations before the end.
func (o *options) times(d *diagnose.Options, in metricinput.Input) error {
	at := func(flag, text string, into *time.Time) error {
		if text == "" {
			return nil
		}
		t, err := cli.ParseTimeOrBefore(text, in.End)
		if err != nil {
			return cli.WithHint(cli.Usagef("--%s %q: %w", flag, text, err), "such as 2026-03-01T12:00:00Z, '2026-03-01 12:00:00' (UTC), 1772366400, or 30m for half an hour before the end")
		}
		*into = t
		return nil
	}
	if err := at("to", o.to, &d.To); err != nil {
		return err
	}
	if err := at("from", o.from, &d.Since); err != nil {
		return err
	}
	samples := fmt.Sprintf("there are samples from %s to %s", render.Clock(in.Start), render.Clock(in.End))
	switch {
	case d.To.Before(in.Start):
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no sample lies before --to %s", render.Clock(d.To))), "%s", samples)
	case d.Since.IsZero() || d.Since.Before(d.To) && !d.Since.After(in.End):
		return nil
	case o.to != "" && !d.Since.Before(d.To):
		return cli.WithHint(cli.Usagef("--from %s is not before --to %s", render.Clock(d.Since), render.Clock(d.To)), "%s", samples)
	}
	return cli.WithHint(cli.NoVerdict(fmt.Errorf("no sample lies behind --from %s", render.Clock(d.Since))), "%s", samples)
}

func matches(s *series.Store, target labels.Labels) bool {
	all := s.Series()
	if name := target.Get(model.MetricNameLabel); name != "" {
		all = s.Named(name)
	}
	for _, x := range all {
		ok := true
		target.Range(func(l labels.Label) { ok = ok && x.Labels().Get(l.Name) == l.Value })
		if ok {
			return true
		}
	}
	return false
}

// readBaseline reads --baseline; nil without one.
func (o *options) readBaseline(ctx context.Context, app *cli.App) (*series.Store, error) {
	if len(o.baseline) == 0 {
		return nil, nil
	}
	sources, err := inputs.Walk(o.baseline, app.In)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--baseline: %w", err))
	}
	s, _, err := series.Read(ctx, sources, series.Options{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("--baseline: %w", err))
	}
	if s.Points() == 0 {
		return nil, cli.WithHint(cli.Usagef("--baseline: the files hold no sample"), "without --baseline the first part of the data is what is normal")
	}
	names, err := catalog.Load()
	if err != nil {
		return nil, cli.Failed(err)
	}
	return series.Canonical(s, names), nil
}
