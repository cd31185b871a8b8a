package reportcmd

import (
	"errors"
	"fmt"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/diagnosecmd"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
	"llmops/rules/fault"
)

// readDiagnosis reads what "llmops diagnose -o json" wrote.
func readDiagnosis(d document) (part, error) {
	var r diagnose.Report
	if err := d.decode(d.text, 0, &r); err != nil {
		return part{}, err
	}
	p := part{source: d.name, schema: d.schema, what: "diagnosis", title: "Diagnosis", verdict: r.Verdict, document: raw(d.text)}
	if !r.Input.Start.IsZero() {
		p.about = fmt.Sprintf("%d series, %d points, %s to %s", r.Input.Series, r.Input.Points, render.Clock(r.Input.Start), render.Clock(r.Input.End))
	}
	switch r.Verdict {
	case diagnose.OK:
		p.state, p.why = passed, "no incident"
	case diagnose.Insufficient:
		p.state, p.why = undetermined, "no series can be judged"
		p.err = cli.NoVerdict(errors.New(p.why))
	case diagnose.IncidentSeen:
		p.state, p.why = attention, "incident"
	default:
		return p, d.unknown(r.Verdict)
	}
	for i, x := range r.Incidents {
		if len(x.Diagnoses) == 0 {
			return p, cli.Usagef("%s: incident %d has no diagnosis", d.name, i+1)
		}
		first := x.Diagnoses[0]
		e := event{From: x.Onset, To: x.End, Open: x.Ongoing, Kind: html.Attention, Lane: fmt.Sprintf("incident %s (%s): %s of %s", x.ID, x.Severity, first.Name, first.Entity)}
		if x.Severity.AtLeast(fault.High) {
			e.Kind = html.Fail
		}
		p.events = append(p.events, e)
		if i == 0 {
			p.why = render.Clean(andMore(fmt.Sprintf("%s (%s) since %s: %s of %s, confidence %.2f", x.ID, x.Severity, render.Clock(x.Onset), first.Name, first.Entity, first.Confidence), len(r.Incidents), "incident"))
		}
	}
	p.sections = diagnosecmd.Sections(r)
	for i := range p.sections {
		p.sections[i].Title = render.Clean(p.sections[i].Title)
	}
	return p, nil
}
