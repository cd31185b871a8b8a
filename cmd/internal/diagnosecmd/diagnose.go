// Package diagnosecmd is "llmops diagnose": it reads exported metrics, has analysis/diagnose
// find what broke, and shows it to people and machines. It wires readers, catalogue and
// analysis together; it must not judge a series itself.
package diagnosecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/spf13/cobra"

	"llmops/analysis/accesslog"
	"llmops/analysis/diagnose"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/fault"
	"llmops/rules/near"
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

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "diagnose " + metricinput.Args,
		Short: "from exported metrics to what broke, since when, where, why, and what to do",
		Long: `Finds incidents in exported metrics of inference engines, GPUs, hosts and gateways,
and says of each since when it lasts, which replica or GPU it befalls, which fault
fits best on what evidence, what speaks against it, what was not collected, which
other entities are off, and what to do next.

METRICS are metric files of any known format, folders, or - for standard input;
with --prometheus the series are read from a server. What is normal is learnt from
the first part of the data, from what lies before --from, or from --baseline.

Nothing is asked of anybody else and nothing is executed: the same files give the
same report.`,
		Example: `  llmops diagnose export.json.gz
  llmops diagnose incident/ --baseline last-week/ --fail-on high
  llmops diagnose metrics.csv --topology calls.json --target 'latency{service="web"}'
  llmops diagnose --prometheus http://127.0.0.1:9090 --start 2h --report incident.html
  llmops diagnose run.jsonl -o markdown --plan plan.yaml
  llmops diagnose --explain kv_cache_exhaustion`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.catalogue()
			if err != nil {
				return err
			}
			if o.explain != "" {
				return o.explainFault(app, c)
			}
			if err := o.check(app, args); err != nil {
				return err
			}
			return run(cmd.Context(), app, o, c, args)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.baseline, "baseline", nil, "`FILE` or folder of metrics of a healthy period; may be repeated (default: the first part of the data)")
	f.StringVar(&o.topology, "topology", "", "`FILE` that says who calls whom: {\"label\":\"service\",\"edges\":[[\"caller\",\"callee\"]]}")
	f.StringVar(&o.target, "target", "", "`SERIES` that broke, such as 'latency{service=\"web\"}': where to start looking")
	f.StringVar(&o.from, "from", "", "look at what begins at this `TIME`, or so long before the end; what lies before is normal")
	f.StringVar(&o.to, "to", "", "look no further than this `TIME`")
	f.StringArrayVar(&o.faults, "faults", nil, "`FILE` of fault patterns that add to those that ship, or replace them; may be repeated")
	f.StringVar(&o.explain, "explain", "", "print what is known of a `FAULT`, and read nothing")
	cli.Enum(cmd, &o.fail, "fail-on", "", severities(), "exit 3 on an incident of this severity or a worse one")
	f.StringVar(&o.report, "report", "", "write an offline HTML report with charts to `FILE`")
	f.StringVar(&o.plan, "plan", "", "write a remediation plan as YAML to `FILE`; nothing of it is executed")
	for _, name := range []string{"baseline", "topology", "faults"} {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
	o.metrics.AddFlags(cmd)
	o.output.AddFlags(cmd, append(render.Formats(), "html", "junit", "sarif", "github")...)
	return cmd
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
		f.Close()
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

func run(ctx context.Context, app *cli.App, o *options, c fault.Catalogue, args []string) error {
	d := diagnose.Options{Faults: c}
	if o.topology != "" {
		content, err := os.ReadFile(o.topology)
		if err != nil {
			return cli.Usage(err)
		}
		t, err := diagnose.ReadTopology(content)
		if err != nil {
			return cli.WithHint(cli.Usagef("%s: %w", o.topology, err), `the form is {"label":"service","edges":[["caller","callee"]]}`)
		}
		d.Topology = &t
	}
	in, err := o.metrics.Load(ctx, app, args, metricinput.Wants{Expressions: []string{diagnose.Looks}})
	if err != nil {
		return err
	}
	if err := in.Empty(); err != nil {
		return err
	}
	if d.Baseline, err = o.readBaseline(ctx, app); err != nil {
		return err
	}
	if o.target != "" {
		if d.Target, err = selector(o.target); err != nil {
			return cli.Usage(err)
		}
		if !matches(in.Store, d.Target) {
			app.Warnf("--target %s names no series of the data", o.target)
		}
	}
	d.From, d.To = in.Start, in.End
	if err := o.times(&d, in); err != nil {
		return err
	}
	stop := app.Progress(func() string { return "looking for faults" })
	r, err := diagnose.Run(ctx, in.Store, d)
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return cli.Failed(err)
	}
	s := shown{Report: r, files: in.Summary.Files, catalogue: c}
	if err := o.show(app, s); err != nil {
		return err
	}
	return o.gate(r)
}

// times are --from and --to.
func (o *options) times(d *diagnose.Options, in metricinput.Input) error {
	at := func(flag, text string, into *time.Time) error {
		if text == "" {
			return nil
		}
		var clock accesslog.Clock
		if t, ok := clock.Parse([]byte(text)); ok {
			*into = time.UnixMilli(t.Floor())
			return nil
		}
		back, err := model.ParseDuration(strings.TrimPrefix(text, "-"))
		if err != nil {
			return cli.WithHint(cli.Usagef("--%s %q: neither a time nor a duration", flag, text), "such as 2026-03-01T12:00:00Z, '2026-03-01 12:00:00' (UTC), 1772366400, or 30m for half an hour before the end")
		}
		*into = in.End.Add(-time.Duration(back))
		return nil
	}
	if err := at("to", o.to, &d.To); err != nil {
		return err
	}
	if err := at("from", o.from, &d.Since); err != nil {
		return err
	}
	if !d.Since.IsZero() && !d.Since.Before(d.To) {
		return cli.Usagef("--from %s is not before the end, %s", render.Clock(d.Since), render.Clock(d.To))
	}
	return nil
}

func matches(s *series.Store, target labels.Labels) bool {
	for _, x := range s.Named(target.Get(labels.MetricName)) {
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

// gate is the error of what was found.
func (o *options) gate(r diagnose.Report) error {
	if r.Verdict == diagnose.Insufficient {
		return cli.WithHint(cli.NoVerdict(errors.New("no series can be judged")), "a series needs five points in the normal period, the first part of the data or --baseline")
	}
	if o.fail == none {
		return nil
	}
	var bad []string
	for _, in := range r.Incidents {
		if in.Severity.AtLeast(fault.Severity(o.fail)) {
			bad = append(bad, in.ID+" ("+in.Diagnoses[0].Fault+")")
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return cli.Gate(fmt.Errorf("gate failed: %s at or above %s: %s", render.Plural(len(bad), "incident"), o.fail, render.List(bad, 3)))
}

// explainFault prints one entry of the catalogue.
func (o *options) explainFault(app *cli.App, c fault.Catalogue) error {
	f := c.Find(o.explain)
	if f == nil {
		err := cli.Usagef("--explain %q: there is no such fault", o.explain)
		if names := near.Names(o.explain, func(yield func(string) bool) {
			for _, id := range c.IDs() {
				if !yield(id) {
					return
				}
			}
		}, 1); len(names) > 0 {
			return cli.WithHint(err, "did you mean %s?", names[0])
		}
		return cli.WithHint(err, "the faults are %s", strings.Join(c.IDs(), ", "))
	}
	return cli.Failed(o.output.Write(app, func(w io.Writer) error {
		if o.output.Format == "json" || o.output.Format == "yaml" {
			return render.Write(w, o.output.Format, 0, faultDoc(f))
		}
		v := view{Screen: render.Screen{W: w, Style: o.output.Style(app), Width: o.output.Width(app)}}
		return v.fault(f)
	}))
}
