package budgetcmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// print writes the report in the format that was asked for.
func (o *options) print(app *cli.App, r budget.Report) error {
	return o.output.Write(app, func(w io.Writer) error {
		switch o.output.Format {
		case "table":
			v := view{Screen: render.Screen{W: w, Style: o.output.Style(app), Width: o.output.Width(app)}, r: r, ascii: !render.Unicode(app.Getenv), explain: o.explain}
			return v.table()
		case "prom":
			return openMetrics(w, r)
		case "csv":
			return render.Write(w, "csv", 0, nil, flat(r))
		case "markdown":
			return markdown(w, r)
		}
		return render.Write(w, o.output.Format, 0, r)
	})
}

// markdown writes the tables that hold anything, each below its heading.
func markdown(w io.Writer, r budget.Report) error {
	if _, err := fmt.Fprintf(w, "%s\n", render.Clean(sourceLine(r))); err != nil {
		return err
	}
	for _, section := range []struct {
		title string
		table *render.Table
	}{
		{"Objectives", sloTable(r, render.Style{})}, {"Alerts that would have fired", alertTable(r)},
		{"Incidents, largest first", incidentTable(r, everything)}, {"Who spent it", contributorTable(r, everything)}, {"Good requests, ms", metricTable(r)},
	} {
		if len(section.table.Rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n## %s\n\n", section.title); err != nil {
			return err
		}
		if err := section.table.Markdown(w); err != nil {
			return err
		}
	}
	return nil
}

// view is the report for a terminal.
type view struct {
	render.Screen
	r       budget.Report
	ascii   bool
	explain bool
}

// few and everything are how many rows a table shows for each objective.
const (
	few        = 3
	everything = 1 << 30
)

func (v *view) table() error {
	v.Printf("%s\n", sourceLine(v.r))
	v.Section("objectives", sloTable(v.r, v.Style))
	v.courses()
	v.Section("alerts that would have fired", firedTable(v.r))
	v.Section("incidents, largest first", incidentTable(v.r, few))
	v.Section("who spent it", contributorTable(v.r, few))
	v.Section("good requests, ms", metricTable(v.r))
	for i, line := range policyLines(v.r) {
		if i == 0 {
			v.Printf("\n%s\n", v.Style.Bold("policy"))
		}
		v.Printf("%s", render.Wrap(line, v.Width, ""))
	}
	if v.explain {
		v.explanation()
	}
	v.Printf("\n%s %s", v.Style.Bold("verdict:"), verdict(v.r.Verdict, v.Style))
	if v.r.Release != "" {
		v.Printf(", %s %s", v.Style.Bold("release:"), action(v.r.Release, v.Style))
	}
	v.Printf("\n")
	return v.Err
}

// courses draws what is left of each budget over the time that there are logs for.
func (v *view) courses() {
	first := true
	for _, s := range worstFirst(v.r.SLOs) {
		var left []*float64
		for _, p := range s.Course {
			left = append(left, p.Remaining)
		}
		line := render.Spark(left, 48, v.ascii)
		if strings.TrimSpace(line) == "" || s.Remaining == nil {
			continue
		}
		if first {
			v.Printf("\n%s\n", v.Style.Bold("budget left over time"))
			first = false
		}
		v.Printf("%-24s %s %s\n", render.Cut(s.Name, 24), line, render.Percent(*s.Remaining))
	}
}

func sourceLine(r budget.Report) string {
	s := r.Source
	requests := render.Plural(int(s.Records), "request")
	text := fmt.Sprintf("%s, %s", render.Plural(len(s.Files), "file"), requests)
	if s.Format != "" {
		text = fmt.Sprintf("%s, %s, %s", render.Plural(len(s.Files), "file"), s.Format, requests)
	}
	if s.Resolution != "" {
		text = fmt.Sprintf("%s, %s counted by the minute", s.Format, requests)
	}
	if s.First != nil {
		text += fmt.Sprintf(" from %s to %s", clock(*s.First), clock(*s.Last))
	}
	if r.Now != nil && (s.Last == nil || *r.Now != *s.Last) {
		text += ", judged as of " + clock(*r.Now)
	}
	if s.Skipped.Malformed > 0 {
		text += fmt.Sprintf("; %d unreadable", s.Skipped.Malformed)
	}
	return text + ofWhich(s.OfWhich)
}

var severity = map[budget.Verdict]int{budget.Fail: 0, budget.NoData: 1, budget.Undetermined: 2, budget.Pass: 3}

// worstFirst sorts by verdict, then by what is spent.
func worstFirst(list []budget.SLO) []budget.SLO {
	spent := func(s budget.SLO) float64 {
		if s.Consumed == nil {
			return 0
		}
		return *s.Consumed
	}
	return slices.SortedStableFunc(slices.Values(list), func(a, b budget.SLO) int {
		if d := severity[a.Verdict] - severity[b.Verdict]; d != 0 {
			return d
		}
		switch x, y := spent(a), spent(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
}

func sloTable(r budget.Report, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("VERDICT", "OBJECTIVE", ">SPENT", ">LEFT", ">SLI", ">TARGET", ">BURN 1h", ">6h", ">3d", "RUNS OUT", ">BAD", ">OF", "STATUS", ">WINDOW", ">COVERED")}
	for _, s := range worstFirst(r.SLOs) {
		t.Add(verdict(s.Verdict, style), label(s), render.Optional(s.Consumed, render.Percent), render.Optional(s.Remaining, render.Percent),
			render.Optional(s.SLI, precise), exact(100*s.Target)+"%", burn(s, "1h"), burn(s, "6h"), burn(s, "3d"), exhaustion(s),
			strconv.FormatInt(s.Bad, 10), counted(s), string(s.Status), s.Window, render.Optional(s.Coverage, render.Percent))
	}
	return t
}

// flat has one row an objective, in the words and units of the JSON document, for
// spreadsheets and scripts. What is not measured is empty.
func flat(r budget.Report) *render.Table {
	t := &render.Table{Columns: render.Columns("name", "objective", "target", "window", "method", "verdict", "status", "total", "good", "bad",
		"sli", "consumed", "remaining", "coverage", "burn_5m", "burn_1h", "burn_6h", "burn_1d", "burn_3d", "exhausted_at")}
	for _, s := range r.SLOs {
		row := []string{s.Name, s.Objective, render.Full(&s.Target), s.Window, s.Method, string(s.Verdict), string(s.Status),
			strconv.FormatInt(s.Total, 10), strconv.FormatInt(s.Good, 10), strconv.FormatInt(s.Bad, 10),
			render.Full(s.SLI), render.Full(s.Consumed), render.Full(s.Remaining), render.Full(s.Coverage)}
		rates := map[string]*float64{}
		for _, b := range s.BurnRates {
			rates[b.Window] = b.Rate
		}
		for _, w := range []string{"5m", "1h", "6h", "1d", "3d"} {
			row = append(row, render.Full(rates[w]))
		}
		at := ""
		if s.Exhaustion.At != nil {
			at = s.Exhaustion.At.String()
		}
		t.Add(append(row, at)...)
	}
	return t
}

// label is the name of an objective and what it says, once.
func label(s budget.SLO) string {
	if s.Objective == "" || s.Objective == s.Name {
		return render.Clean(s.Name)
	}
	return render.Clean(s.Name + ": " + s.Objective)
}

func counted(s budget.SLO) string {
	if s.Slice != "" {
		return fmt.Sprintf("%d slices of %s", s.Total, s.Slice)
	}
	return strconv.FormatInt(s.Total, 10)
}

func burn(s budget.SLO, window string) string {
	for _, b := range s.BurnRates {
		if b.Window == window {
			return render.Optional(b.Rate, factor)
		}
	}
	return "-"
}

func exhaustion(s budget.SLO) string {
	switch {
	case s.Exhaustion.At != nil:
		return clock(*s.Exhaustion.At)
	case s.Exhaustion.Status == "burning":
		return "not at this pace"
	}
	return strings.ReplaceAll(s.Exhaustion.Status, "_", " ")
}

func alertTable(r budget.Report) *render.Table {
	t := &render.Table{Columns: render.Columns("SEVERITY", "OBJECTIVE", "BURN ABOVE", "FROM", "TO", ">BUDGET SPENT")}
	for _, s := range worstFirst(r.SLOs) {
		for _, a := range s.Alerts {
			for _, f := range a.Fired {
				to := "still firing"
				if f.To != nil {
					to = clock(*f.To)
				}
				t.Add(render.Clean(a.Severity), render.Clean(s.Name), fmt.Sprintf("%s over %s and %s", factor(a.Threshold), a.Long, a.Short), clock(f.From), to, render.Percent(f.BudgetSpent))
			}
		}
	}
	return t
}

// firedTable has one row for each alert that fired: how often, the last time, and
// the most of the budget that was spent when it did.
func firedTable(r budget.Report) *render.Table {
	t := &render.Table{Columns: render.Columns("SEVERITY", "OBJECTIVE", "BURN ABOVE", ">FIRED", "LAST FROM", "TO", ">MOST SPENT")}
	for _, s := range worstFirst(r.SLOs) {
		for _, a := range s.Alerts {
			if len(a.Fired) == 0 {
				continue
			}
			last, most := a.Fired[len(a.Fired)-1], 0.0
			for _, f := range a.Fired {
				most = max(most, f.BudgetSpent)
			}
			to := "still firing"
			if last.To != nil {
				to = clock(*last.To)
			}
			times := strconv.Itoa(len(a.Fired)) + " times"
			if len(a.Fired) == 1 {
				times = "once"
			}
			t.Add(render.Clean(a.Severity), render.Clean(s.Name), fmt.Sprintf("%s over %s and %s", factor(a.Threshold), a.Long, a.Short), times, clock(last.From), to, render.Percent(most))
		}
	}
	return t
}

func incidentTable(r budget.Report, most int) *render.Table {
	t := &render.Table{Columns: render.Columns("OBJECTIVE", "FROM", "TO", ">BAD", ">OF", ">SHARE OF BUDGET")}
	for _, s := range worstFirst(r.SLOs) {
		list := slices.SortedStableFunc(slices.Values(s.Incidents), func(a, b budget.Incident) int { return int(b.Bad - a.Bad) })
		for _, i := range list[:min(len(list), most)] {
			t.Add(render.Clean(s.Name), clock(i.From), clock(i.To), strconv.FormatInt(i.Bad, 10), strconv.FormatInt(i.Total, 10), render.Optional(i.Share, render.Percent))
		}
	}
	return t
}

func contributorTable(r budget.Report, most int) *render.Table {
	t := &render.Table{Columns: render.Columns("OBJECTIVE", "BY", "KEY", ">BAD", ">SHARE")}
	for _, s := range worstFirst(r.SLOs) {
		seen := map[string]int{}
		for _, c := range s.Contributors {
			if seen[c.By]++; seen[c.By] > most {
				continue
			}
			key := render.Clean(c.Key)
			if c.Rest {
				key = "(all others)"
			}
			t.Add(render.Clean(s.Name), c.By, key, strconv.FormatInt(c.Bad, 10), render.Percent(c.Share))
		}
	}
	return t
}

func metricTable(r budget.Report) *render.Table {
	t := &render.Table{Columns: render.Columns("METRIC", ">MEAN", ">P50", ">P90", ">P95", ">P99", ">MAX", ">COUNT")}
	for _, m := range []struct {
		name string
		d    budget.Distribution
	}{{"latency_ms", r.Metrics.LatencyMS}, {"ttft_ms", r.Metrics.TTFTMS}} {
		if d := m.d; d.Count > 0 {
			t.Add(m.name, render.Optional(d.Mean, render.Number), render.Optional(d.P50, render.Number), render.Optional(d.P90, render.Number), render.Optional(d.P95, render.Number),
				render.Optional(d.P99, render.Number), render.Optional(d.Max, render.Number), strconv.FormatUint(d.Count, 10))
		}
	}
	return t
}

func policyLines(r budget.Report) (lines []string) {
	for _, s := range worstFirst(r.SLOs) {
		for _, p := range s.Policy {
			text := fmt.Sprintf("%s: %s (%s", s.Name, p.Action, p.When)
			if p.Value != nil {
				text += ", is " + render.Percent(*p.Value)
			}
			if p.From != nil {
				text += ", from " + clock(*p.From)
			}
			lines = append(lines, render.Clean(text+")"))
		}
	}
	return lines
}
