package reportcmd

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// Schema names the JSON form of a report of several sources.
const Schema = "llmops.report/v1"

// mixed is a report of several sources, worst first.
type mixed struct {
	parts   []part
	events  []event
	state   state
	version string
}

func newMixed(parts []part, version string) mixed {
	worstFirst(parts)
	return mixed{parts, timeline(parts), whole(parts), version}
}

// The JSON form. A recording has no document: it may be as large as it likes.
type reportDoc struct {
	Schema   string     `json:"schema"`
	Version  string     `json:"version"`
	Sources  []partDoc  `json:"sources"`
	Timeline []eventDoc `json:"timeline"`
	Verdict  state      `json:"verdict"`
}

type partDoc struct {
	Source   string `json:"source"`
	What     string `json:"what"`
	Schema   string `json:"schema"`
	State    state  `json:"state"`
	Verdict  string `json:"verdict"` // in the words of the source
	Why      string `json:"why,omitempty"`
	Document any    `json:"document,omitempty"`
}

type eventDoc struct {
	From   time.Time  `json:"from"`
	To     *time.Time `json:"to"` // null: not over
	What   string     `json:"what"`
	Source string     `json:"source"`
}

func (m mixed) document() reportDoc {
	d := reportDoc{Schema: Schema, Version: m.version, Sources: []partDoc{}, Timeline: []eventDoc{}, Verdict: m.state}
	for _, p := range m.parts {
		d.Sources = append(d.Sources, partDoc{p.source, p.what, p.schema, p.state, p.verdict, p.why, p.document})
	}
	for _, e := range m.events {
		doc := eventDoc{From: e.From.UTC(), What: e.Lane, Source: e.source}
		if !e.Open {
			doc.To = new(e.To.UTC())
		}
		d.Timeline = append(d.Timeline, doc)
	}
	return d
}

func (m mixed) print(app *cli.App, out *cli.Output) error {
	return out.Write(app, func(w io.Writer) error {
		switch out.Format {
		case "table":
			return m.screen(&render.Screen{W: w, Style: out.Style(app), Width: out.Width(app)})
		case "html":
			return html.Write(w, m.page())
		case "markdown":
			return m.markdown(w)
		case "csv":
			return m.verdicts(render.Style{}).CSV(w)
		case "junit":
			return m.junit(w)
		case "github":
			return render.Annotations(w, m.annotations())
		}
		return render.Write(w, out.Format, 0, m.document())
	})
}

// verdicts has a row a source, worst first.
func (m mixed) verdicts(style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("VERDICT", "WHAT", "SOURCE", "WHY")}
	for _, p := range m.parts {
		word := string(p.state)
		if p.verdict != word {
			word += ": " + p.verdict
		}
		t.Add(coloured(p.state, word, style), p.what, p.source, p.why)
	}
	return t
}

func coloured(s state, word string, style render.Style) string {
	switch s {
	case passed:
		return style.Green(word)
	case failed:
		return style.Red(word)
	}
	return style.Yellow(word)
}

// summary is the verdict of the whole in words.
func (m mixed) summary() string {
	count := map[state]int{}
	for _, p := range m.parts {
		count[p.state]++
	}
	var list []string
	for _, s := range []state{failed, undetermined, attention, passed} {
		if n := count[s]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, s))
		}
	}
	return fmt.Sprintf("%s: %s", render.Plural(len(m.parts), "source"), strings.Join(list, ", "))
}

// headline says of how many sources the worst verdict is.
func (m mixed) headline() string {
	n := 0
	for _, p := range m.parts {
		if p.state == m.state {
			n++
		}
	}
	return fmt.Sprintf("%s: %d of %s", m.state, n, render.Plural(len(m.parts), "source"))
}

func (m mixed) screen(s *render.Screen) error {
	s.Printf("%s\n", m.summary())
	s.Section("verdicts, worst first", m.verdicts(s.Style))
	s.Section("time line", timeTable(m.events, render.Clock))
	s.Printf("\n%s %s\n", s.Style.Bold("verdict:"), coloured(m.state, string(m.state), s.Style))
	return s.Err
}

func (m mixed) page() html.Page {
	doc := html.Page{Title: "Report", Subtitle: m.summary(), Verdict: m.headline(), VerdictKind: m.state.kind(), Footer: "llmops " + m.version}
	if b, note := bands(m.events); b != nil {
		t := timeTable(m.events, clockOf(m.events))
		if day := dayOf(m.events); day != "" {
			note = day + ", " + note
		}
		if cut := cut(t); cut != "" {
			note += "; of the table " + cut
		}
		doc.Sections = []html.Section{{Title: "Time line", Note: note, Bands: b, Table: html.FromTable(t, plain)}}
	}
	for _, p := range m.parts {
		about := p.source
		if p.about != "" {
			about += ": " + render.Clean(p.about)
		}
		doc.Parts = append(doc.Parts, html.Page{
			Title: render.Clean(p.title), Subtitle: about, Verdict: p.verdict, VerdictKind: p.state.kind(), Why: p.why, Lead: p.lead, Sections: p.sections,
		})
	}
	return doc
}

func (m mixed) markdown(w io.Writer) error {
	s := render.Screen{W: w}
	s.Printf("# Report\n\n**verdict: %s** (%s)\n", m.state, m.summary())
	table := func(level int, title, note string, t *render.Table) {
		if len(t.Rows) == 0 {
			return
		}
		if title != "" {
			s.Printf("\n%s %s\n", strings.Repeat("#", level), markdownText(title))
		}
		if note != "" {
			s.Printf("\n%s\n", markdownText(note))
		}
		s.Printf("\n")
		if s.Err == nil {
			s.Err = t.Markdown(w)
		}
	}
	table(2, "Verdicts, worst first", "", m.verdicts(render.Style{}))
	table(2, "Time line", "", timeTable(m.events, render.Clock))
	for _, p := range m.parts {
		s.Printf("\n## %s\n\n%s: **%s**", markdownText(p.title), markdownText(p.source), markdownText(p.verdict))
		if p.why != "" {
			s.Printf(", %s", markdownText(p.why))
		}
		s.Printf("\n")
		if p.about != "" {
			s.Printf("\n%s\n", markdownText(p.about))
		}
		for _, line := range p.lead {
			s.Printf("\n- %s", markdownText(line))
		}
		if len(p.lead) > 0 {
			s.Printf("\n")
		}
		for _, x := range p.sections {
			if x.Table != nil {
				table(3, x.Title, x.Note, fromHTML(x.Table))
			}
			if len(x.Text) > 0 && x.Table == nil && x.Title != "" {
				s.Printf("\n### %s\n", markdownText(x.Title))
			}
			for _, line := range x.Text {
				s.Printf("\n%s\n", markdownText(line))
			}
		}
	}
	return s.Err
}

// markdownText is a line of text that means nothing but itself.
func markdownText(text string) string { return markdownEscapes.Replace(render.Clean(text)) }

var markdownEscapes = strings.NewReplacer(
	"\n", " ", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", "&", "&amp;", "#", `\#`, "|", `\|`,
)

// fromHTML is the table of a page as one of text.
func fromHTML(t *html.Table) *render.Table {
	out := &render.Table{}
	for _, c := range t.Columns {
		align := render.Left
		if c.Numeric {
			align = render.Right
		}
		out.Columns = append(out.Columns, render.Column{Header: c.Header, Align: align})
	}
	for _, row := range t.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Text)
		}
		out.Add(cells...)
	}
	return out
}

// junit has a case a source: of what fails a failure, of what has no verdict an error.
func (m mixed) junit(w io.Writer) error {
	suite := render.Suite{Name: "llmops report"}
	for _, p := range m.parts {
		c := render.Case{Name: p.source, Class: p.what, Output: p.why}
		switch p.state {
		case failed:
			c.Failure, c.Output = p.why, ""
		case undetermined:
			c.Error, c.Output = p.why, ""
		}
		suite.Cases = append(suite.Cases, c)
	}
	return render.JUnit(w, suite)
}

// annotations has a workflow command of GitHub for each source but those that pass.
func (m mixed) annotations() (list []render.Annotation) {
	levels := map[state]string{failed: "error", undetermined: "warning", attention: "notice"}
	for _, p := range m.parts {
		if level, ok := levels[p.state]; ok {
			list = append(list, render.Annotation{Level: level, Title: p.what + ": " + render.Clean(p.verdict), Message: render.Clean(p.source + ": " + cmp.Or(p.why, p.verdict))})
		}
	}
	return list
}
