package loadtestcmd

import (
	"strconv"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// arrivalsTable shows what the schedule asked for and what was sent, over time. It
// is for loads that change: of others the two rates say as much.
func arrivalsTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns(">FROM", ">TO", ">ASKED", ">SENT", ">LATE P99")}
	if s.Load.Trace == nil && s.Load.Shape == "" {
		return t
	}
	for _, a := range s.Arrivals {
		t.Add(render.Number(a.FromS)+"s", render.Number(a.ToS)+"s", strconv.FormatInt(a.Asked, 10), strconv.FormatInt(a.Sent, 10),
			render.Optional(a.LatenessP99, func(us float64) string { return render.Milliseconds(us / 1e3) }))
	}
	return t
}

// arrivalsChart is the same as rates.
func arrivalsChart(s loadreport.Summary) (html.Section, bool) {
	if len(s.Arrivals) < 2 {
		return html.Section{}, false
	}
	c := &html.Chart{Title: "Arrivals", Unit: "1/s", Kind: html.Line, Series: []html.Series{{Name: "asked"}, {Name: "sent"}}}
	for _, a := range s.Arrivals {
		c.X = append(c.X, (a.FromS+a.ToS)/2)
		for i, n := range []int64{a.Asked, a.Sent} {
			c.Series[i].Values = append(c.Series[i].Values, new(float64(n)/(a.ToS-a.FromS)))
		}
	}
	return html.Section{Title: c.Title, Chart: c}, true
}
