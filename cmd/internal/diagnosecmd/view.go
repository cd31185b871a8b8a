package diagnosecmd

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
)

// shown is a report and what is said about it.
type shown struct {
	diagnose.Report
	files     []string
	catalogue fault.Catalogue
}

func (o *options) show(app *cli.App, s shown) error {
	err := o.output.Write(app, func(w io.Writer) error {
		switch o.output.Format {
		case "table":
			v := view{Screen: render.Screen{W: w, Style: o.output.Style(app), Width: o.output.Width(app)}, shown: s, verbose: app.Verbose}
			return v.table()
		case "csv":
			return render.Write(w, "csv", 0, nil, s.flat())
		case "markdown":
			return s.markdown(w)
		case "html":
			return s.page(w, app.Build.Version)
		case "junit":
			return s.junit(w, o.fail)
		case "sarif":
			return s.sarif(w, app.Build.Version)
		case "github":
			return s.annotations(w)
		}
		return render.Write(w, o.output.Format, 0, s.Report)
	})
	if err == nil && o.report != "" {
		err = cli.WriteFile(o.report, func(w io.Writer) error { return s.page(w, app.Build.Version) })
	}
	if err == nil && o.plan != "" {
		err = cli.WriteFile(o.plan, func(w io.Writer) error { return render.YAML(w, s.plan()) })
	}
	return cli.Failed(err)
}

// view is the report for a terminal: one screen, the most important first.
type view struct {
	render.Screen
	shown
	verbose bool
}

func (v *view) line(format string, args ...any) {
	v.Printf("%s\n", strings.TrimRight(render.Wrap(render.Clean(fmt.Sprintf(format, args...)), v.Width, "  "), "\n"))
}

func (v *view) table() error {
	in := v.Input
	v.Printf("%d series, %d points, %s to %s", in.Series, in.Points, render.Clock(in.Start), render.Clock(in.End))
	if n := len(in.Replicas); n > 0 {
		v.Printf(", %s", render.Plural(n, "replica"))
	}
	v.Printf("\n")
	if in.Normal != nil {
		v.Printf("normal is what was from %s to %s\n", clock(in.Normal.From), clock(in.Normal.To))
	}
	for _, x := range v.Incidents {
		v.incident(x)
	}
	v.Printf("\n%s %s\n", v.Style.Bold("verdict:"), v.word(v.Verdict))
	return v.Err
}

func (v *view) word(w string) string {
	switch w {
	case diagnose.OK:
		return v.Style.Green(w)
	case diagnose.IncidentSeen, string(fault.Critical), string(fault.High):
		return v.Style.Red(w)
	}
	return v.Style.Yellow(w)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

func (v *view) incident(x diagnose.Incident) {
	until := "until " + clock(x.End)
	if x.Ongoing {
		until = "not over"
	}
	v.Printf("\n%s %s since %s, %s, %s: %s\n", v.Style.Bold(x.ID), v.word(string(x.Severity)), clock(x.Onset), until, render.Span(x.End.Sub(x.Onset)), render.Clean(render.List(x.Entities, 4)))
	d := x.Diagnoses[0]
	v.Printf("%s\n", v.Style.Bold(render.Clean(fmt.Sprintf("%s (%s) of %s, confidence %.2f", d.Name, d.Fault, d.Entity, d.Confidence))))
	v.line("%s", d.RootCause)
	if len(x.Impact) > 0 {
		v.line("users feel: %s", impact(x))
	}
	t := &render.Table{Columns: render.Columns("FOR AND AGAINST", "VALUE", "NORMAL", "AT", "SERIES")}
	rows := func(sign string, list []diagnose.Evidence, most int) {
		for _, e := range list[:min(len(list), v.most(most))] {
			t.Add(sign+" "+e.Symptom, number(e.Value), render.Optional(e.Normal, number), clock(e.At), render.Cut(render.Clean(e.Series), 60))
		}
	}
	rows("+", d.Evidence, 6)
	rows("-", d.Against, 3)
	v.Section("evidence", t)
	for _, m := range d.NotCollected[:min(len(d.NotCollected), v.most(2))] {
		v.line("not collected: %s (%s)", m.Symptom, m.Collect)
	}
	if x.Tie != nil {
		v.line("as likely: %s; what would tell: %s", x.Tie.Between[1], x.Tie.Measure)
	}
	if len(d.Actions) > 0 {
		v.Printf("\n%s\n", v.Style.Bold("do next, the safest first"))
	}
	for i, a := range v.actions(d) {
		v.line("%d. %s", i+1, a)
	}
	if others := rest(x); len(others) > 0 {
		v.line("also seen: %s", strings.Join(others, ", "))
	}
	if len(x.Suspects) > 0 {
		var names []string
		for _, s := range x.Suspects[:min(len(x.Suspects), v.most(4))] {
			names = append(names, fmt.Sprintf("%s %s", s.Entity, render.Short(s.Score)))
		}
		v.line("most off: %s", strings.Join(names, ", "))
	}
}

// actions are the first few with one command each, or with --verbose all of them.
func (v *view) actions(d diagnose.Diagnosis) (lines []string) {
	if v.verbose || d.Pattern == nil {
		return d.Actions
	}
	for _, a := range d.Pattern.Actions[:min(len(d.Pattern.Actions), 4)] {
		a.Run = oneOf(a.Run, d.Where.Name)
		lines = append(lines, a.Text(d.Where.Name, d.Where.GPU))
	}
	return lines
}

// oneOf is the command for a pod, or, where the name is an address, for its host.
func oneOf(list []fault.Command, name string) []fault.Command {
	i := 0
	if strings.ContainsAny(name, ":/") {
		i = max(0, slices.IndexFunc(list, func(c fault.Command) bool { return c.On != "kubernetes" }))
	}
	return list[min(i, len(list)):min(i+1, len(list))]
}

// rest are the other diagnoses, in a few words.
func rest(x diagnose.Incident) (words []string) {
	for _, d := range x.Diagnoses[1:] {
		text := fmt.Sprintf("%s of %s %.2f", d.Fault, d.Entity, d.Confidence)
		if d.Explained != "" {
			text += ", an effect of " + d.Explained
		}
		words = append(words, text)
	}
	return words
}

// impact is what users feel, the worst three.
func impact(x diagnose.Incident) string {
	var parts []string
	for _, e := range x.Impact[:min(3, len(x.Impact))] {
		parts = append(parts, fmt.Sprintf("%s %s (normal %s)", e.Symptom, number(e.Value), cmp.Or(render.Optional(e.Normal, number), "unknown")))
	}
	return strings.Join(parts, "; ")
}

func number(v float64) string { return render.Short(v) }

func (v *view) most(n int) int {
	if v.verbose {
		return 1 << 30
	}
	return n
}

// flat is a row a diagnosis.
func (s shown) flat() *render.Table {
	t := &render.Table{Columns: render.Columns("incident", "onset", "end", "severity", "fault", "confidence", "entity", "explained_by", "root_cause")}
	for _, x := range s.Incidents {
		for _, d := range x.Diagnoses {
			t.Add(x.ID, d.Onset.Format(time.RFC3339), x.End.Format(time.RFC3339), string(d.Severity), d.Fault, fmt.Sprintf("%.3f", d.Confidence), d.Entity, d.Explained, d.RootCause)
		}
	}
	return t
}

// fault is one entry of the catalogue.
func (v *view) fault(f *fault.Fault) error {
	v.Printf("%s  %s  %s\n", v.Style.Bold(f.ID), f.En, f.Zh)
	v.line("severity %s, of a %s: %s", f.Severity, f.Scope, f.Cause)
	t := &render.Table{Columns: render.Columns("", "SYMPTOM", "MEASURED AS", "TEST", "WEIGHT")}
	add := func(sign string, list []fault.Symptom) {
		for _, s := range list {
			mark := sign
			if s.Required {
				mark += " required"
			}
			t.Add(mark, s.Name, s.Expr, s.Test.String(), render.Short(s.Weight))
		}
	}
	add("+", f.Symptoms)
	add("-", f.Against)
	v.Section("symptoms", t)
	if len(f.Explains) > 0 {
		v.line("its effects may look like %s", strings.Join(f.Explains, ", "))
	}
	if len(f.Actions) > 0 {
		v.Printf("\n%s\n", v.Style.Bold("what to do, the safest first"))
	}
	for i, a := range f.Actions {
		v.line("%d. [%s] %s", i+1, a.Risk, a.Text("", ""))
		if a.Blast != "" || a.Undo != "" {
			v.line("   touches: %s; back: %s", cmp.Or(a.Blast, "nothing else"), cmp.Or(a.Undo, "nothing to take back"))
		}
	}
	for _, p := range f.Prevent {
		v.line("so that it does not happen again: %s", p)
	}
	if f.Runbook != "" {
		v.line("runbook: %s", f.Runbook)
	}
	return v.Err
}
