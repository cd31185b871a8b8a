package diagnosecmd

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// page is the report as one HTML file.
func (s shown) page(w io.Writer, version string) error {
	page := html.Page{Title: "Diagnosis", Verdict: s.Verdict, VerdictKind: html.Pass, Footer: "llmops " + version}
	if !s.Input.Start.IsZero() {
		page.Subtitle = fmt.Sprintf("%s to %s", render.Clock(s.Input.Start), render.Clock(s.Input.End))
	}
	page.Lead = []string{fmt.Sprintf("%d series, %d points", s.Input.Series, s.Input.Points)}
	if n := s.Input.Normal; n != nil {
		page.Lead = append(page.Lead, fmt.Sprintf("normal is what was from %s to %s", render.Clock(n.From), render.Clock(n.To)))
	}
	switch s.Verdict {
	case diagnose.IncidentSeen:
		page.VerdictKind = html.Fail
	case diagnose.Insufficient:
		page.VerdictKind = html.Undecided
	}
	for _, x := range s.Incidents {
		page.Sections = append(page.Sections, s.sections(x)...)
	}
	return html.Write(w, page)
}

func (s shown) sections(x diagnose.Incident) []html.Section {
	d := x.Diagnoses[0]
	until := "until " + render.Clock(x.End)
	if x.Ongoing {
		until = "not over at the end of the data"
	}
	text := []string{
		fmt.Sprintf("Severity %s, since %s, %s: %s. Confidence %.2f.", x.Severity, render.Clock(x.Onset), until, strings.Join(x.Entities, ", "), d.Confidence),
		sentence(d.RootCause) + ".",
	}
	if len(x.Impact) > 0 {
		text = append(text, "Users feel: "+impact(x)+".")
	}
	if others := rest(x, leastShown); len(others) > 0 {
		text = append(text, "Also seen: "+strings.Join(others, "; ")+".")
	}
	if x.Tie != nil {
		text = append(text, fmt.Sprintf("As likely: %s. What would tell: %s.", x.Tie.Between[1], x.Tie.Measure))
	}
	list := []html.Section{{Title: x.ID + ": " + d.Name, Text: clean(text)}}
	list = append(list, html.Section{Title: "Evidence", Table: html.FromTable(s.evidence(d), plain)})
	if text, unset := s.actionText(d); len(text) > 0 {
		note := ""
		if unset {
			note = `a name such as "${NAME:?}" stands in no label: set it before`
		}
		list = append(list, html.Section{Title: "What to do, the safest first", Note: note, Text: clean(text)})
	}
	for i, c := range x.Curves {
		section := html.Section{Chart: s.chart(c, x, d.Entity)}
		if i == 0 {
			section.Title, section.Note = "Around the onset", "two colours: before the onset, and since"
		}
		list = append(list, section)
	}
	if len(x.Suspects) > 0 {
		t := &render.Table{Columns: render.Columns("entity", ">score", "series")}
		for _, s := range x.Suspects {
			t.Add(s.Entity, render.Short(s.Score), named(s.Series, s.Entity))
		}
		list = append(list, html.Section{Title: "Suspects", Note: "how far entities are off, whatever it means; without a unit", Table: html.FromTable(t, plain)})
	}
	return list
}

// clean takes out what no page should have.
func clean(lines []string) []string {
	for i, l := range lines {
		lines[i] = render.Clean(l)
	}
	return lines
}

// evidence is a table of what speaks for a fault, what against, and what nobody measures.
func (s shown) evidence(d diagnose.Diagnosis) *render.Table {
	t := &render.Table{Columns: render.Columns("", "symptom", ">value", ">normal", "unit", "at", "series")}
	add := func(sign string, list []diagnose.Evidence) {
		for _, e := range list {
			t.Add(sign, e.Symptom, number(e.Value), render.Optional(e.Normal, number), e.Unit, s.clock(e.At), named(e.Series, ""))
		}
	}
	add("for", d.Evidence)
	add("against", d.Against)
	for _, m := range d.NotCollected {
		t.Add("not collected", m.Symptom, "", "", "", "", m.Collect)
	}
	return t
}

// actionText is what to do, a paragraph for each action and each command; unset tells
// that commands have names in them that nobody knows.
func (s shown) actionText(d diagnose.Diagnosis) (text []string, unset bool) {
	if d.Pattern == nil {
		return d.Actions, false
	}
	n := s.names[d.Where]
	for i, a := range d.Pattern.Actions {
		line := fmt.Sprintf("%d. %s (%s)", i+1, a.Do, a.Risk)
		if a.Needs != "" {
			line += "; only if " + a.Needs
		}
		if a.Blast != "" {
			line += "; touches " + a.Blast
		}
		if a.Undo != "" {
			line += "; back: " + a.Undo
		}
		text = append(text, line)
		for _, c := range fitting(a.Run, n) {
			text = append(text, "— "+c.On+": "+oneLine(c.With(n)))
			unset = unset || len(c.Blanks(n)) > 0
		}
	}
	return text, unset
}

func plain(string) html.Kind { return "" }

// chart is a signal over the whole time, in two colours: before the onset and since.
func (s shown) chart(c diagnose.Curve, x diagnose.Incident, entity string) *html.Chart {
	name := render.Clean(render.Masked(named(c.Name, entity)))
	ch := &html.Chart{Title: name, Unit: c.Unit, Kind: html.Line, Parts: true, Series: []html.Series{{Name: "before the onset"}, {Name: "since the onset"}}}
	onset := x.Onset.Sub(c.Start).Truncate(c.Step).Seconds()
	for i, v := range c.Values {
		at := float64(i) * c.Step.Seconds()
		ch.X = append(ch.X, at)
		var before, since *float64
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			if at <= onset {
				before = &v
			}
			if at >= onset { // both at the onset: the lines meet
				since = &v
			}
		}
		ch.Series[0].Values = append(ch.Series[0].Values, before)
		ch.Series[1].Values = append(ch.Series[1].Values, since)
	}
	for _, e := range x.Diagnoses[0].Evidence {
		if e.Normal != nil && cmp.Or(e.Series, c.Name) == c.Name {
			ch.Marks = append(ch.Marks, html.Mark{Value: *e.Normal, Label: "normal"})
			break
		}
	}
	return ch
}
