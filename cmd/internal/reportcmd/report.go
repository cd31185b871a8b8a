// Package reportcmd is "llmops report": it shows load tests again that were
// measured before, and the shards of one as the run that they are together. It
// wires run folders to the judgement and the views of the load test; it must not
// compute statistics itself.
package reportcmd

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/objectives"
)

type options struct {
	dirs       []string
	objectives objectives.Flags
	partial    bool
	output     cli.Output
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	var given func(string) bool
	cmd := &cobra.Command{
		Use:   "report DIR...",
		Short: "show a load test again, or the shards of one as one run",
		Long: `Reads folders that "llmops loadtest --out" wrote and reports on them as the load
test did, with the same exit code. From the folders of all shards of a run
(--shard) it makes the report of the whole run: every percentile, objective and
chart is of all their requests, as if one machine had sent them. Times count
from the start of each shard, so that clocks of machines need not agree.

A folder of run folders stands for those in it. New objectives (--slo) judge
what was measured once more. The format follows the name of --output (.html,
.md, .json, .yaml, .csv, .xml for JUnit) unless -o says another.`,
		Example: `  llmops report run1 --output run1.html
  llmops report run1 --slo 'p99_ttft_ms < 400'
  llmops report results/ --output report.html   # results/0 to results/3: four shards of one run`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dirs = args
			if !given("output-format") {
				o.output.Format = formatOf(o.output.File, o.output.Format)
			}
			return run(cmd.Context(), app, o)
		},
	}
	given = cmd.Flags().Changed
	o.objectives.AddFlags(cmd)
	cmd.Flags().BoolVar(&o.partial, "partial", false, "merge shards even if some are missing; the figures are then of a part of the load, and there is no verdict")
	o.output.AddFlags(cmd, loadtestcmd.ShownFormats()...)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
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
	folders, err := open(o.dirs)
	if err != nil {
		return err
	}
	r := &replay{ctx: ctx, app: app, anew: file.Objectives, partial: o.partial}
	var shown loadtestcmd.Shown
	if len(folders) == 1 && (shardOf(folders[0]) == "" || !o.partial) {
		shown, err = r.one(folders[0])
	} else {
		shown, err = r.merged(folders)
	}
	if err != nil {
		return err
	}
	if err := shown.Print(app, &o.output); err != nil {
		return err
	}
	shown.Tell(app)
	return shown.Outcome()
}
