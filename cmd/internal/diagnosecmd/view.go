package diagnosecmd

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
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
	names     map[diagnose.Entity]fault.Names // for commands
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
	v.Printf("%s\n", strings.TrimRight(render.Wrap(oneLine(fmt.Sprintf(format, args...)), v.Width, "  "), "\n"))
}

// under is a line that belongs to the one before.
func (v *view) under(format string, args ...any) {
	v.Printf("%s\n", strings.TrimRight(render.Wrap(oneLine(fmt.Sprintf(format, args...)), v.Width, "     "), "\n"))
}

func (v *view) table() error {
	in := v.Input
	v.Printf("%d series, %d points", in.Series, in.Points)
	if !in.Start.IsZero() {
		v.Printf(", %s to %s", render.Clock(in.Start), render.Clock(in.End))
	}
	if n := len(in.Replicas); n > 0 {
		v.Printf(", %s", render.Plural(n, "replica"))
	}
	v.Printf("\n")
	if in.Normal != nil {
		v.Printf("normal is what was from %s to %s\n", v.clock(in.Normal.From), v.clock(in.Normal.To))
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

// clock is a time of the data; the day is said where they have several.
func (s shown) clock(t time.Time) string {
	if a, b := s.Input.Start.UTC(), s.Input.End.UTC(); a.YearDay() != b.YearDay() || a.Year() != b.Year() {
		return t.UTC().Format("01-02 15:04:05")
	}
	return t.UTC().Format("15:04:05")
}

func (v *view) incident(x diagnose.Incident) {
	until := "until " + v.clock(x.End)
	if x.Ongoing {
		until = "not over"
	}
	v.Printf("\n%s %s since %s, %s, %s: %s\n", v.Style.Bold(x.ID), v.word(string(x.Severity)), v.clock(x.Onset), until, render.Span(x.End.Sub(x.Onset)), oneLine(render.List(x.Entities, 4)))
	d := x.Diagnoses[0]
	v.Printf("%s\n", v.Style.Bold(oneLine(fmt.Sprintf("%s (%s) of %s, confidence %.2f", d.Name, d.Fault, d.Entity, d.Confidence))))
	v.line("%s", d.RootCause)
	if len(x.Impact) > 0 {
		v.line("users feel: %s", impact(x))
	}
	t := &render.Table{Columns: render.Columns("FOR AND AGAINST", ">VALUE", ">NORMAL", ">AT", "SERIES")}
	rows := func(sign string, list []diagnose.Evidence, most int) {
		for _, e := range list[:min(len(list), v.most(most))] {
			t.Add(sign+" "+e.Symptom, number(e.Value), render.Optional(e.Normal, number), v.clock(e.At), v.series(e.Series, d.Entity))
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
	v.actions(d)
	least := leastShown
	if v.verbose {
		least = 0
	}
	if others := rest(x, least); len(others) > 0 {
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

// leastShown is the confidence below which a second diagnosis takes no room on a
// screen or a page.
const leastShown = 0.2

// series is the name of a series where there is little room: of an expression its
// beginning, and on a narrow terminal no labels, as the words beside it say more.
func (v *view) series(series, entity string) string {
	name := render.Clean(named(series, entity))
	if v.verbose {
		return name
	}
	if first, rest, ok := strings.Cut(name, " "); ok && rest != "" && v.Width > 0 {
		return first + " …"
	}
	if v.Width > 0 && v.Width < 100 {
		name, _, _ = strings.Cut(name, "{")
	}
	return render.Cut(name, 60)
}

// labelled is the end of a series, and label one of the labels in it.
var (
	labelled = regexp.MustCompile(`^(?s:(.*?)) ?\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*"(?:, ?|\}$))+)`)
	label    = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
)

// named is a series without the labels that say what the entity says already.
func named(series, entity string) string {
	parts := labelled.FindStringSubmatch(series)
	if parts == nil {
		return series
	}
	known := strings.Split(entity, ",")
	var kept []string
	for _, l := range label.FindAllStringSubmatch(parts[2], -1) {
		if !slices.Contains(known, l[1]+"="+l[2]) {
			kept = append(kept, l[0])
		}
	}
	if len(kept) == 0 {
		return parts[1]
	}
	return parts[1] + "{" + strings.Join(kept, ",") + "}"
}

// rest are the other diagnoses of a confidence of least or more, in a few words.
func rest(x diagnose.Incident, least float64) (words []string) {
	for _, d := range x.Diagnoses[1:] {
		if d.Confidence < least {
			continue
		}
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
			t.Add(x.ID, d.Onset.UTC().Format(time.RFC3339), x.End.UTC().Format(time.RFC3339), string(d.Severity), d.Fault, fmt.Sprintf("%.3f", d.Confidence), d.Entity, d.Explained, d.RootCause)
		}
	}
	return t
}
