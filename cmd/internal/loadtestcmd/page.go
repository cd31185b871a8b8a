package loadtestcmd

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// page is what report.html is made of.
type page struct {
	summary loadreport.Summary
	load    string // in words
	course  []loadreport.Moment
	buckets []loadreport.Bucket
	server  []loadreport.ServerMoment
	from    time.Time // when the measured part began
}

func (p page) write(w io.Writer) error { return html.Write(w, p.doc()) }

func (p page) doc() html.Page {
	s := p.summary
	doc := html.Page{
		Title:       s.Target.URL,
		Subtitle:    fmt.Sprintf("%s, model %s; %s", s.Target.API, render.Clean(s.Target.Model), p.load),
		Verdict:     string(s.Verdict),
		VerdictKind: kindOf(s.Verdict),
		Lead:        []string{requestsLine(s.Requests) + " in " + seconds(s.MeasuredS), throughputLine(s)},
		Footer:      fmt.Sprintf("llmops %s, %s, seed %d, time stamps: %s", s.Version, s.StartedAt.Format(time.RFC3339), s.Load.Seed, s.Client.TimestampSource),
	}
	if s.Capacity != nil {
		doc.Lead = append([]string{capacityLine(s)}, doc.Lead...)
	}
	if line := qualityLine(s); line != "" {
		doc.Lead = append(doc.Lead, line)
	}
	for _, text := range append(slices.Clone(s.Warnings), s.Client.Reasons...) {
		doc.Lead = append(doc.Lead, render.Clean(text))
	}
	table := func(title, note string, t *render.Table) {
		if len(t.Rows) > 0 {
			doc.Sections = append(doc.Sections, html.Section{Title: title, Note: note, Table: html.FromTable(t, func(v string) html.Kind { return kindOf(loadreport.Verdict(v)) })})
		}
	}
	table("Objectives", "", sloTable(s, render.Style{}))
	doc.Sections = append(doc.Sections, capacitySections(s, p.marks)...)
	table("Probes", "by load", capacityTable(s, render.Style{}))
	doc.Sections = append(doc.Sections, p.charts()...)
	table("Metrics", marksNote(s), metricTable(s))
	if s.Server != nil {
		doc.Sections = append(doc.Sections, serverSection(s))
	}
	table("By URL", "worst first; times in ms", urlTable(s))
	table("Arrivals", "requests that were due and that were sent in each part of the run, and how late those that were due were sent", arrivalsTable(s))
	table("Errors", "", errorTable(s))
	table("Checks", "worst first", qualityTable(s))
	table("Answers that failed a check", "of each check the first requests; secrets are taken out", sampleTable(s))
	return doc
}

func kindOf(v loadreport.Verdict) html.Kind {
	switch v {
	case loadreport.Pass:
		return html.Pass
	case loadreport.Fail:
		return html.Fail
	case loadreport.Invalid:
		return html.Invalid
	}
	return html.Undecided
}

// charts are the sections over time, and the histogram of latency.
func (p page) charts() []html.Section {
	if len(p.course) == 0 {
		return nil
	}
	x := make([]float64, len(p.course))
	for i, m := range p.course {
		x[i] = (m.From + m.To).Seconds() / 2
	}
	line := func(title, unit string, marks []html.Mark, series ...html.Series) html.Section {
		return html.Section{Title: title, Chart: &html.Chart{Title: title, Unit: unit, X: x, Kind: html.Line, Series: series, Marks: marks}}
	}
	out := []html.Section{
		line("Latency", "ms", p.marks("latency_ms"), p.percentiles(func(m loadreport.Moment) loadreport.Distribution { return m.Latency })...),
		line("Time to first token (TTFT)", "ms", p.marks("ttft_ms"), p.percentiles(func(m loadreport.Moment) loadreport.Distribution { return m.TTFT })...),
		line("Gap between tokens (ITL)", "ms", p.marks("itl_ms"), p.percentiles(func(m loadreport.Moment) loadreport.Distribution { return m.ITL })...),
		line("Time per output token (TPOT)", "ms", p.marks("tpot_ms"), p.percentiles(func(m loadreport.Moment) loadreport.Distribution { return m.TPOT })...),
		line("Throughput", "1/s", p.marks("requests_per_second"), p.rate("requests", func(m loadreport.Moment) int64 { return m.Succeeded })),
		line("Output tokens", "1/s", p.marks("tokens_per_second"), p.rate("tokens", func(m loadreport.Moment) int64 { return m.Tokens })),
	}
	out = slices.DeleteFunc(out, func(s html.Section) bool { return empty(s.Chart) })
	out = append(out, p.serverCharts()...)
	if s, ok := p.histogram(); ok {
		out = append(out, s)
	}
	if s, ok := p.errors(x); ok {
		out = append(out, s)
	}
	if s, ok := arrivalsChart(p.summary); ok {
		out = append(out, s)
	}
	if p.summary.Client.DispatchLateness.Count > 0 {
		out = append(out, line("Dispatch lateness of the client", "µs", nil,
			p.percentiles(func(m loadreport.Moment) loadreport.Distribution { return m.Lateness })...))
	}
	return out
}

func empty(c *html.Chart) bool {
	return !slices.ContainsFunc(c.Series, func(s html.Series) bool {
		return slices.ContainsFunc(s.Values, func(v *float64) bool { return v != nil && *v != 0 })
	})
}

func (p page) percentiles(of func(loadreport.Moment) loadreport.Distribution) []html.Series {
	series := []html.Series{{Name: "p50"}, {Name: "p95"}, {Name: "p99"}}
	for _, m := range p.course {
		d := of(m)
		for i, v := range []*float64{d.P50, d.P95, d.P99} {
			series[i].Values = append(series[i].Values, v)
		}
	}
	return series
}

func (p page) rate(name string, of func(loadreport.Moment) int64) html.Series {
	s := html.Series{Name: name}
	for _, m := range p.course {
		s.Values = append(s.Values, new(float64(of(m))/(m.To-m.From).Seconds()))
	}
	return s
}

// marks are the thresholds of the objectives on a metric.
func (p page) marks(metric string) (marks []html.Mark) {
	for _, j := range p.summary.SLO {
		name, _, _ := strings.Cut(j.Objective, " ")
		if j.Threshold != nil && (name == metric || strings.HasSuffix(name, "_"+metric)) {
			marks = append(marks, html.Mark{Value: *j.Threshold, Label: j.Objective})
		}
	}
	return marks
}

func (p page) histogram() (html.Section, bool) {
	if len(p.buckets) == 0 {
		return html.Section{}, false
	}
	const ms = float64(time.Millisecond)
	c := &html.Chart{Title: "Latency histogram", Unit: "requests", XLabel: "latency, ms", Kind: html.Bars, X: []float64{float64(p.buckets[0].From) / ms}}
	counts := html.Series{Name: "requests"}
	for _, b := range p.buckets {
		c.X = append(c.X, float64(b.UpTo)/ms)
		counts.Values = append(counts.Values, new(float64(b.Count)))
	}
	c.Series = []html.Series{counts}
	return html.Section{Title: c.Title, Chart: c}, true
}

func (p page) errors(x []float64) (html.Section, bool) {
	classes := slices.Sorted(maps.Keys(p.summary.Errors))
	if len(classes) == 0 {
		return html.Section{}, false
	}
	c := &html.Chart{Title: "Failed requests", Unit: "requests", X: x, Kind: html.Stacked}
	for _, class := range classes {
		s := html.Series{Name: class + " (" + strconv.FormatInt(p.summary.Errors[class], 10) + ")"}
		for _, m := range p.course {
			s.Values = append(s.Values, new(float64(m.Errors[class])))
		}
		c.Series = append(c.Series, s)
	}
	return html.Section{Title: c.Title, Chart: c}, true
}
