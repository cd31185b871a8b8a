package rulescmd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"llmops/analysis/alerting/unittest"
	"llmops/analysis/faulttest"
	"llmops/analysis/rulelint"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
	"llmops/rules/alert/routing"
	"llmops/rules/fault"
	"llmops/rules/slo"
)

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

	failOn     string
	faults     []fault.Catalogue
	faultTests []faulttest.File
}

type checkedFile struct {
	File  string         `json:"file"`
	Kind  rulefiles.Kind `json:"kind"`
	Items int            `json:"items"` // rules, tests, receivers, objectives or faults
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

// read reads one file by its own reader, and takes down what that says.
func (r *checkReport) read(d rulefiles.Document, kind rulefiles.Kind, rules *[]alert.File) {
	checked := checkedFile{File: d.Name, Kind: kind, ok: true}
	var err error
	switch in := bytes.NewReader(d.Data); kind {
	case rulefiles.Rules:
		var f alert.File
		if f, err = alert.Read(d.Name, in); err == nil {
			*rules = append(*rules, f)
			for _, g := range f.Groups {
				checked.Items += len(g.Rules)
			}
		}
	case rulefiles.Tests:
		var f unittest.File
		f, err = unittest.Read(d.Name, in, unittest.Options{})
		checked.Items = len(f.Tests)
		for _, n := range f.Notes {
			r.add(n.Position, "test", rulelint.Warning, n.Why, n.Hint)
		}
	case rulefiles.Routes:
		var c routing.Config
		c, err = routing.Read(d.Name, in)
		checked.Items = len(c.Receivers)
	case rulefiles.SLO:
		var f slo.File
		f, err = slo.Load(d.Name, in)
		checked.Items = len(f.Objectives)
		r.burns(d.Name, f)
	case rulefiles.Faults:
		var c fault.Catalogue
		if c, err = fault.Read(d.Name, in); err == nil {
			r.faults = append(r.faults, c)
			checked.Items = len(c.Faults)
		}
	case rulefiles.FaultTests:
		var f faulttest.File
		if f, err = faulttest.Read(d.Name, in); err == nil {
			r.faultTests = append(r.faultTests, f)
			checked.Items = len(f.Cases)
		}
	default:
		err = &alert.ReadError{Problems: []alert.Problem{{Position: alert.Position{File: d.Name, Line: 1, Column: 1}, Why: "it has none of the keys groups, route, slos, faults, tests and fault_tests",
			Hint: "rules have groups, routes have route, objectives have slos or an apiVersion of OpenSLO, fault patterns have faults or signals, unit tests have tests, those of faults fault_tests"}}}
	}
	if err != nil {
		checked.ok = false
		r.problems(d.Name, err)
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
	if ps, ok := errors.AsType[fault.Problems](err); ok {
		for _, p := range ps {
			r.add(alert.Position(p.Position), syntax, rulelint.Error, p.Why, p.Hint)
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
