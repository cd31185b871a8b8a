package rulescmd

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/rulelint"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
)

type checkOptions struct {
	failOn  string
	metrics []string
	out     cli.Output
}

// neverFail is the --fail-on of those who only want to see.
const neverFail = "never"

func newCheck(app *cli.App) *cobra.Command {
	o := &checkOptions{}
	cmd := &cobra.Command{
		Use:   "check [FILE|FOLDER]…",
		Short: "find what is wrong with rules, routes, objectives, faults and unit tests",
		Long: `Reads files as Prometheus and Alertmanager do, and names everything they would not
load, with file, line and column (exit 2). Rules that load are looked at further:
metrics that nobody knows, thresholds in the wrong unit or that nothing can cross,
burn rates that cannot be reached, duplicates, labels that are lost, rates of
gauges. Findings at or above --fail-on exit 3. docs/rules.md lists the checks.

Files of rules, routes, objectives, fault patterns and of tests are told apart by
what is in them. Without a file it checks the rules that ship with llmops;
@defaults/faults are its fault patterns.`,
		Example: `  llmops rules check rules/
  llmops rules check rules.yaml --metrics export.csv --fail-on warning
  llmops rules check faults.yaml faults_test.yaml --fail-on warning
  llmops rules check rules/ -o sarif --output rules.sarif`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: yamlFiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), app, args) },
	}
	cli.Enum(cmd, &o.failOn, "fail-on", "", []string{string(rulelint.Error), string(rulelint.Warning), string(rulelint.Info), neverFail}, "exit 3 on findings of this severity or a worse one")
	cmd.Flags().StringArrayVar(&o.metrics, "metrics", nil, "metric `FILE` with the series that there are: names that are not in it are findings; may be repeated")
	o.out.AddFlags(cmd, "table", "json", "yaml", "csv", "markdown", "junit", "sarif", "github")
	return cmd
}

func yamlFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

func (o *checkOptions) run(ctx context.Context, app *cli.App, names []string) error {
	if len(names) == 0 {
		for _, name := range rulefiles.Shipped() {
			names = append(names, defaults.Prefix+name)
		}
	}
	docs, err := rulefiles.Documents(app.In, names...)
	if err != nil {
		return err
	}
	options, err := o.lintOptions(ctx, app)
	if err != nil {
		return err
	}
	report := checkReport{Schema: checkSchema, Files: []checkedFile{}, Findings: []finding{}, failOn: o.failOn}
	var rules []alert.File
	for _, d := range docs {
		kind := rulefiles.KindOf(d.Data)
		if kind == rulefiles.Other && d.Found {
			app.Verbosef("%s is none of the files that are checked", d.Name)
			continue
		}
		report.read(d, kind, &rules)
	}
	if len(report.Files) == 0 {
		return cli.WithHint(cli.Usagef("%s: no rule file, routes file, SLO file or unit test is there", strings.Join(names, ", ")),
			"such a file ends in .yaml or .yml and has one of the keys groups, route, slos, faults, tests, fault_tests")
	}
	if err := report.checkFaults(options); err != nil {
		return err
	}
	found, err := endlessTemplates(ctx, rules)
	if err != nil {
		return err
	}
	report.Findings = append(report.Findings, found...)
	linted := make(chan []rulelint.Finding, 1)
	go func() { linted <- rulelint.Lint(rules, options) }() // long expressions take it minutes, and it hears of no context
	var list []rulelint.Finding
	select {
	case <-ctx.Done():
	case list = <-linted:
	}
	if ctx.Err() != nil { // even where both are so
		return ctx.Err()
	}
	for _, f := range list {
		report.Findings = append(report.Findings, finding{f.Position.File, f.Position.Line, f.Position.Column, f})
	}
	report.finish()
	if err := o.out.Write(app, func(w io.Writer) error { return report.write(w, app, o) }); err != nil {
		return err
	}
	report.annotate(app, o.out.Format)
	return report.err()
}

// lintOptions are what is known beside the files.
func (o *checkOptions) lintOptions(ctx context.Context, app *cli.App) (rulelint.Options, error) {
	c, err := catalog.Load()
	if err != nil {
		return rulelint.Options{}, cli.Failed(err)
	}
	options := rulelint.Options{Catalog: c}
	if len(o.metrics) == 0 {
		return options, nil
	}
	sources, err := inputs.Walk(o.metrics, app.In)
	if err != nil {
		return options, cli.WithHint(cli.Usage(err), "%s", strings.Replace(inputs.Hint(err), "a log file", "a metric file", 1))
	}
	store, _, err := series.Read(ctx, sources, series.Options{})
	if err != nil {
		if unknown, ok := errors.AsType[*series.UnknownFormatError](err); ok {
			return options, cli.WithHint(cli.Usage(err), "%s", unknown.Hint())
		}
		return options, cli.Usage(err)
	}
	options.Metrics = append([]string{}, store.Names()...)
	return options, nil
}
