package diagnosecmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render"
)

// markdown is the draft of a postmortem.
func (s shown) markdown(w io.Writer) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Postmortem draft\n")
	if s.Input.Start.IsZero() {
		p("There are no data. Verdict: **%s**.", s.Verdict)
	} else {
		p("Data: %d series, %d points, %s to %s. Verdict: **%s**.", s.Input.Series, s.Input.Points, render.Clock(s.Input.Start), render.Clock(s.Input.End), s.Verdict)
	}
	for _, x := range s.Incidents {
		if err := s.incident(&b, x); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s shown) incident(b *strings.Builder, x diagnose.Incident) error {
	p := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	d := x.Diagnoses[0]
	until := "until " + render.Clock(x.End) + ", " + render.Span(x.End.Sub(x.Onset))
	if x.Ongoing {
		until = "not over at the end of the data"
	}
	p("\n## %s: %s of %s\n\nSeverity %s, since %s, %s; confidence %.2f. %s.", x.ID, escape(d.Name), escape(d.Entity), x.Severity, render.Clock(x.Onset), until, d.Confidence, escape(sentence(d.RootCause)))
	p("\n### Timeline\n")
	if err := s.timeline(x).Markdown(b); err != nil {
		return err
	}
	p("\n### Impact\n")
	if len(x.Impact) == 0 {
		p("No signal of users was off.")
	}
	for _, e := range x.Impact {
		p("- %s: %s, normally %s (%s)", escape(e.Symptom), number(e.Value), render.Optional(e.Normal, number), escape(named(e.Series, "")))
	}
	p("\nBefallen: %s.", escape(strings.Join(x.Entities, ", ")))
	p("\n### Evidence\n")
	if err := s.evidence(d).Markdown(b); err != nil {
		return err
	}
	p("\n### Causes\n\n- %s: %s", d.Fault, escape(d.RootCause))
	for _, o := range rest(x, 0) {
		p("- %s", escape(o))
	}
	if x.Tie != nil {
		p("- as likely: %s; what would tell: %s", escape(x.Tie.Between[1]), escape(x.Tie.Measure))
	}
	p("\n### Actions\n")
	s.steps(b, d)
	p("\n### Prevention\n")
	if d.Pattern != nil && len(d.Pattern.Prevent) > 0 {
		for _, a := range d.Pattern.Prevent {
			p("- %s", escape(a))
		}
	} else {
		p("- to be filled in by those who were there")
	}
	return nil
}

// timeline is what happened, in its order.
func (s shown) timeline(x diagnose.Incident) *render.Table {
	type entry struct {
		at   time.Time
		what string
	}
	list := []entry{{x.Onset, "onset"}}
	for _, d := range x.Diagnoses {
		for _, e := range d.Evidence {
			what := strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.Symptom, number(e.Value), e.Unit)) + " (" + named(e.Series, "") + ")"
			if d.Onset.After(x.Onset) {
				what = d.Fault + ": " + what
			}
			list = append(list, entry{e.At, what})
		}
	}
	for _, e := range x.Impact {
		list = append(list, entry{e.At, "users feel: " + e.Symptom + " " + number(e.Value)})
	}
	if !x.Ongoing {
		list = append(list, entry{x.End, "over"})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.at.Compare(b.at) })
	t := &render.Table{Columns: render.Columns("time", "what")}
	for i, e := range list {
		if i == 0 || e != list[i-1] {
			t.Add(render.Clock(e.at), e.what)
		}
	}
	return t
}

// steps are the actions, with commands to copy.
func (s shown) steps(b *strings.Builder, d diagnose.Diagnosis) {
	if d.Pattern == nil {
		for i, a := range d.Actions {
			fmt.Fprintf(b, "%d. %s\n", i+1, escape(a))
		}
		return
	}
	n := s.names[d.Where]
	for i, a := range d.Pattern.Actions {
		fmt.Fprintf(b, "%d. %s (%s)\n", i+1, escape(a.Do), a.Risk)
		if a.Needs != "" {
			fmt.Fprintf(b, "   - only if %s\n", escape(a.Needs))
		}
		if a.Blast != "" || a.Undo != "" {
			fmt.Fprintf(b, "   - touches %s; back: %s\n", escape(cmp.Or(a.Blast, "nothing else")), escape(cmp.Or(a.Undo, "nothing to take back")))
		}
		for _, c := range fitting(a.Run, n) {
			fmt.Fprintf(b, "   - %s: %s\n", c.On, code(oneLine(c.With(n))))
		}
	}
}

// code is text in as many backticks as it takes.
func code(text string) string {
	ticks := "`"
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	if len(ticks) > 1 {
		return ticks + " " + text + " " + ticks
	}
	return ticks + text + ticks
}

// sentence begins with a capital.
func sentence(text string) string {
	if text == "" {
		return text
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// escape keeps labels of anybody from being Markdown.
func escape(text string) string { return markdown.Replace(render.Clean(text)) }

var markdown = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "\n", " ", "[", `\[`, "]", `\]`, "*", `\*`, "`", "\\`", `\`, `\\`)
