package rulescmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/alerting/unittest"
	"llmops/analysis/rulelint"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/alert/routing"
	"llmops/rules/catalog"
	"llmops/rules/defaults"
	"llmops/rules/slo"
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
		Short: "find what is wrong with rules, routes, objectives and unit tests",
		Long: `Reads files as Prometheus and Alertmanager do, and names everything they would not
load, with file, line and column (exit 2). Rules that load are looked at further:
metrics that nobody knows, thresholds in the wrong unit or that nothing can cross,
burn rates that cannot be reached, duplicates, labels that are lost, rates of
gauges. Findings at or above --fail-on exit 3. docs/rules.md lists the checks.

Rule files, routes files, SLO files and unit-test files are told apart by what is
in them. Without a file it checks the rules that ship with llmops.`,
		Example: `  llmops rules check rules/
  llmops rules check rules.yaml --metrics export.csv --fail-on warning
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

// checkSchema names the JSON form.
const checkSchema = "llmops.rulecheck/v1"

// syntax is the check of whatever a reader refuses.
const syntax = "syntax"

type checkReport struct {
	Schema   string        `json:"schema"`
	Files    []checkedFile `json:"files"`
	Findings []finding     `json:"findings"`
	Counts   struct {
		Error   int `json:"error"`
		Warning int `json:"warning"`
		Info    int `json:"info"`
	} `json:"counts"`
	Verdict string `json:"verdict"` // pass, fail, or broken: some file cannot be used

	failOn string
}

type checkedFile struct {
	File  string `json:"file"`
	Kind  kind   `json:"kind"`
	Items int    `json:"items"` // rules, tests, receivers or objectives
	ok    bool
}

type finding struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitzero"`
	Column int    `json:"column,omitzero"`
	rulelint.Finding
}

// place is file:line:column, as far as it is known.
func (f finding) place() string {
	return alert.Position{File: f.File, Line: f.Line, Column: f.Column}.String()
}

func (o *checkOptions) run(ctx context.Context, app *cli.App, names []string) error {
	if len(names) == 0 {
		for _, name := range rulefiles.Shipped() {
			names = append(names, defaults.Prefix+name)
		}
	}
	docs, err := documents(app, names)
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
		if d.kind == kindOther && d.found {
			app.Verbosef("%s is none of the files that are checked", d.name)
			continue
		}
		report.read(d, &rules)
	}
	if len(report.Files) == 0 {
		return cli.WithHint(cli.Usagef("%s: no rule file, routes file, SLO file or unit test is there", strings.Join(names, ", ")),
			"such a file ends in .yaml or .yml and has one of the keys groups, route, slos, tests")
	}
	for _, f := range rulelint.Lint(rules, options) {
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

// read reads one file by its own reader, and takes down what that says.
func (r *checkReport) read(d document, rules *[]alert.File) {
	checked := checkedFile{File: d.name, Kind: d.kind, ok: true}
	var err error
	switch in := bytes.NewReader(d.data); d.kind {
	case kindRules:
		var f alert.File
		if f, err = alert.Read(d.name, in); err == nil {
			*rules = append(*rules, f)
			for _, g := range f.Groups {
				checked.Items += len(g.Rules)
			}
		}
	case kindTests:
		var f unittest.File
		f, err = unittest.Read(d.name, in, unittest.Options{})
		checked.Items = len(f.Tests)
		for _, n := range f.Notes {
			r.add(n.Position, "test", rulelint.Warning, n.Why, n.Hint)
		}
	case kindRoutes:
		var c routing.Config
		c, err = routing.Read(d.name, in)
		checked.Items = len(c.Receivers)
	case kindSLO:
		var f slo.File
		f, err = slo.Load(d.name, in)
		checked.Items = len(f.Objectives)
		r.burns(d.name, f)
	default:
		err = &alert.ReadError{Problems: []alert.Problem{{Position: alert.Position{File: d.name, Line: 1, Column: 1}, Why: "it has none of the keys groups, route, slos and tests",
			Hint: "rules have groups, routes have route, objectives have slos or an apiVersion of OpenSLO, unit tests have tests"}}}
	}
	if err != nil {
		checked.ok = false
		r.problems(d.name, err)
	}
	r.Files = append(r.Files, checked)
}

func (r *checkReport) add(at alert.Position, check string, severity rulelint.Severity, message, hint string) {
	r.Findings = append(r.Findings, finding{at.File, at.Line, at.Column, rulelint.Finding{Check: check, Severity: severity, Message: message, Hint: hint}})
}

// problems takes down why a file cannot be used.
func (r *checkReport) problems(name string, err error) {
	if e, ok := errors.AsType[*alert.ReadError](err); ok {
		for _, p := range e.Problems {
			f := rulelint.Finding{Check: syntax, Severity: rulelint.Error, Group: p.Group, Rule: p.Rule, Message: p.Why, Hint: p.Hint}
			r.Findings = append(r.Findings, finding{name, p.Line, p.Column, f})
		}
		return
	}
	if e, ok := errors.AsType[*routing.ReadError](err); ok {
		for _, p := range e.Problems {
			r.add(alert.Position{File: name, Line: p.Position.Line, Column: p.Position.Column}, syntax, rulelint.Error, p.Msg, p.Hint)
		}
		return
	}
	if e, ok := errors.AsType[*slo.Error](err); ok {
		r.add(alert.Position{File: name, Line: e.Line, Column: e.Column}, syntax, rulelint.Error, e.Msg, e.Hint)
		return
	}
	r.add(alert.Position{File: name}, syntax, rulelint.Error, strings.TrimPrefix(err.Error(), name+": "), "")
}

// burns looks at the alerts of objectives that can never fire.
func (r *checkReport) burns(name string, f slo.File) {
	one := big.NewRat(1, 1)
	for _, o := range f.Objectives {
		if !o.Target.Given() {
			continue
		}
		budget := new(big.Rat).Sub(one, o.Target.Rat)
		for _, a := range o.Alerts {
			limit := new(big.Rat).Mul(a.Threshold.Rat, budget)
			if c := limit.Cmp(one); c > 0 || c == 0 && a.Op != slo.GreaterEqual {
				r.add(alert.Position{File: name}, "burn-rate", rulelint.Error,
					fmt.Sprintf("objective %s: the alert at %s times the even pace cannot fire: that times a budget of %s is %s, and no more than all events can be bad",
						o.Name, a.Threshold.Text, budget.FloatString(6), limit.FloatString(2)),
					"take a threshold below 1/(1 - target)")
			}
		}
	}
}

// finish sorts, counts and judges.
func (r *checkReport) finish() {
	slices.SortStableFunc(r.Findings, func(a, b finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	r.Verdict = "pass"
	for _, f := range r.Findings {
		switch f.Severity {
		case rulelint.Error:
			r.Counts.Error++
		case rulelint.Warning:
			r.Counts.Warning++
		case rulelint.Info:
			r.Counts.Info++
		}
		if f.Check == syntax {
			r.Verdict = "broken"
		} else if r.fails(f) && r.Verdict == "pass" {
			r.Verdict = "fail"
		}
	}
}

// fails tells whether a finding is at or above --fail-on.
func (r *checkReport) fails(f finding) bool {
	return r.failOn != neverFail && f.Severity.AtLeast(rulelint.Severity(r.failOn))
}

// err is what the command returns: of what decides, the first and how many more.
func (r *checkReport) err() error {
	decides := func(f finding) bool { return f.Check == syntax }
	mark := cli.Usage
	switch r.Verdict {
	case "pass":
		return nil
	case "fail":
		decides, mark = r.fails, cli.Gate
	}
	first, more := finding{}, -1
	for _, f := range r.Findings {
		if decides(f) {
			if more++; more == 0 {
				first = f
			}
		}
	}
	text := first.place() + ": " + first.Message
	if more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	err := mark(errors.New(text))
	if first.Hint == "" {
		return err
	}
	return cli.WithHint(err, "%s", first.Hint)
}
