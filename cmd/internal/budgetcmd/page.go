package budgetcmd

import (
	"io"

	"llmops/analysis/budget"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// page is the offline HTML report.
type page struct{ r budget.Report }

func (p page) write(w io.Writer, version string) error { return html.Write(w, Page(p.r, version)) }

// Page is a report as HTML, also for a report of several things.
func Page(r budget.Report, version string) html.Page {
	doc := html.Page{
		Title: "Error budgets", Subtitle: sourceLine(r),
		Verdict: string(r.Verdict), VerdictKind: kindOf(r.Verdict),
		Lead:   policyLines(r),
		Footer: "llmops " + version,
	}
	if r.Release != "" {
		doc.Lead = append([]string{"release: " + string(r.Release)}, doc.Lead...)
	}
	table := func(title string, t *render.Table) {
		if len(t.Rows) > 0 {
			doc.Sections = append(doc.Sections, html.Section{Title: title, Table: html.FromTable(t, func(v string) html.Kind { return kindOf(budget.Verdict(v)) })})
		}
	}
	table("Objectives", sloTable(r, render.Style{}))
	for _, s := range worstFirst(r.SLOs) {
		doc.Sections = append(doc.Sections, charts(s)...)
	}
	table("Alerts that would have fired", alertTable(r))
	table("Incidents, largest first", incidentTable(r, 10))
	table("Who spent it", contributorTable(r, 10))
	table("Good requests, ms", metricTable(r))
	for _, s := range worstFirst(r.SLOs) {
		doc.Sections = append(doc.Sections, html.Section{Title: "How " + label(s) + " comes about", Text: explain(r, s)})
	}
	return doc
}

func kindOf(v budget.Verdict) html.Kind {
	switch v {
	case budget.Pass:
		return html.Pass
	case budget.Fail:
		return html.Fail
	}
	return html.Undecided
}

// axis is the unit of a time axis so many ms long, and its length in ms.
func axis(span int64) (unit string, length float64) {
	switch {
	case span < 3*60_000:
		return "seconds", 1000
	case span < 3*3_600_000:
		return "minutes", 60_000
	case span < 10*24*3_600_000:
		return "hours", 3_600_000
	}
	return "days", 24 * 3_600_000
}

// charts are the burn-down and the burn rate of an objective.
func charts(s budget.SLO) []html.Section {
	if len(s.Course) < 2 || s.Remaining == nil {
		return nil
	}
	from := s.Course[0].At
	unit, length := axis(int64(s.Course[len(s.Course)-1].At - from))
	var x []float64
	left, burn := html.Series{Name: "left"}, html.Series{Name: "burn rate"}
	for _, p := range s.Course {
		x = append(x, float64(p.At-from)/length)
		left.Values = append(left.Values, scaled(p.Remaining, 100))
		burn.Values = append(burn.Values, p.Burn)
	}
	since := unit + " since " + clock(from)
	chart := func(title, unit string, series html.Series, marks ...html.Mark) html.Section {
		return html.Section{Title: title, Chart: &html.Chart{Title: title, Unit: unit, XLabel: since, X: x, Kind: html.Line, Series: []html.Series{series}, Marks: marks}}
	}
	return []html.Section{
		chart("Budget left: "+s.Name, "%", left, html.Mark{Value: 0, Label: "spent"}),
		chart("Burn rate: "+s.Name, "times the even pace", burn, html.Mark{Value: 1, Label: "even pace"}),
	}
}

func scaled(v *float64, by float64) *float64 {
	if v == nil {
		return nil
	}
	return new(*v * by)
}
