package detectcmd

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/analysis/detect"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// What a page shows of many: the series with the strangest anomalies, and the worst
// anomalies.
const (
	mostCharts = 24
	pageRows   = 1000
)

// page is the report as one HTML file: the worst anomalies, and their series.
func (r *report) page(w io.Writer, version string) error {
	p := html.Page{Title: "Anomalies", Verdict: r.verdict(), VerdictKind: html.Undecided, Footer: "llmops " + version, Lead: []string{r.summary()}}
	switch p.Verdict {
	case ok:
		p.VerdictKind = html.Pass
	case anomalies:
		p.VerdictKind = html.Fail
	}
	if text := r.events(); text != "" {
		p.Lead = append(p.Lead, text)
	}
	if r.interrupted {
		p.Lead = append(p.Lead, "interrupted: this is what was known by then")
	}
	table := r.table()
	part := func(title string, from, to int) {
		if from < to {
			t := &render.Table{Columns: table.Columns, Rows: table.Rows[from:to]}
			p.Sections = append(p.Sections, html.Section{Title: title, Table: html.FromTable(t, func(string) html.Kind { return "" })})
		}
	}
	n := len(table.Rows)
	part("Anomalies, worst first", 0, min(n, most))
	p.Sections = append(p.Sections, r.charts()...)
	part("The other anomalies", most, min(n, pageRows))
	if n > pageRows {
		p.Sections = append(p.Sections, html.Section{Text: []string{fmt.Sprintf("These are the first %d of %d: the JSON form (-o json) has all.", pageRows, n)}})
	}
	return html.Write(w, p)
}

// charts are those of the series of the worst anomalies.
func (r *report) charts() []html.Section {
	type place struct{ file, series string }
	var worst []place
	of := map[place][]finding{}
	for _, a := range r.anomalies {
		at := place{a.file, a.Series}
		if _, is := of[at]; !is {
			worst = append(worst, at)
		}
		of[at] = append(of[at], a)
	}
	var list []html.Section
	for _, at := range worst {
		if len(list) == mostCharts {
			break
		}
		if c := r.chart(at.file, at.series, of[at]); c != nil {
			list = append(list, html.Section{Chart: c})
		}
	}
	if len(list) > 0 {
		list[0].Title, list[0].Note = "Series", "in the second colour what is unusual"
		if n := len(worst); n > len(list) {
			list[0].Note += fmt.Sprintf("; %d of %d series with anomalies", len(list), n)
		}
	}
	return list
}

// chart is one series; nil: it is none of a file, but of a rule.
func (r *report) chart(file, series string, found []finding) *html.Chart {
	var rows []detect.Row
	for _, f := range r.files {
		if f.name != file || f.file == nil {
			continue
		}
		for i := range f.len() {
			if f.seriesName(i) == series {
				rows = slices.Collect(f.rows(i))
			}
		}
	}
	rows = slices.DeleteFunc(rows, func(x detect.Row) bool { return math.IsNaN(x.V) || math.IsInf(x.V, 0) })
	if len(rows) == 0 {
		return nil
	}
	slices.SortStableFunc(rows, func(a, b detect.Row) int { return cmp.Compare(a.T, b.T) })
	rows = slices.CompactFunc(rows, func(a, b detect.Row) bool { return a.T == b.T })
	name, unit := units(rows[len(rows)-1].T - rows[0].T)
	c := &html.Chart{
		Title: r.name(found[0]), Kind: html.Line, Parts: true,
		XLabel: name + " since " + render.Clock(time.UnixMilli(rows[0].T)), // charts of one time share their extent
		Series: []html.Series{{Name: "usual"}, {Name: "unusual"}},
	}
	odd := func(t int64) bool {
		return slices.ContainsFunc(found, func(a finding) bool { return t >= a.From && t <= a.To })
	}
	for i, x := range rows {
		c.X = append(c.X, float64(x.T-rows[0].T)/float64(unit.Milliseconds()))
		here := odd(x.T)
		beside := i > 0 && odd(rows[i-1].T) || i+1 < len(rows) && odd(rows[i+1].T)
		var usual, unusual *float64
		if !here {
			usual = &x.V
		}
		if here || beside { // a line needs two ends
			unusual = &x.V
		}
		c.Series[0].Values, c.Series[1].Values = append(c.Series[0].Values, usual), append(c.Series[1].Values, unusual)
	}
	return c
}

// units is what a stretch of so many ms is counted in.
func units(ms int64) (name string, unit time.Duration) {
	switch d := time.Duration(ms) * time.Millisecond; {
	case ms > int64(4*24*time.Hour/time.Millisecond):
		return "days", 24 * time.Hour
	case d > 4*time.Hour:
		return "hours", time.Hour
	case d > 4*time.Minute:
		return "minutes", time.Minute
	}
	return "seconds", time.Second
}

// summary says what was read.
func (r *report) summary() string {
	series, judged, rows, values := r.counts()
	return fmt.Sprintf("%s: %d series, %d of them with values enough; %d rows, %d values", render.Plural(len(r.files), "file"), series, judged, rows, values)
}

// headline is an anomaly in one sentence.
func (r *report) headline(a finding) string {
	text := fmt.Sprintf("%s is unusual from %s on, for %s: %s", r.name(a), render.Clock(time.UnixMilli(a.From)), lasted(a.Anomaly), value(a.Anomaly))
	if e := expected(a.Anomaly); e != render.None {
		text += ", expected " + e
	}
	return render.Clean(fmt.Sprintf("%s (score %.3f, %s)", text, a.Score, strings.Join(a.Names(), ", ")))
}
