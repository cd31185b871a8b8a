package alertscmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

func (o *options) show(app *cli.App, r *report) error {
	err := o.output.Write(app, func(w io.Writer) error {
		switch o.output.Format {
		case "table":
			v := view{Screen: render.Screen{W: w, Style: o.output.Style(app), Width: o.output.Width(app)}, report: r, ascii: !render.Unicode(app.Getenv), verbose: app.Verbose}
			return v.table()
		case "csv":
			return render.Write(w, "csv", 0, nil, r.flat())
		case "markdown":
			return r.markdown(w)
		case "junit":
			return r.junit(w, o.failOn)
		case "github":
			return r.annotations(w, o.failOn)
		}
		return render.Write(w, o.output.Format, 0, r.document())
	})
	if err != nil || o.report == "" {
		return cli.Failed(err)
	}
	return cli.Failed(cli.WriteFile(o.report, func(w io.Writer) error { return r.page(w, app.Build.Version) }))
}

// view is the report for a terminal.
type view struct {
	render.Screen
	*report
	ascii, verbose bool
}

// How many rows of the tables a terminal shows: all of them fit a screen.
const (
	few     = 12 // of alerts
	fewer   = 8
	aFew    = 4
	columns = 60 // of the time line
)

func (v *view) table() error {
	v.Printf("%s", render.Wrap(v.source(), v.Width, ""))
	streaks := v.streaks()
	v.part("alerts, worst first", v.alertTable(streaks, v.Style, false), few, "alert")
	v.timeline()
	v.part("who is told when", v.noticeTable(), fewer, "message")
	v.part("held back", v.quietTable(), aFew, "row")
	v.part("which rules cost you sleep", v.ruleTable(), fewer, "rule")
	if text := v.cost(); text != "" {
		v.Printf("%s", render.Wrap(text, v.Width, ""))
	}
	v.part("come and go", v.flapTable(), aFew, "alert")
	v.part("seem to have one cause", v.causeTable(), aFew, "row")
	v.changed()
	for _, line := range v.remarks() {
		v.Printf("\n%s", render.Wrap(line, v.Width, ""))
	}
	v.sent()
	v.Printf("\n%s %s\n", v.Style.Bold("verdict:"), colour(v.verdict(), v.Style))
	return v.Err
}

// part is a table, and how much of it is not shown.
func (v *view) part(title string, t *render.Table, most int, word string) {
	rows := len(t.Rows)
	v.Section(title, head(t, v.most(most)))
	v.more(rows, most, word)
}

// most is the limit of rows, none with --verbose.
func (v *view) most(n int) int {
	if v.verbose {
		return 1 << 30
	}
	return n
}

func (v *view) more(rows, most int, word string) {
	if n := rows - v.most(most); n > 0 {
		v.Printf("and %s: --verbose shows them, -o csv or json has all\n", render.Plural(n, "more "+word))
	}
}

func head(t *render.Table, n int) *render.Table {
	t.Rows = t.Rows[:min(len(t.Rows), n)]
	return t
}

func colour(word string, style render.Style) string {
	switch word {
	case "firing", "critical":
		return style.Red(word)
	case "ok":
		return style.Green(word)
	case "pending", "resolved", "warning":
		return style.Yellow(word)
	}
	return word
}

// source is what was read and replayed.
func (r *report) source() string {
	s := r.in.Summary
	what := render.Plural(len(s.Files), "file")
	switch {
	case r.in.Server != "":
		what = r.in.Server
	case s.Format != "":
		what += ", " + s.Format
	}
	return fmt.Sprintf("%s: %s, %s from %s to %s; %s, %s", what, series(s.Series), render.Plural(int(s.Points), "point"),
		clock(r.result.Start), clock(r.result.End), render.Plural(len(r.result.Rules), "rule"), render.Plural(int(r.result.Evaluations), "evaluation"))
}

// short is text of anybody, such as a label, fit for a cell; the JSON form has all of it.
func short(text string) string { return render.Cut(render.Clean(text), 80) }

func series(n int) string { return strconv.Itoa(n) + " series" }

func clock(ms int64) string { return render.Clock(time.UnixMilli(ms)) }

func span(ms int64) string { return render.Span(time.Duration(ms) * time.Millisecond) }

// when is a time of the replay: without the day where the first line of the report
// leaves no doubt of it.
func (r *report) when(ms int64) string {
	text := clock(ms)
	if r.result.End-r.result.Start < 24*time.Hour.Milliseconds() {
		_, text, _ = strings.Cut(text, " ")
	}
	return text
}
