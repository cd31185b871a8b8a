package rulescmd

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
)

type testOptions struct {
	run           []string
	diff, debug   bool
	ignoreUnknown bool
	out           cli.Output
}

func newTest(app *cli.App) *cobra.Command {
	o := &testOptions{}
	cmd := &cobra.Command{
		Use:   "test FILE|FOLDER…",
		Short: "run unit tests of rules, in promtool's format, and of fault patterns",
		Long: `Runs unit-test files of "promtool test rules": series are given, the rules are
evaluated over them, and alerts and expressions are compared with what is expected.
Two keys are added to the items of alert_rule_test: exp_pending, the alerts that are
pending, and exp_receivers, who has been told by then according to routes_file
(docs/rules.md).

Files with the key fault_tests test fault patterns: series are given, diagnosed as
"llmops diagnose" does, and compared with the faults that are expected.

Every failure is shown. A failing test exits 3; a file that cannot be read, or whose
rules cannot, exits 2.`,
		Example: `  llmops rules test rules_test.yaml
  llmops rules test tests/ --run 'gpu|latency' --diff
  llmops rules test tests/ -o junit --output junit.xml`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: yamlFiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.all(cmd.Context(), app, args) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.run, "run", nil, "only tests whose names match the `REGEXP`; may be repeated")
	f.BoolVar(&o.diff, "diff", false, "show in what alerts and samples differ, field by field")
	f.BoolVar(&o.debug, "debug", false, "write all samples of each test to standard error, those that the rules recorded among them")
	f.BoolVar(&o.ignoreUnknown, "ignore-unknown-fields", false, "pass over fields that Prometheus does not know, in tests and in rules")
	o.out.AddFlags(cmd, "table", "json", "yaml", "junit")
	return cmd
}

func (o *testOptions) all(ctx context.Context, app *cli.App, names []string) error {
	var only *regexp.Regexp
	if len(o.run) > 0 {
		var err error
		if only, err = regexp.Compile(strings.Join(o.run, "|")); err != nil {
			return cli.WithHint(cli.Usage(fmt.Errorf("--run: %w", err)), "it is a regular expression, such as 'gpu|latency'")
		}
	}
	docs, err := rulefiles.Documents(app.In, names...)
	if err != nil {
		return err
	}
	docs = slices.DeleteFunc(docs, func(d rulefiles.Document) bool {
		return d.Found && !slices.Contains([]rulefiles.Kind{rulefiles.Tests, rulefiles.FaultTests}, rulefiles.KindOf(d.Data))
	})
	if len(docs) == 0 {
		return cli.WithHint(cli.Usagef("%s: no unit test is there", strings.Join(names, ", ")), "a unit-test file ends in .yaml or .yml and has the key tests, or fault_tests")
	}
	r := &testRun{options: o, app: app, only: only, rules: map[string]alert.File{}, report: testReport{Schema: testSchema}}
	interrupted := r.files(ctx, docs)
	r.report.finish()
	if err := o.out.Write(app, func(w io.Writer) error { return r.report.write(w, app, o) }); err != nil {
		return err
	}
	if interrupted != nil {
		return interrupted
	}
	return r.report.err()
}
