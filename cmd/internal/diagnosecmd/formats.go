package diagnosecmd

import (
	"fmt"
	"io"
	"math"
	"strings"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
	"llmops/rules/fault"
)

// markdown is the draft of a postmortem.
func (s shown) markdown(w io.Writer) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Postmortem draft\n\nData: %d series, %d points, %s to %s. Verdict: **%s**.", s.Input.Series, s.Input.Points, render.Clock(s.Input.Start), render.Clock(s.Input.End), s.Verdict)
	for _, x := range s.Incidents {
		d := x.Diagnoses[0]
		p("\n## %s: %s of %s\n\nSeverity %s, confidence %.2f. %s.", x.ID, d.Name, escape(d.Entity), x.Severity, d.Confidence, sentence(d.RootCause))
		p("\n### Timeline\n")
		t := &render.Table{Columns: render.Columns("time (UTC)", "what")}
		t.Add(clock(x.Onset), "onset")
		for _, e := range d.Evidence {
			t.Add(clock(e.At), e.Symptom+": "+number(e.Value)+" "+e.Unit)
		}
		if !x.Ongoing {
			t.Add(clock(x.End), "over")
		}
		if err := t.Markdown(&b); err != nil {
			return err
		}
		p("\n### Impact\n")
		if len(x.Impact) == 0 {
			p("No signal of users was off.")
		}
		for _, e := range x.Impact {
			p("- %s: %s, normally %s", e.Symptom, number(e.Value), render.Optional(e.Normal, number))
		}
		p("\n### Evidence\n")
		t = &render.Table{Columns: render.Columns("", "symptom", "value", "normal", "series")}
		for _, e := range d.Evidence {
			t.Add("for", e.Symptom, number(e.Value), render.Optional(e.Normal, number), e.Series)
		}
		for _, e := range d.Against {
			t.Add("against", e.Symptom, number(e.Value), render.Optional(e.Normal, number), e.Series)
		}
		for _, m := range d.NotCollected {
			t.Add("not collected", m.Symptom, "", "", m.Collect)
		}
		if err := t.Markdown(&b); err != nil {
			return err
		}
		p("\n### Causes\n\n- %s: %s", d.Fault, d.RootCause)
		for _, o := range rest(x) {
			p("- %s", escape(o))
		}
		p("\n### Actions\n")
		for i, a := range d.Actions {
			p("%d. %s", i+1, escape(a))
		}
		p("\n### Prevention\n")
		if d.Pattern != nil && len(d.Pattern.Prevent) > 0 {
			for _, a := range d.Pattern.Prevent {
				p("- %s", escape(a))
			}
		} else {
			p("- to be filled in by those who were there")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// escape keeps labels of anybody from being Markdown.
func escape(text string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", `\|`, "\n", " ").Replace(render.Clean(text))
}

// page is the report as one HTML file.
func (s shown) page(w io.Writer, version string) error {
	page := html.Page{
		Title: "Diagnosis", Subtitle: fmt.Sprintf("%s to %s", render.Clock(s.Input.Start), render.Clock(s.Input.End)),
		Verdict: s.Verdict, VerdictKind: html.Pass, Footer: "llmops " + version,
		Lead: []string{fmt.Sprintf("%d series, %d points", s.Input.Series, s.Input.Points)},
	}
	switch s.Verdict {
	case diagnose.IncidentSeen:
		page.VerdictKind = html.Fail
	case diagnose.Insufficient:
		page.VerdictKind = html.Undecided
	}
	for _, x := range s.Incidents {
		d := x.Diagnoses[0]
		text := []string{fmt.Sprintf("%s, since %s, of %s. Confidence %.2f. %s.", x.Severity, render.Clock(x.Onset), strings.Join(x.Entities, ", "), d.Confidence, sentence(d.RootCause))}
		page.Sections = append(page.Sections, html.Section{Title: x.ID + ": " + d.Name, Text: append(text, d.Actions...)})
		t := &render.Table{Columns: render.Columns("", "symptom", "value", "normal", "at", "series")}
		for _, e := range d.Evidence {
			t.Add("for", e.Symptom, number(e.Value), render.Optional(e.Normal, number), clock(e.At), e.Series)
		}
		for _, e := range d.Against {
			t.Add("against", e.Symptom, number(e.Value), render.Optional(e.Normal, number), clock(e.At), e.Series)
		}
		for _, m := range d.NotCollected {
			t.Add("not collected", m.Symptom, "", "", "", m.Collect)
		}
		page.Sections = append(page.Sections, html.Section{Title: "Evidence", Table: html.FromTable(t, plain)})
		for _, c := range x.Curves {
			page.Sections = append(page.Sections, html.Section{Chart: chart(c)})
		}
		if len(x.Suspects) > 0 {
			t := &render.Table{Columns: render.Columns("entity", "score", "series")}
			for _, s := range x.Suspects {
				t.Add(s.Entity, render.Short(s.Score), s.Series)
			}
			page.Sections = append(page.Sections, html.Section{Title: "Suspects", Note: "how far entities are off, whatever it means; without a unit", Table: html.FromTable(t, plain)})
		}
	}
	return html.Write(w, page)
}

func plain(string) html.Kind { return "" }

func chart(c diagnose.Curve) *html.Chart {
	ch := &html.Chart{Title: c.Name, Unit: c.Unit, Kind: html.Line, Series: []html.Series{{Name: c.Name}}}
	for i, v := range c.Values {
		ch.X = append(ch.X, float64(i)*c.Step.Seconds())
		var p *float64
		if !math.IsNaN(v) {
			p = new(v)
		}
		ch.Series[0].Values = append(ch.Series[0].Values, p)
	}
	return ch
}

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
			found[d.Fault] = fmt.Sprintf("%s %s since %s of %s, confidence %.2f: %s", x.ID, x.Severity, render.Clock(x.Onset), d.Entity, d.Confidence, d.RootCause)
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
			f.Hint = d.Actions[0]
		}
		list = append(list, f)
	}
	return render.SARIF(w, "llmops diagnose", version, rules, list)
}

func headline(x diagnose.Incident) string {
	d := x.Diagnoses[0]
	return fmt.Sprintf("%s since %s of %s (confidence %.2f): %s", d.Name, render.Clock(x.Onset), d.Entity, d.Confidence, d.RootCause)
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
