package alertscmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"llmops/analysis/alerting"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// sections are the tables of a page that is not cut.
func (r *report) sections() []struct {
	title string
	table *render.Table
} {
	list := []struct {
		title string
		table *render.Table
	}{
		{"Alerts, worst first", r.alertTable(r.streaks(), render.Style{})},
		{"Who is told when", r.noticeTable()},
		{"Held back", r.quietTable()},
		{"Which rules cost you sleep", r.ruleTable()},
		{"Come and go", r.flapTable()},
		{"Seem to have one cause", r.causeTable()},
	}
	if r.Changes != nil {
		list = append(list, struct {
			title string
			table *render.Table
		}{"What the rules change", r.Changes.table()})
	}
	return list
}

func (r *report) markdown(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s\n\nverdict: %s\n", render.Clean(r.source()), r.verdict()); err != nil {
		return err
	}
	for _, s := range r.sections() {
		if len(s.table.Rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n## %s\n\n", s.title); err != nil {
			return err
		}
		if err := s.table.Markdown(w); err != nil {
			return err
		}
	}
	return nil
}

// page is the offline HTML report.
func (r *report) page(w io.Writer, version string) error {
	doc := html.Page{
		Title: "Alerts", Subtitle: r.source(), Verdict: r.verdict(), VerdictKind: kindOf(r.verdict()),
		Footer: "llmops " + version,
	}
	for _, line := range r.remarks() {
		doc.Lead = append(doc.Lead, strings.TrimSpace(line))
	}
	for i, s := range r.sections() {
		if len(s.table.Rows) == 0 {
			continue
		}
		table := html.FromTable(s.table, func(string) html.Kind { return "" })
		for _, row := range table.Rows {
			if i == 0 { // the column STATE
				row[0].Kind = kindOf(row[0].Text)
			}
		}
		doc.Sections = append(doc.Sections, html.Section{Title: s.title, Table: table})
		if i == 0 {
			doc.Sections = append(doc.Sections, r.chart()...)
		}
	}
	return html.Write(w, doc)
}

func kindOf(state string) html.Kind {
	switch state {
	case string(alerting.Firing):
		return html.Fail
	case "ok":
		return html.Pass
	}
	return html.Undecided
}

// chart is how many alerts fired over time, by severity.
func (r *report) chart() []html.Section {
	const columns = 240
	starts, counts := r.firing(columns)
	if len(starts) == 0 {
		return nil
	}
	c := &html.Chart{Title: "Alerts firing", Unit: "alerts", Kind: html.Line}
	for _, s := range starts {
		c.X = append(c.X, seconds(s-r.result.Start))
	}
	for _, s := range []severity{critical, warning, info, none} {
		if counts[s] == nil {
			continue
		}
		line := html.Series{Name: s.String()}
		if s == none {
			line.Name = "other"
		}
		for _, n := range counts[s] {
			line.Values = append(line.Values, new(float64(n)))
		}
		c.Series = append(c.Series, line)
	}
	if len(c.Series) == 0 {
		return nil
	}
	return []html.Section{{Title: "Over time", Note: "from " + clock(r.result.Start), Chart: c}}
}

// junit has a case for each alerting rule: it fails if the rule fired at or above the
// severity of --fail-on, by default at all, and is an error where it could not be
// evaluated.
func (r *report) junit(w io.Writer, least severity) error {
	suite := render.Suite{Name: "llmops alerts"}
	for i, o := range r.result.Rules {
		if o.Rule.Alert == "" {
			continue
		}
		c := render.Case{Name: o.Rule.Alert, Class: "alerts." + o.Group}
		switch {
		case o.Failures > 0:
			c.Error = fmt.Sprintf("%d of %d evaluations failed: %s", o.Failures, o.Evaluations, o.FirstError.Message)
		case o.Fired > 0 && severityOf(o.Labels["severity"]) >= least:
			c.Failure = r.firedText(i)
		case len(o.Missing) > 0:
			c.Output = "not measured: " + strings.Join(o.Missing, ", ")
		case o.Fired > 0:
			c.Output = r.firedText(i)
		}
		suite.Cases = append(suite.Cases, c)
	}
	return render.JUnit(w, suite)
}

// firedText says when a rule fired, and with what.
func (r *report) firedText(rule int) string {
	var lines []string
	for _, a := range r.result.Alerts {
		if a.Rule != rule || a.FiredAt == 0 {
			continue
		}
		line := fmt.Sprintf("%s fired at %s for %s", labelText(a.Labels, "severity"), clock(a.FiredAt), span(r.until(a)-a.FiredAt))
		if text := a.Annotations["summary"]; text != "" {
			line += ": " + text
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

// annotations are for the run of a workflow: an error for each rule that fails the gate.
func (r *report) annotations(w io.Writer, least severity) error {
	var notes []render.Annotation
	for i, o := range r.result.Rules {
		if o.Fired == 0 {
			continue
		}
		s := severityOf(o.Labels["severity"])
		level := "notice"
		switch {
		case least != none && s >= least:
			level = "error"
		case s >= warning:
			level = "warning"
		}
		notes = append(notes, render.Annotation{Level: level, Title: o.Rule.Alert, Message: r.firedText(i)})
	}
	slices.SortStableFunc(notes, func(a, b render.Annotation) int { return strings.Compare(a.Level, b.Level) })
	return render.Annotations(w, notes)
}
