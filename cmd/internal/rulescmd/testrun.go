package rulescmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"llmops/analysis/alerting/unittest"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/alert/routing"
	"llmops/rules/defaults"
)

// A testRun runs the tests of files.
type testRun struct {
	options *testOptions
	app     *cli.App
	only    *regexp.Regexp
	rules   map[string]alert.File // by name: several tests use the same
	report  testReport
}

// files runs all; the error is that of an interrupt.
func (r *testRun) files(ctx context.Context, docs []rulefiles.Document) error {
	for _, d := range docs {
		file := testFile{File: d.Name, Tests: []testResult{}}
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
func (r *testRun) file(ctx context.Context, d rulefiles.Document, into *testFile) error {
	if rulefiles.KindOf(d.Data) == rulefiles.FaultTests {
		return r.faults(ctx, d, into)
	}
	f, err := unittest.Read(d.Name, bytes.NewReader(d.Data), unittest.Options{IgnoreUnknownFields: r.options.ignoreUnknown})
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
	r.unknownAlerts(f, groups)
	for _, t := range f.Tests {
		if r.only != nil && !r.only.MatchString(t.Name) {
			r.report.Skipped++
			continue
		}
		routes, err := r.routes(d.Name, t)
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
			if x.Kind != unittest.Evaluation {
				result.Failed++
			}
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

// unknownAlerts warns of tests about alerts that no rule raises: one that expects none
// passes for ever.
func (r *testRun) unknownAlerts(f unittest.File, groups []alert.Group) {
	names := map[string]bool{}
	for _, g := range groups {
		for _, rule := range g.Rules {
			if rule.Alert != "" {
				names[rule.Alert] = true
			}
		}
	}
	for _, t := range f.Tests {
		for _, c := range t.Alerts {
			if names[c.Alert] {
				continue
			}
			hint := ""
			if near := cli.Nearest(c.Alert, slices.Values(slices.Sorted(maps.Keys(names)))); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			r.app.Warnf("%s: no rule raises an alert called %s%s", c.Position, c.Alert, hint)
		}
	}
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
	read := alert.Read
	if r.options.ignoreUnknown {
		read = alert.ReadKnown
	}
	file, err := read(name, bytes.NewReader(data))
	if err != nil {
		return alert.File{}, err
	}
	r.rules[name] = file
	return file, nil
}

func dataOf(name string) ([]byte, error) {
	if shipped, ok := strings.CutPrefix(name, defaults.Prefix); ok {
		return rulefiles.Default(shipped)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, rulefiles.MostBytes))
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
