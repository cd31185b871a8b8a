package diagnosecmd

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
	"llmops/rules/near"
)

// explainFault prints one entry of the catalogue.
func (o *options) explainFault(app *cli.App, c fault.Catalogue) error {
	f := c.Find(o.explain)
	if f == nil {
		err := cli.Usagef("--explain %q: there is no such fault", o.explain)
		if names := near.Names(o.explain, func(yield func(string) bool) {
			for _, id := range c.IDs() {
				if !yield(id) {
					return
				}
			}
		}, 1); len(names) > 0 {
			return cli.WithHint(err, "did you mean %s?", names[0])
		}
		return cli.WithHint(err, "the faults are %s", strings.Join(c.IDs(), ", "))
	}
	if !slices.Contains([]string{"table", "json", "yaml"}, o.output.Format) {
		return cli.WithHint(cli.Usagef("--explain and -o %s exclude each other", o.output.Format), "it prints table, json or yaml")
	}
	return cli.Failed(o.output.Write(app, func(w io.Writer) error {
		if o.output.Format != "table" {
			return render.Write(w, o.output.Format, 0, faultDoc(f))
		}
		v := view{Screen: render.Screen{W: w, Style: o.output.Style(app), Width: o.output.Width(app)}}
		return v.fault(f)
	}))
}

// fault is one entry of the catalogue.
func (v *view) fault(f *fault.Fault) error {
	v.Printf("%s  %s  %s\n", v.Style.Bold(f.ID), f.En, f.Zh)
	v.line("severity %s, of a %s: %s", f.Severity, f.Scope, f.Cause)
	if f.CauseZh != "" {
		v.line("%s", f.CauseZh)
	}
	v.line("an answer from a score of %s on, before calibration", render.Short(f.Least()))
	t := &render.Table{Columns: render.Columns("", "SYMPTOM", "MEASURED AS", "TEST", "WEIGHT")}
	add := func(sign string, list []fault.Symptom) {
		for _, s := range list {
			mark := sign
			if s.Required {
				mark += " required"
			}
			if v.Width > 0 { // a terminal is too narrow for PromQL beside words
				v.line("%s: %s (%s, weight %s)", mark, s.Name, s.Test, render.Short(s.Weight))
				v.Printf("     %s\n", v.Style.Cyan(s.Expr))
				continue
			}
			t.Add(mark, s.Name, s.Expr, s.Test.String(), render.Short(s.Weight))
		}
	}
	if v.Width > 0 {
		v.Printf("\n%s\n", v.Style.Bold("symptoms"))
	}
	add("+", f.Symptoms)
	add("-", f.Against)
	v.Section("symptoms", t)
	if len(f.Explains) > 0 {
		v.line("its effects may look like %s", strings.Join(f.Explains, ", "))
	}
	if len(f.Actions) > 0 {
		v.Printf("\n%s\n", v.Style.Bold("what to do, the safest first"))
	}
	for i, a := range f.Actions {
		v.line("%d. [%s] %s", i+1, a.Risk, a.Do)
		for _, c := range a.Run {
			v.Printf("     %s: %s\n", c.On, v.Style.Cyan(c.Line))
		}
		if a.Needs != "" {
			v.under("only if %s", a.Needs)
		}
		if a.Blast != "" || a.Undo != "" {
			v.under("touches: %s; back: %s", cmp.Or(a.Blast, "nothing else"), cmp.Or(a.Undo, "nothing to take back"))
		}
	}
	for _, p := range f.Prevent {
		v.line("so that it does not happen again: %s", p)
	}
	if f.Runbook != "" {
		v.line("runbook: %s", f.Runbook)
	}
	return v.Err
}

// faultDoc is an entry of the catalogue in the JSON form.
func faultDoc(f *fault.Fault) any {
	type symptom struct {
		Name     string  `json:"name"`
		Expr     string  `json:"expr"`
		Test     string  `json:"test"`
		Weight   float64 `json:"weight"`
		Required bool    `json:"required,omitempty"`
	}
	list := func(in []fault.Symptom) []symptom {
		out := []symptom{}
		for _, s := range in {
			out = append(out, symptom{s.Name, s.Expr, s.Test.String(), s.Weight, s.Required})
		}
		return out
	}
	actions := []string{}
	for _, a := range f.Actions {
		actions = append(actions, text(a, fault.Names{}))
	}
	return struct {
		Schema    string         `json:"schema"`
		ID        string         `json:"id"`
		Name      string         `json:"name"`
		NameZh    string         `json:"name_zh"`
		Severity  fault.Severity `json:"severity"`
		Scope     fault.Scope    `json:"scope"`
		RootCause string         `json:"root_cause"`
		CauseZh   string         `json:"root_cause_zh,omitempty"`
		SureFrom  float64        `json:"sure_from"` // the least score, before calibration, that is an answer
		Symptoms  []symptom      `json:"symptoms"`
		Against   []symptom      `json:"against"`
		Explains  []string       `json:"explains"`
		Actions   []string       `json:"actions"`
		Steps     []planStep     `json:"steps"`
	}{"llmops.fault/v1", f.ID, f.En, f.Zh, f.Severity, f.Scope, f.Cause, f.CauseZh, f.Least(), list(f.Symptoms), list(f.Against), append([]string{}, f.Explains...), actions, stepsOf(f, fault.Names{}, nil)}
}
