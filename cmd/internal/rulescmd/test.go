package rulescmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"llmops/analysis/alerting/unittest"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/rules/alert"
	"llmops/rules/alert/routing"
	"llmops/rules/defaults"
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
		Short: "run unit tests of rules, in promtool's format",
		Long: `Runs unit-test files of "promtool test rules": series are given, the rules are
evaluated over them, and alerts and expressions are compared with what is expected.
Two keys are added to the items of alert_rule_test: exp_pending, the alerts that are
pending, and exp_receivers, who has been told by then according to routes_file
(docs/rules.md).

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

// testSchema names the JSON form.
const testSchema = "llmops.ruletest/v1"

type testReport struct {
	Schema  string     `json:"schema"`
	Files   []testFile `json:"files"`
	Tests   int        `json:"tests"`
	Failed  int        `json:"failed"`
	Skipped int        `json:"skipped"` // --run leaves them out
	Checks  int        `json:"checks"`
	Verdict string     `json:"verdict"` // pass, fail, broken: some file cannot be used, or no_tests

	broken error // the first reason
}

type testFile struct {
	File     string       `json:"file"`
	Problems []string     `json:"problems,omitempty"` // for which it cannot be used
	Tests    []testResult `json:"tests"`
}

type testResult struct {
	Name     string        `json:"name"`
	Line     int           `json:"line"`
	Checks   int           `json:"checks"`
	Verdict  string        `json:"verdict"` // pass or fail
	Failures []testFailure `json:"failures,omitempty"`
}

type testFailure struct {
	Kind      unittest.Kind `json:"kind"`
	Line      int           `json:"line"`
	Column    int           `json:"column"`
	At        string        `json:"eval_time"`
	AlertName string        `json:"alertname,omitempty"`
	Rule      string        `json:"rule,omitempty"`
	Expr      string        `json:"expr,omitempty"`
	Message   string        `json:"message,omitempty"`
	Expected  []testEntry   `json:"expected,omitempty"`
	Got       []testEntry   `json:"got,omitempty"`

	failure unittest.Failure
}

// testEntry is an alert, a sample or a receiver. A value is text, since it may be NaN.
type testEntry struct {
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Value       string            `json:"value,omitempty"`
	Receiver    string            `json:"receiver,omitempty"`
}

func (o *testOptions) all(ctx context.Context, app *cli.App, names []string) error {
	var only *regexp.Regexp
	if len(o.run) > 0 {
		var err error
		if only, err = regexp.Compile(strings.Join(o.run, "|")); err != nil {
			return cli.WithHint(cli.Usage(fmt.Errorf("--run: %w", err)), "it is a regular expression, such as 'gpu|latency'")
		}
	}
	docs, err := documents(app, names)
	if err != nil {
		return err
	}
	docs = slices.DeleteFunc(docs, func(d document) bool { return d.found && d.kind != kindTests })
	if len(docs) == 0 {
		return cli.WithHint(cli.Usagef("%s: no unit test is there", strings.Join(names, ", ")), "a unit-test file ends in .yaml or .yml and has the key tests")
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

// A testRun runs the tests of files.
type testRun struct {
	options *testOptions
	app     *cli.App
	only    *regexp.Regexp
	rules   map[string]alert.File // by name: several tests use the same
	report  testReport
}

// files runs all; the error is that of an interrupt.
func (r *testRun) files(ctx context.Context, docs []document) error {
	for _, d := range docs {
		file := testFile{File: d.name, Tests: []testResult{}}
		err := r.file(ctx, d, &file)
		if ctx.Err() != nil {
			r.report.Files = append(r.report.Files, file)
			return context.Cause(ctx)
		}
		if err != nil {
			file.Problems = strings.Split(err.Error(), "\n")
			if r.report.broken == nil {
				r.report.broken = err
			}
		}
		r.report.Files = append(r.report.Files, file)
	}
	return nil
}

// file runs the tests of one file. The error says why it cannot be used.
func (r *testRun) file(ctx context.Context, d document, into *testFile) error {
	f, err := unittest.Read(d.name, bytes.NewReader(d.data), unittest.Options{IgnoreUnknownFields: r.options.ignoreUnknown})
	if err != nil {
		return err
	}
	for _, n := range f.Notes {
		r.app.Warnf("%s", n.Error())
	}
	groups, err := r.groups(f)
	if err != nil {
		return err
	}
	for _, t := range f.Tests {
		if r.only != nil && !r.only.MatchString(t.Name) {
			r.report.Skipped++
			continue
		}
		routes, err := r.routes(d.name, t)
		if err != nil {
			return err
		}
		outcome, err := f.Run(ctx, t, groups, routes)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", t.Position, t.Title(), err)
		}
		if r.options.debug {
			r.dump(t, outcome.Store)
		}
		result := testResult{Name: t.Title(), Line: t.Position.Line, Checks: outcome.Checks, Verdict: "pass"}
		for _, x := range outcome.Failures {
			result.Verdict = "fail"
			result.Failures = append(result.Failures, failureOf(x))
		}
		into.Tests = append(into.Tests, result)
	}
	return nil
}

// groups are those of the rule files that the tests name.
func (r *testRun) groups(f unittest.File) ([]alert.Group, error) {
	var groups []alert.Group
	for _, pattern := range f.RuleFiles {
		names, err := ruleNames(f.Name, pattern.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern.Position, err)
		}
		if len(names) == 0 {
			r.app.Warnf("%s: no file matches %s", pattern.Position, pattern.Value)
		}
		for _, name := range names {
			file, err := r.ruleFile(name)
			if err != nil {
				return nil, err
			}
			groups = append(groups, file.Groups...)
		}
	}
	return groups, nil
}

// ruleNames are the files of a pattern, which is relative to the folder of the tests.
func ruleNames(tests, pattern string) ([]string, error) {
	if strings.HasPrefix(pattern, defaults.Prefix) {
		return []string{pattern}, nil
	}
	names, err := filepath.Glob(beside(tests, pattern))
	if err != nil {
		return nil, fmt.Errorf("rule file %s: %w", pattern, err)
	}
	return names, nil
}

// beside is a path as seen from the folder of a file.
func beside(file, path string) string {
	if path == "" || filepath.IsAbs(path) || file == inputs.Stdin {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

func (r *testRun) ruleFile(name string) (alert.File, error) {
	if file, ok := r.rules[name]; ok {
		return file, nil
	}
	data, err := dataOf(name)
	if err != nil {
		return alert.File{}, err
	}
	if r.options.ignoreUnknown {
		data = withoutUnknown(data)
	}
	file, err := alert.Read(name, bytes.NewReader(data))
	if err != nil {
		return alert.File{}, err
	}
	r.rules[name] = file
	return file, nil
}

func dataOf(name string) ([]byte, error) {
	if shipped, ok := strings.CutPrefix(name, defaults.Prefix); ok {
		return shippedFile(shipped)
	}
	return os.ReadFile(name)
}

// routes are those by which a test says who is told: its file, or those that ship. They
// are nil where it says nothing.
func (r *testRun) routes(tests string, t unittest.Test) (*routing.Config, error) {
	if !slices.ContainsFunc(t.Alerts, func(c unittest.AlertCase) bool { return c.Receivers != nil }) {
		return nil, nil
	}
	name := t.RoutesFile.Value
	switch {
	case name == "":
		name = shippedRoutes
	case !strings.HasPrefix(name, defaults.Prefix):
		name = beside(tests, name)
	}
	data, err := dataOf(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: routes_file: %w", t.RoutesFile.Position, err)
		}
		return nil, err
	}
	c, err := routing.Read(name, bytes.NewReader(data))
	if bad, ok := errors.AsType[*routing.ReadError](err); ok {
		var lines []string
		for _, p := range bad.Problems {
			lines = append(lines, p.String())
		}
		return nil, errors.New(strings.Join(lines, "\n"))
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// shippedRoutes is the file of routes that ships.
const shippedRoutes = defaults.Prefix + "routes"

// dump writes all series as text of Prometheus.
func (r *testRun) dump(t unittest.Test, store *series.Store) {
	fmt.Fprintf(r.app.Err, "# %s: all samples, times in ms\n", t.Title())
	for _, s := range store.Series() {
		for at, v := range s.Points() {
			fmt.Fprintf(r.app.Err, "%s %s %d\n", s.Labels(), unittest.FormatValue(v), at)
		}
	}
}

func failureOf(f unittest.Failure) testFailure {
	out := testFailure{
		Kind: f.Kind, Line: f.Position.Line, Column: f.Position.Column, At: model.Duration(f.At).String(),
		Expr: f.Expr, Message: f.Message, failure: f,
	}
	switch f.Kind {
	case unittest.Firing, unittest.Pending, unittest.Receivers:
		out.AlertName = f.Name
	case unittest.Evaluation:
		out.Rule = f.Name
	}
	for _, e := range f.Expected {
		out.Expected = append(out.Expected, entryOf(e))
	}
	for _, e := range f.Got {
		out.Got = append(out.Got, entryOf(e))
	}
	return out
}

func entryOf(e unittest.Entry) testEntry {
	out := testEntry{Labels: e.Labels, Annotations: e.Annotations, Receiver: e.Receiver}
	if e.Value != nil {
		out.Value = unittest.FormatValue(*e.Value)
	}
	return out
}

// finish counts and judges.
func (r *testReport) finish() {
	for _, f := range r.Files {
		for _, t := range f.Tests {
			r.Tests++
			r.Checks += t.Checks
			if t.Verdict == "fail" {
				r.Failed++
			}
		}
	}
	switch {
	case r.broken != nil:
		r.Verdict = "broken"
	case r.Failed > 0:
		r.Verdict = "fail"
	case r.Tests == 0:
		r.Verdict = "no_tests"
	default:
		r.Verdict = "pass"
	}
}

func (r *testReport) err() error {
	switch r.Verdict {
	case "broken":
		err := cli.Usage(r.broken)
		if bad, ok := errors.AsType[*alert.ReadError](r.broken); ok && bad.Hint() != "" {
			return cli.WithHint(err, "%s", bad.Hint())
		}
		return err
	case "fail":
		return cli.Gate(fmt.Errorf("%d of %s failed", r.Failed, plural(r.Tests, "test")))
	case "no_tests":
		err := cli.NoVerdict(errors.New("no test was run"))
		if r.Skipped > 0 {
			return cli.WithHint(err, "--run leaves out all %d of them", r.Skipped)
		}
		return cli.WithHint(err, "a unit-test file has a list of tests")
	}
	return nil
}
