// Package diagnosecmd is "llmops diagnose": it reads exported metrics, has analysis/diagnose
// find what broke, and shows it to people and machines. It wires readers, catalogue and
// analysis together; it must not judge a series itself.
package diagnosecmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
)

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
	if ctx.Err() != nil {
		app.Warnf("interrupted before all was read")
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	s := shown{files: files(in), catalogue: c}
	if err := in.Empty(); err != nil {
		s.Report = diagnose.Report{Schema: diagnose.Schema, Incidents: []diagnose.Incident{}, Verdict: diagnose.Insufficient}
		if failed := o.show(app, s); failed != nil {
			return failed
		}
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
	if d.Topology != nil && !d.Topology.Names(in.Store) {
		app.Warnf("--topology %s names no %q of the data: every one of them is looked at for itself", o.topology, d.Topology.Label)
	}
	d.From, d.To = in.Start, in.End
	if err := o.times(&d, in); err != nil {
		return err
	}
	points := fmt.Sprintf("%d series, %d points, %s to %s", len(in.Store.Series()), in.Store.Points(), render.Clock(d.From), render.Clock(d.To))
	begun := app.Now()
	stop := app.Progress(func() string {
		return fmt.Sprintf("looking for faults in %s, for %s", points, render.Span(app.Now().Sub(begun).Truncate(time.Second)))
	})
	s.Report, err = diagnose.Run(ctx, in.Store, d)
	stop()
	if ctx.Err() != nil { // a verdict on half of the evidence would be wrong
		app.Warnf("interrupted before there was a verdict; read were %s", points)
		return ctx.Err()
	}
	if err != nil {
		return cli.Failed(err)
	}
	s.name(in.Store)
	if err := o.show(app, s); err != nil {
		return err
	}
	return o.gate(s.Report)
}

// files are those that held metrics.
func files(in metricinput.Input) []string {
	return slices.DeleteFunc(slices.Clone(in.Summary.Files), func(name string) bool { return slices.Contains(in.Summary.Skipped, name) })
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
