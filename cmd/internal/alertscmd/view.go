package alertscmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/alerting/dispatch"
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
	v.part("alerts, worst first", v.alertTable(streaks, v.Style), few, "alert")
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
	if s.Format != "" {
		what += ", " + s.Format
	}
	return fmt.Sprintf("%s: %s, %d points from %s to %s; %s, %d evaluations", what, series(s.Series), s.Points,
		clock(r.result.Start), clock(r.result.End), render.Plural(len(r.result.Rules), "rule"), r.result.Evaluations)
}

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

func (r *report) alertTable(list []streak, style render.Style) *render.Table {
	again := slices.ContainsFunc(list, func(s streak) bool { return s.times > 1 })
	header := []string{"STATE", "SEVERITY", "ALERT", "WHERE", "SINCE", ">FIRING"}
	if again {
		header = append(header, ">TIMES")
	}
	t := &render.Table{Columns: render.Columns(append(header, ">VALUE")...)}
	apart := r.apart(list)
	for i, s := range list {
		since, firing := r.when(s.ActiveAt), "-"
		if s.FiredAt != 0 {
			since, firing = r.when(s.FiredAt), span(s.total)
		}
		value := "-"
		if s.Value != nil {
			value = render.Number(*s.Value)
		}
		row := []string{colour(string(s.State), style), colour(render.Clean(s.Severity), style), render.Clean(s.Name), render.Clean(apart[i]), since, firing}
		if again {
			row = append(row, strconv.Itoa(s.times))
		}
		t.Add(append(row, value)...)
	}
	return t
}

// timeline draws how many alerts were firing at a time.
func (v *view) timeline() {
	edges, counts := v.firing(columns)
	if len(edges) == 0 {
		return
	}
	values := make([]*float64, len(edges))
	most := 0
	for i := range edges {
		n := 0
		for _, c := range counts {
			n += c[i]
		}
		values[i] = new(float64(n))
		most = max(most, n)
	}
	if most == 0 {
		return
	}
	v.Printf("\n%s\n%s at most %d\n", v.Style.Bold("alerts firing over time"), render.Spark(values, columns, v.ascii), most)
}

// firing counts the alerts that fire in each of n parts of the replay, by severity.
func (r *report) firing(n int) (starts []int64, counts map[severity][]int) {
	length := r.result.End - r.result.Start
	if length <= 0 {
		return nil, nil
	}
	counts = map[severity][]int{}
	for i := range n {
		starts = append(starts, r.result.Start+length*int64(i)/int64(n))
	}
	for _, a := range r.result.Alerts {
		if a.FiredAt == 0 {
			continue
		}
		s := severityOf(a.Severity)
		if counts[s] == nil {
			counts[s] = make([]int, n)
		}
		part := func(t int64) int { return int(min(int64(n)-1, (t-r.result.Start)*int64(n)/length)) }
		last := part(r.until(a))
		if a.ResolvedAt != 0 && last > part(a.FiredAt) && starts[last] == a.ResolvedAt {
			last--
		}
		for i := part(a.FiredAt); i <= last; i++ {
			counts[s][i]++
		}
	}
	return starts, counts
}

// noticeTable has a row for each message, to all who get the same at the same time.
func (r *report) noticeTable() *render.Table {
	t := &render.Table{Columns: render.Columns("AT", "WHY", "ALERTS", "RECEIVERS")}
	var last *dispatch.Notification
	for i := range r.plan.Notifications {
		n := &r.plan.Notifications[i]
		if last != nil && last.At == n.At && last.GroupKey == n.GroupKey && last.Reason == n.Reason && slices.Equal(last.Firing, n.Firing) && slices.Equal(last.Resolved, n.Resolved) {
			row := t.Rows[len(t.Rows)-1]
			row[3] += ", " + render.Clean(n.Receiver)
			continue
		}
		last = n
		why := string(n.Reason)
		if n.After > 0 {
			why += " after " + span(n.After)
		}
		t.Add(r.when(n.At), why, r.what(*n), render.Clean(n.Receiver))
	}
	return t
}

// what names the alerts of a message.
func (r *report) what(n dispatch.Notification) string {
	names := func(ids []int) string {
		count := map[string]int{}
		for _, id := range ids {
			count[r.result.Alerts[id].Name]++
		}
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(count)) {
			if count[name] > 1 {
				name = fmt.Sprintf("%s (%d)", name, count[name])
			}
			parts = append(parts, name)
		}
		return render.Clean(render.List(parts, 3))
	}
	var parts []string
	if len(n.Firing) > 0 {
		parts = append(parts, names(n.Firing)+" firing")
	}
	if len(n.Resolved) > 0 {
		parts = append(parts, names(n.Resolved)+" resolved")
	}
	return strings.Join(parts, "; ")
}

// quietTable has a row for each reason that kept alerts of a name quiet.
func (r *report) quietTable() *render.Table {
	t := &render.Table{Columns: render.Columns("ALERT", "WHY", "BY", ">TIMES", ">FOR")}
	type key struct{ name, why, by string }
	times, length := map[key]int{}, map[key]int64{}
	var keys []key
	for _, s := range r.plan.Suppressed {
		k := key{r.result.Alerts[s.ID].Name, string(s.Why), s.By}
		if times[k] == 0 {
			keys = append(keys, k)
		}
		times[k]++
		length[k] += s.To - s.From
	}
	for _, k := range keys {
		t.Add(render.Clean(k.name), k.why, render.Clean(k.by), strconv.Itoa(times[k]), span(length[k]))
	}
	return t
}

// remarks are sentences about the rules as a whole.
func (r *report) remarks() (lines []string) {
	var never, blind []string
	for _, o := range r.result.Rules {
		switch {
		case o.Rule.Alert == "" || o.Fired > 0:
		case len(o.Missing) > 0:
			blind = append(blind, o.Rule.Name())
		default:
			never = append(never, o.Rule.Name())
		}
	}
	if len(never) > 0 {
		lines = append(lines, fmt.Sprintf("never fired: %s: %s\n", render.Plural(len(never), "rule"), render.Clean(render.List(never, 5))))
	}
	if len(blind) > 0 {
		lines = append(lines, fmt.Sprintf("not measured here, so they could not fire: %s: %s\n", render.Plural(len(blind), "rule"), render.Clean(render.List(blind, 5))))
	}
	return lines
}

func (v *view) changed() {
	c := v.Changes
	if c == nil {
		return
	}
	v.Section("what the rules change", c.table())
	if len(c.Only)+len(c.Gone)+len(c.Moved) == 0 {
		v.Printf("\nthe rules of --against fire the same alerts at the same times\n")
	}
}

func (c *changes) table() *render.Table {
	t := &render.Table{Columns: render.Columns("CHANGE", "ALERT", "LABELS", ">FIRED", ">BEFORE", ">FIRING", ">BEFORE")}
	add := func(word string, list []changed) {
		for _, x := range list {
			t.Add(word, render.Clean(x.Name), render.Clean(labelText(x.Labels, "severity")), strconv.Itoa(x.Times), strconv.Itoa(x.TimesBefore),
				render.Span(time.Duration(x.FiringS*float64(time.Second))), render.Span(time.Duration(x.FiringBefore*float64(time.Second))))
		}
	}
	add("new", c.Only)
	add("gone", c.Gone)
	add("other times", c.Moved)
	return t
}

// flat has one row each time an alert fired, and for those pending at the end, in the
// words of the JSON document.
func (r *report) flat() *render.Table {
	t := &render.Table{Columns: render.Columns("alertname", "severity", "group", "labels", "state", "active_at", "fired_at", "resolved_at", "value", "receivers")}
	at := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		text, _ := moment(ms).MarshalText()
		return string(text)
	}
	for i, a := range r.result.Alerts {
		value := ""
		if a.Value != nil {
			value = strconv.FormatFloat(*a.Value, 'g', -1, 64)
		}
		t.Add(a.Name, a.Severity, a.Group, labelText(a.Labels), string(a.State), at(a.ActiveAt), at(a.FiredAt), at(a.ResolvedAt), value, strings.Join(r.told(i), " "))
	}
	return t
}
