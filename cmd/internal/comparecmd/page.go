package comparecmd

import (
	"io"
	"math"
	"strings"

	"llmops/analysis/compare"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// mostCharted is how many metrics the chart shows.
const mostCharted = 40

// page is the comparison as one HTML file.
func page(w io.Writer, c compare.Comparison, version string) error {
	p := html.Page{Title: "Comparison", Subtitle: subject(c), VerdictKind: kindOf(string(c.Verdict)), Footer: "llmops " + version}
	p.Verdict = string(c.Verdict)
	if text := strings.TrimPrefix(why(c), ", "); text != "" {
		p.Lead = append(p.Lead, text)
	}
	for _, warning := range c.Warnings {
		p.Lead = append(p.Lead, "warning: "+render.Clean(warning))
	}
	table := html.FromTable(shown(c, render.Style{}, math.MaxInt), kindOf)
	if c.Kind == compare.Snapshots {
		p.Sections = append(p.Sections, html.Section{Title: "Configuration", Table: table})
		return html.Write(w, p)
	}
	if chart := chartOf(c); chart != nil {
		p.Sections = append(p.Sections, html.Section{Title: "Changes with their 95 % intervals", Chart: chart,
			Note: "above 0 the candidate has more; metrics are numbered as in the table"})
	}
	p.Sections = append(p.Sections, html.Section{Title: "Metrics, worst first", Table: numbered(table)})
	var text []string
	for _, m := range worstFirst(c) {
		if m.Detail != "" && m.Judged {
			text = append(text, sentence(m))
		}
	}
	if len(text) > 0 {
		p.Sections = append(p.Sections, html.Section{Title: "What is not plain", Text: text})
	}
	return html.Write(w, p)
}

func kindOf(verdict string) html.Kind {
	switch verdict {
	case "pass", "better", "same":
		return html.Pass
	case "fail", "worse":
		return html.Fail
	case "undetermined", "changed":
		return html.Undecided
	}
	return ""
}

// numbered puts the number of each row first.
func numbered(t *html.Table) *html.Table {
	t.Columns = append([]html.Column{{Header: "#", Numeric: true}}, t.Columns...)
	for i := range t.Rows {
		t.Rows[i] = append([]html.Cell{{Text: render.Number(float64(i + 1))}}, t.Rows[i]...)
	}
	return t
}

// chartOf are the intervals of relative changes; nil: there are none.
func chartOf(c compare.Comparison) *html.Chart {
	chart := &html.Chart{
		Title: "Change", Unit: "%", Kind: html.Bars, XLabel: "number of the metric",
		Series: []html.Series{{Name: "at least"}, {Name: "measured"}, {Name: "at most"}},
	}
	percent := func(v *float64) *float64 {
		if v == nil {
			return nil
		}
		return new(100 * *v)
	}
	drawn := false
	for i, m := range worstFirst(c) {
		if i == mostCharted {
			break
		}
		chart.X = append(chart.X, float64(i+1))
		low, value, high := percent(m.Low), percent(m.Change), percent(m.High)
		if m.Absolute || low == nil || high == nil { // of another unit, or without bounds
			low, value, high = nil, nil, nil
		}
		drawn = drawn || value != nil
		for j, v := range []*float64{low, value, high} {
			chart.Series[j].Values = append(chart.Series[j].Values, v)
		}
	}
	if !drawn {
		return nil
	}
	return chart
}
