package diagnosecmd

import (
	"fmt"
	"io"
	"strings"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
)

// junit has a case a pattern: it fails where the pattern fits.
func (s shown) junit(w io.Writer, fail string) error {
	suite := render.Suite{Name: "llmops diagnose", At: s.Input.End}
	least := fault.Low
	if fail != none {
		least = fault.Severity(fail)
	}
	found := map[string]string{}
	for _, x := range s.Incidents {
		d := x.Diagnoses[0]
		if x.Severity.AtLeast(least) {
			line := fmt.Sprintf("%s %s since %s of %s, confidence %.2f: %s", x.ID, x.Severity, render.Clock(x.Onset), d.Entity, d.Confidence, d.RootCause)
			found[d.Fault] = strings.TrimPrefix(found[d.Fault]+"\n"+render.Clean(line), "\n")
		}
	}
	ids := append(s.catalogue.IDs(), diagnose.Unknown)
	for _, id := range ids {
		c := render.Case{Name: id, Class: "diagnose", Failure: found[id]}
		if s.Verdict == diagnose.Insufficient {
			c.Error = "no series can be judged"
		}
		suite.Cases = append(suite.Cases, c)
	}
	return render.JUnit(w, suite)
}

func (s shown) sarif(w io.Writer, version string) error {
	var rules []render.SARIFRule
	for _, f := range s.catalogue.Faults {
		rules = append(rules, render.SARIFRule{ID: f.ID, About: f.En})
	}
	rules = append(rules, render.SARIFRule{ID: diagnose.Unknown, About: "an incident that no pattern fits"})
	file := ""
	if len(s.files) > 0 {
		file = s.files[0]
	}
	var list []render.Finding
	for _, x := range s.Incidents {
		d := x.Diagnoses[0]
		f := render.Finding{Check: d.Fault, Level: level(x.Severity), File: file, Message: headline(x)}
		if len(d.Actions) > 0 {
			f.Hint = render.Clean(d.Actions[0])
		}
		list = append(list, f)
	}
	return render.SARIF(w, "llmops diagnose", version, rules, list)
}

func headline(x diagnose.Incident) string {
	d := x.Diagnoses[0]
	return render.Clean(fmt.Sprintf("%s since %s of %s (confidence %.2f): %s", d.Name, render.Clock(x.Onset), d.Entity, d.Confidence, d.RootCause))
}

func level(s fault.Severity) string {
	switch s {
	case fault.Critical, fault.High:
		return "error"
	case fault.Medium:
		return "warning"
	}
	return "note"
}

func (s shown) annotations(w io.Writer) error {
	var list []render.Annotation
	for _, x := range s.Incidents {
		l := level(x.Severity)
		if l == "note" {
			l = "notice"
		}
		list = append(list, render.Annotation{Level: l, Title: x.ID + " " + x.Diagnoses[0].Fault, Message: headline(x)})
	}
	return render.Annotations(w, list)
}
