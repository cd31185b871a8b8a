package alertscmd

import (
	"fmt"
	"io"
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
		{"Alerts, worst first", r.alertTable(r.streaks(), render.Style{}, true)},
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

// facts are the sentences of the report.
func (r *report) facts() (lines []string) {
	for _, line := range append([]string{r.cost()}, r.remarks()...) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
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
	for _, line := range r.facts() {
		if _, err := fmt.Fprintf(w, "\n%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// pageRows is how much of a table a page shows.
const pageRows = 1000

// page is the offline HTML report.
func (r *report) page(w io.Writer, version string) error {
	doc := html.Page{
		Title: "Alerts", Subtitle: r.source(), Verdict: r.verdict(), VerdictKind: kindOf(r.verdict()),
		Footer: "llmops " + version,
	}
	for _, line := range r.facts() {
		doc.Lead = append(doc.Lead, strings.TrimSpace(line))
	}
	for i, s := range r.sections() {
		if len(s.table.Rows) == 0 {
			continue
		}
		note := ""
		if i == 0 {
			note = "over time: ▒ pending, █ firing; "
		}
		if n := len(s.table.Rows) - pageRows; n > 0 {
			note += fmt.Sprintf("the first %d of %d: the JSON form (-o json) has all", pageRows, pageRows+n)
		}
		table := html.FromTable(head(s.table, pageRows), func(string) html.Kind { return "" })
		for _, row := range table.Rows {
			if i == 0 { // the column STATE
				row[0].Kind = kindOf(row[0].Text)
			}
		}
		doc.Sections = append(doc.Sections, html.Section{Title: s.title, Note: strings.TrimSuffix(note, "; "), Table: table})
		if i == 0 {
			doc.Sections = append(doc.Sections, r.charts()...)
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
	return "" // neither good nor bad
}

// charts are how many alerts fired over time, by severity, and how many messages were
// sent, by receiver.
func (r *report) charts() []html.Section {
	const columns = 120
	starts, counts := r.firing(columns)
	if len(starts) == 0 || len(counts) == 0 {
		return nil
	}
	var x []float64
	for _, s := range starts {
		x = append(x, seconds(s-r.result.Start))
	}
	values := func(counts []int) (list []*float64) {
		for _, n := range counts {
			list = append(list, new(float64(n)))
		}
		return list
	}
	alerts := &html.Chart{Title: "Firing", Unit: "alerts", X: x, Kind: html.Stacked}
	for _, s := range []severity{critical, warning, info, none} {
		name := s.String()
		if s == none {
			name = "other"
		}
		if counts[s] != nil {
			alerts.Series = append(alerts.Series, html.Series{Name: name, Values: values(counts[s])})
		}
	}
	sections := []html.Section{{Title: "Alerts over time", Note: "from " + clock(r.result.Start), Chart: alerts}}
	messages := &html.Chart{Title: "Sent", Unit: "messages", X: x, Kind: html.Stacked}
	for _, receiver := range r.noise.Receivers {
		sent := make([]int, columns)
		for _, n := range r.plan.Notifications {
			if n.Receiver == receiver.Name {
				sent[min(columns-1, (n.At-r.result.Start)*columns/(r.result.End-r.result.Start))]++
			}
		}
		messages.Series = append(messages.Series, html.Series{Name: receiver.Name, Values: values(sent)})
	}
	if len(messages.Series) > 0 && len(messages.Series) <= 8 { // more are no picture
		sections = append(sections, html.Section{Title: "Messages over time", Note: "from " + clock(r.result.Start), Chart: messages})
	}
	return sections
}
