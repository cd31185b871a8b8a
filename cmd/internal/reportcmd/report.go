// Package reportcmd is "llmops report": it shows again what was measured before:
// load tests, the shards of one as the run that they are together, and any mix of
// load tests and documents of other commands as one report. It wires run folders and
// documents to the judgements and views of their own commands; it must not compute
// statistics itself, nor judge anything anew but load tests.
package reportcmd

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/objectives"
	"llmops/cmd/internal/runfolder"
)

type options struct {
	args       []string
	objectives objectives.Flags
	partial    bool
	compat     loadtestcmd.Compat
	output     cli.Output
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	var given func(string) bool
	cmd := &cobra.Command{
		Use:   "report DIR|FILE...",
		Short: "show a load test again, or several results as one report",
		Long: `Reads folders that "llmops loadtest --out" wrote and reports on them as the load
test did, with the same exit code. From the folders of all shards of a run
(--shard) it makes the report of the whole run: every percentile, objective and
chart is of all their requests, as if one machine had sent them. Times count
from the start of each shard, so that clocks of machines need not agree.

Of several runs, and of what other commands wrote with -o json (budgets,
diagnoses, alerts, anomalies, comparisons, checks of rules, snapshots and
recordings of them), it makes one report: the verdicts, worst first, one time
line of all, then each result. The exit code is that of the worst verdict;
incidents, alerts, anomalies and findings gate nothing here, as in their own
commands without --fail-on.

A folder stands for all of that in it. New objectives (--slo) judge the requests
of load tests once more. The format follows the name of --output (.html, .md,
.json, .yaml, .csv, .xml for JUnit) unless -o says another.`,
		Example: `  llmops report run1 --output run1.html
  llmops report run1 --slo 'p99_ttft_ms < 400'
  llmops report results/ --output report.html   # results/0 to results/3: four shards of one run
  llmops report run1 budget.json diagnosis.json alerts.json --output incident.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			if err := o.compat.Check(given("output-format"), o.output.Format); err != nil {
				return err
			}
			if !given("output-format") {
				o.output.Format = formatOf(o.output.File, o.output.Format)
			}
			return run(cmd.Context(), app, o)
		},
	}
	given = cmd.Flags().Changed
	o.objectives.AddFlags(cmd)
	cmd.Flags().BoolVar(&o.partial, "partial", false, "merge shards even if some are missing; the figures are then of a part of the load, and there is no verdict")
	o.output.AddFlags(cmd, append(loadtestcmd.ShownFormats(), "github")...)
	o.compat.AddFlags(cmd)
	return cmd
}

// formatOf is the format that the name of a file asks for.
func formatOf(file, otherwise string) string {
	for ext, format := range map[string]string{".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".csv": "csv", ".xml": "junit"} {
		if filepath.Ext(file) == ext {
			return format
		}
	}
	return otherwise
}

func run(ctx context.Context, app *cli.App, o *options) error {
	file, err := o.objectives.Read()
	if err != nil {
		return err
	}
	if err := o.output.Check(); err != nil {
		return err
	}
	found, err := find(o.args)
	if err != nil {
		return err
	}
	folders, err := open(found.folders)
	if err != nil {
		return err
	}
	r := &replay{ctx: ctx, app: app, anew: file.Objectives, partial: o.partial}
	groups := runs(folders, o.partial)
	switch {
	case o.compat.Asked():
		return translate(app, o, r, groups, found.files)
	case len(groups) == 0 && (len(r.anew) > 0 || r.partial):
		return cli.WithHint(cli.Usagef("there is no run folder to judge again"), "--slo, --slo-file and --partial are for folders of load tests")
	case len(groups) == 1 && len(found.files) == 0 && o.output.Format != "github":
		return show(app, o, r, groups[0])
	}
	parts, err := r.parts(groups, found.files)
	if err != nil {
		return err
	}
	m := newMixed(parts, app.Build.Version)
	if err := m.print(app, &o.output); err != nil {
		return err
	}
	return outcome(m.parts)
}

// show shows a single run as the load test did.
func show(app *cli.App, o *options, r *replay, run []*runfolder.Folder) error {
	shown, err := r.show(run)
	if err != nil {
		return err
	}
	if err := shown.Print(app, &o.output); err != nil {
		return err
	}
	shown.Tell(app)
	return shown.Outcome()
}

// show reads the folders of one run.
func (r *replay) show(run []*runfolder.Folder) (loadtestcmd.Shown, error) {
	if len(run) == 1 && (shardOf(run[0]) == "" || !r.partial) {
		return r.one(run[0])
	}
	return r.merged(run)
}

// parts reads all sources.
func (r *replay) parts(groups [][]*runfolder.Folder, files []string) (list []part, err error) {
	for _, run := range groups {
		shown, err := r.show(run)
		if err != nil {
			return nil, err
		}
		var dirs []string
		for _, f := range run {
			dirs = append(dirs, f.Dir)
		}
		list = append(list, partOf(strings.Join(dirs, ", "), shown))
	}
	for _, name := range files {
		d, err := load(r.app, name)
		if err != nil {
			return nil, err
		}
		p, err := d.read()
		if err != nil {
			return nil, err
		}
		for _, e := range p.events {
			switch {
			case e.From.IsZero():
				return nil, cli.Usagef("%s: of %q it is not said when it was", d.name, e.Lane)
			case e.To.Before(e.From):
				return nil, cli.Usagef("%s: %q ends before it begins", d.name, e.Lane)
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// Reading is what a source says, in a few words.
type Reading struct{ What, Verdict, Why string }

// Read reads what arguments of the command stand for, worst first.
func Read(ctx context.Context, app *cli.App, args ...string) (list []Reading, err error) {
	found, err := find(args)
	if err != nil {
		return nil, err
	}
	folders, err := open(found.folders)
	if err != nil {
		return nil, err
	}
	r := &replay{ctx: ctx, app: app}
	parts, err := r.parts(runs(folders, false), found.files)
	if err != nil {
		return nil, err
	}
	worstFirst(parts)
	for _, p := range parts {
		list = append(list, Reading{p.what, p.verdict, p.why})
	}
	return list, nil
}
