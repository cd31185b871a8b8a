package rulescmd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/analysis/diagnose"
	"llmops/analysis/faulttest"
	"llmops/analysis/rulelint"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

// shippedFaults are the fault patterns that ship.
func shippedFaults() (fault.Catalogue, error) { return fault.Load(defaults.Faults, "faults") }

// checkFaults looks at the faults that were read, with those that ship, and at their
// tests: what one file names may stand in another.
func (r *checkReport) checkFaults(o rulelint.Options) error {
	if len(r.faults)+len(r.faultTests) == 0 {
		return nil
	}
	all, err := shippedFaults()
	if err != nil {
		return err
	}
	names := diagnose.Made()
	for _, s := range all.Signals { // those that ship have been looked at
		for _, from := range s.From {
			names = append(names, fault.Asked(from)...)
		}
	}
	for _, c := range r.faults {
		all = all.With(c)
	}
	for _, c := range r.faults {
		for _, p := range problemsOf(all.Check()) {
			if slices.ContainsFunc(c.Faults, func(f fault.Fault) bool { return f.Position == p.Position }) {
				r.add(alert.Position(p.Position), syntax, rulelint.Error, p.Why, p.Hint)
			}
		}
		for _, m := range fault.Lint(c, all, diagnose.Computed()) {
			severity := rulelint.Warning
			switch {
			case m.Grave:
				severity = rulelint.Error
			case m.Slight:
				severity = rulelint.Info
			}
			r.add(alert.Position(m.Position), m.Check, severity, m.Why, m.Hint)
		}
		for _, f := range lintSignals(c, names, o) {
			r.Findings = append(r.Findings, finding{f.Position.File, f.Position.Line, f.Position.Column, f})
		}
	}
	for _, f := range r.faultTests {
		mine, err := faultsFor(f, all)
		if err == nil {
			err = f.Check(mine, diagnose.Unknown)
		}
		if err != nil {
			r.problems(f.Name, err)
		}
	}
	return nil
}

// problemsOf are those in an error of a reader of faults.
func problemsOf(err error) fault.Problems {
	ps, _ := errors.AsType[fault.Problems](err)
	return ps
}

// lintSignals looks at the expressions of signals as if they were recording rules, and at
// every name in them, of regular expressions too. names are known beside those of the
// catalogue of metrics.
func lintSignals(c fault.Catalogue, names []string, o rulelint.Options) []rulelint.Finding {
	var exprs, asked, known []alert.Rule
	for _, name := range names {
		known = append(known, alert.Rule{Record: name, Expr: "time()"})
	}
	for _, s := range c.Signals {
		seen := map[string]bool{}
		for i, from := range s.From {
			at := alert.Position(s.FromAt[i])
			exprs = append(exprs, alert.Rule{Record: s.Name, Expr: fault.Windowed(from, 2*time.Minute, 5*time.Minute), Position: at})
			for _, name := range fault.Asked(from) {
				if !seen[name] {
					seen[name] = true
					asked = append(asked, alert.Rule{Record: s.Name, Expr: name, Position: at})
				}
			}
		}
	}
	lint := func(rules []alert.Rule, checks ...string) []rulelint.Finding {
		o.Only = checks
		return rulelint.Lint([]alert.File{{Groups: []alert.Group{{Name: "signals", Rules: rules}}}}, o)
	}
	return append(lint(append(asked, known...), "unknown-metric"), lint(exprs, "never-true", "rate-of-gauge", "unit")...)
}

// faultsFor are the faults that a file of tests is about: those given, and those of its
// own files.
func faultsFor(f faulttest.File, c fault.Catalogue) (fault.Catalogue, error) {
	for _, name := range f.Files {
		path := name.Value
		if !strings.HasPrefix(path, defaults.Prefix) {
			path = beside(f.Name, path)
		}
		docs, err := rulefiles.Documents(nil, path)
		if err != nil {
			return c, fault.Problems{{Position: name.Position, Why: fmt.Sprintf("fault_files: %v", err)}}
		}
		for _, d := range docs {
			more, err := fault.Read(d.Name, bytes.NewReader(d.Data))
			if err != nil {
				return c, err
			}
			c = c.With(more)
		}
	}
	return c, c.Check()
}

// listedFaults are faults as a list of rules has them: what is required is the
// expression.
func listedFaults(c fault.Catalogue) []listed {
	var list []listed
	for _, f := range c.Faults {
		var required []string
		for _, s := range f.Symptoms {
			if s.Required {
				required = append(required, cmp.Or(s.Expr, s.Name)+tested(s))
			}
		}
		list = append(list, listed{Name: f.ID, Kind: "fault", Group: string(f.Scope), File: f.File, Line: f.Line, Rule: alert.Rule{
			Expr: strings.Join(required, " and "), Position: alert.Position(f.Position),
			Labels:      map[string]string{"severity": string(f.Severity)},
			Annotations: map[string]string{"summary": f.En, "summary_zh": f.Zh, "description": f.Cause, "runbook": f.Runbook},
		}})
	}
	return list
}

// tested says what a value is held against; of alternatives their words do.
func tested(s fault.Symptom) string {
	if len(s.Any) > 0 {
		return ""
	}
	return " " + s.Test.String()
}

// faultsOf reads the faults of files, those that ship where none is given.
func faultsOf(docs []rulefiles.Document) (fault.Catalogue, error) {
	if len(docs) == 0 {
		return shippedFaults()
	}
	var c fault.Catalogue
	for _, d := range docs {
		more, err := fault.Read(d.Name, bytes.NewReader(d.Data))
		if err != nil {
			return c, usage(err)
		}
		c = c.With(more)
	}
	return c, nil
}

// usage is an error of a reader of faults as a command returns it.
func usage(err error) error {
	for _, p := range problemsOf(err) {
		if p.Hint != "" {
			return cli.WithHint(cli.Usage(err), "%s", p.Hint)
		}
	}
	return cli.Usage(err)
}

// split takes the files of faults out of those that names stand for. The standard input
// is left for rules.
func split(names []string) (faults []rulefiles.Document, rest []string, err error) {
	for _, name := range names {
		if name == inputs.Stdin {
			rest = append(rest, name)
			continue
		}
		docs, err := rulefiles.Documents(nil, name)
		if err != nil {
			return nil, nil, err
		}
		rules := false
		for _, d := range docs {
			switch rulefiles.KindOf(d.Data) {
			case rulefiles.Faults:
				faults = append(faults, d)
			case rulefiles.Rules:
				rules = true
			default:
				rules = rules || !d.Found
			}
		}
		if rules || len(docs) == 0 {
			rest = append(rest, name)
		}
	}
	return faults, rest, nil
}
