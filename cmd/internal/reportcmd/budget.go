package reportcmd

import (
	"errors"
	"fmt"
	"time"

	"llmops/analysis/budget"
	"llmops/cmd/internal/budgetcmd"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// readBudget reads what "llmops budget -o json" wrote.
func readBudget(d document) (part, error) {
	var r budget.Report
	if err := d.decode(d.text, 0, &r); err != nil {
		return part{}, err
	}
	page := budgetcmd.Page(r, "")
	p := part{
		source: d.name, schema: d.schema, what: "error budgets", title: page.Title, about: page.Subtitle, verdict: string(r.Verdict),
		lead: page.Lead, sections: page.Sections, document: raw(d.text),
	}
	switch r.Verdict {
	case budget.Pass:
		p.state, p.why = passed, "of "+render.Plural(len(r.SLOs), "objective")+" all have budget left"
	case budget.Fail:
		p.state, p.why = failed, spent(r)
		p.err = cli.Gate(errors.New(p.why))
	case budget.Undetermined, budget.NoData:
		p.state, p.why = undetermined, "too little data for a verdict"
		p.err = cli.NoVerdict(errors.New(p.why))
	default:
		return p, d.unknown(string(r.Verdict))
	}
	at := func(t budget.Time) time.Time { return time.UnixMilli(int64(t)).UTC() }
	for _, s := range r.SLOs {
		for _, a := range s.Alerts {
			for _, f := range a.Fired {
				e := event{From: at(f.From), Kind: html.Attention, Lane: fmt.Sprintf("burn-rate alert (%s over %s): %s", a.Severity, a.Long, s.Name)}
				if a.Severity == "page" || a.Severity == "critical" {
					e.Kind = html.Fail
				}
				switch {
				case f.To != nil:
					e.To = at(*f.To)
				case r.Now != nil:
					e.To, e.Open = at(*r.Now), true
				default:
					e.To, e.Open = e.From, true
				}
				p.events = append(p.events, e)
			}
		}
		for _, i := range s.Incidents {
			p.events = append(p.events, event{From: at(i.From), To: at(i.To), Kind: html.Attention, Lane: "budget burns: " + s.Name})
		}
	}
	return p, nil
}

// spent names the objective that spent most of its budget, of those that fail.
func spent(r budget.Report) string {
	var worst *budget.SLO
	n := 0
	for i, s := range r.SLOs {
		if s.Verdict != budget.Fail {
			continue
		}
		n++
		if worst == nil || s.Consumed != nil && (worst.Consumed == nil || *s.Consumed > *worst.Consumed) {
			worst = &r.SLOs[i]
		}
	}
	if worst == nil {
		return "objective not met"
	}
	text := fmt.Sprintf("%s: %d of %d bad", worst.Name, worst.Bad, worst.Total)
	if worst.Consumed != nil {
		text += ", " + render.Percent(*worst.Consumed) + " of the budget spent"
	}
	return render.Clean(andMore(text, n, "objective"))
}
