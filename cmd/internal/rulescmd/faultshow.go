package rulescmd

import (
	"io"
	"slices"
	"strconv"

	"llmops/cmd/internal/render"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/fault"
)

// read is what can be shown: rules, and faults.
func (o *showOptions) read(stdin io.Reader) ([]listed, fault.Catalogue, error) {
	docs, rest, err := split(o.rules)
	if err != nil {
		return nil, fault.Catalogue{}, err
	}
	var all []listed
	if len(rest) > 0 || len(o.rules) == 0 {
		files, err := rulefiles.Read(stdin, rest...)
		if err != nil {
			return nil, fault.Catalogue{}, err
		}
		all = listedRules(files)
	}
	faults, err := shippedFaults()
	if err != nil {
		return nil, faults, err
	}
	mine := faults
	if len(o.rules) > 0 {
		mine, err = fault.Catalogue{}, nil
		if len(docs) > 0 {
			mine, err = faultsOf(docs)
		}
		if err != nil {
			return nil, faults, err
		}
	}
	return append(all, listedFaults(mine)...), faults.With(mine), nil
}

// symptom is one of a fault, as show has it.
type symptom struct {
	Name   string  `json:"name"`
	Side   string  `json:"side"` // required, for or against
	Expr   string  `json:"expr"`
	Test   string  `json:"test,omitempty"` // of alternatives the expression has it
	Weight float64 `json:"weight"`
}

func symptomsOf(f *fault.Fault) []symptom {
	var list []symptom
	add := func(side string, of []fault.Symptom) {
		for _, s := range of {
			x := symptom{s.Name, side, s.Expr, s.Test.String(), s.Weight}
			if s.Required {
				x.Side = "required"
			}
			list = append(list, x)
		}
	}
	add("for", f.Symptoms)
	add("against", f.Against)
	return list
}

// signalsOf are the signals that the symptoms of a fault are measured with.
func signalsOf(f *fault.Fault, c fault.Catalogue) []metric {
	list := []metric{}
	for _, s := range slices.Concat(f.Symptoms, f.Against) {
		exprs := []string{s.Expr}
		if len(s.Any) > 0 {
			exprs = nil
			for _, a := range s.Any {
				exprs = append(exprs, a.Expr)
			}
		}
		for _, expr := range exprs {
			for _, name := range fault.Asked(expr) {
				sig := c.Signal(name)
				if sig != nil && !slices.ContainsFunc(list, func(m metric) bool { return m.Name == name }) {
					list = append(list, metric{Name: name, Unit: sig.Unit, EN: sig.En, ZH: sig.Zh})
				}
			}
		}
	}
	return list
}

// faultPage writes a fault for people.
func (r shown) faultPage(s *render.Screen) {
	s.Printf("%s  %s  %s\n  fault of a %s, severity %s, %s\n", s.Style.Bold(render.Clean(r.Name)), render.Clean(r.Annotations["summary"]), render.Clean(r.Annotations["summary_zh"]),
		r.Group, r.severity(), render.Clean(r.Position.String()))
	s.Printf("%s", render.Wrap(render.Clean(r.Annotations["description"]), s.Width, "  "))
	s.Printf("  an answer from a score of %s on, before calibration\n", strconv.FormatFloat(r.SureFrom, 'g', -1, 64))
	t := &render.Table{Columns: render.Columns("", "SYMPTOM", "MEASURED AS", "TEST", ">WEIGHT")}
	for _, x := range r.Symptoms {
		t.Add(x.Side, render.Clean(x.Name), render.Clean(x.Expr), x.Test, strconv.FormatFloat(x.Weight, 'g', -1, 64))
	}
	s.Section("symptoms", t)
	signals := &render.Table{Columns: render.Columns("SIGNAL", "UNIT", "MEANING", "含义")}
	for _, m := range r.Metrics {
		signals.Add(m.Name, m.Unit, render.Clean(m.EN), render.Clean(m.ZH))
	}
	s.Section("signals", signals)
	s.Printf("\n\"llmops diagnose --explain %s\" has what to do.\n", render.Clean(r.Name))
}
