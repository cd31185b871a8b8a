package loadtestcmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
)

// urlTable has a row for each of several targets, worst first, with times in ms.
// What was measured of none has no column.
func urlTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns("URL", ">REQUESTS", ">FAILED")}
	type figure struct {
		title string
		of    func(loadreport.URLMetrics) *float64
	}
	figures := []figure{
		{">P50", func(m loadreport.URLMetrics) *float64 { return m.Latency.P50 }},
		{">P95", func(m loadreport.URLMetrics) *float64 { return m.Latency.P95 }},
		{">P99", func(m loadreport.URLMetrics) *float64 { return m.Latency.P99 }},
		{">TTFT P50", func(m loadreport.URLMetrics) *float64 { return m.TTFT.P50 }},
		{">TTFT P95", func(m loadreport.URLMetrics) *float64 { return m.TTFT.P95 }},
		{">TPOT P50", func(m loadreport.URLMetrics) *float64 { return m.TPOT.P50 }},
		{">TPOT P95", func(m loadreport.URLMetrics) *float64 { return m.TPOT.P95 }},
	}
	figures = slices.DeleteFunc(figures, func(f figure) bool {
		return !slices.ContainsFunc(s.ByURL, func(u loadreport.ByURL) bool { return f.of(u.Metrics) != nil })
	})
	for _, f := range figures {
		t.Columns = append(t.Columns, render.Columns(f.title)...)
	}
	t.Columns = append(t.Columns, render.Columns("ERRORS")...)
	for _, u := range s.ByURL {
		row := []string{render.Clean(u.URL), strconv.FormatInt(u.Requests.Total, 10), strconv.FormatInt(u.Requests.Failed, 10)}
		for _, f := range figures {
			row = append(row, render.Optional(f.of(u.Metrics), render.Number))
		}
		var classes []string
		for _, c := range slices.Sorted(maps.Keys(u.Errors)) {
			classes = append(classes, fmt.Sprintf("%s %d", c, u.Errors[c]))
		}
		t.Add(append(row, strings.Join(classes, ", "))...)
	}
	return t
}
