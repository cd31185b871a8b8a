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
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

func renderSummary(w io.Writer, s loadreport.Summary) error { return render.JSON(w, s) }

// print writes the report in the format that was asked for.
func (o *options) print(app *cli.App, agg *loadreport.Aggregator, s loadreport.Summary) error {
	return printTo(app, &o.output, o.describe(), agg, s)
}

func printTo(app *cli.App, out *cli.Output, load string, agg *loadreport.Aggregator, s loadreport.Summary) error {
	return out.Write(app, func(w io.Writer) error {
		switch out.Format {
		case "table":
			v := view{Screen: render.Screen{W: w, Style: out.Style(app), Width: out.Width(app)}, s: s, load: load}
			v.ascii = !render.Unicode(app.Getenv)
			v.buckets = agg.LatencyHistogram(histogramRows)
			return v.table()
		case "csv":
			return render.Write(w, "csv", 0, nil, flat(s))
		}
		return render.Write(w, out.Format, 0, s, capacityTable(s, render.Style{}), metricTable(s), serverTable(s), sloTable(s, render.Style{}), urlTable(s), qualityTable(s), sampleTable(s), errorTable(s), arrivalsTable(s))
	})
}

const histogramRows = 8

// view is the report for a terminal.
type view struct {
	render.Screen
	s       loadreport.Summary
	load    string
	ascii   bool
	buckets []loadreport.Bucket
}

// table is one screen: what was done, the verdict's grounds worst first, then
// the measurements.
func (v *view) table() error {
	s := v.s
	v.Printf("%s  %s, model %s\n", v.Style.Bold(s.Target.URL), s.Target.API, render.Clean(s.Target.Model))
	v.Printf("%s; %s in %s\n", v.load, requestsLine(s.Requests), seconds(s.MeasuredS))
	v.Printf("%s\n", throughputLine(s))
	if line := qualityLine(s); line != "" {
		v.Printf("%s\n", line)
	}
	v.capacity()
	v.Section("metrics", metricTable(s))
	if note := marksNote(s); note != "" {
		v.Printf("%s", render.Wrap(note, v.Width, ""))
	}
	v.Section("server", serverTable(s))
	for _, line := range serverLines(s) {
		v.Printf("%s", render.Wrap(line, v.Width, ""))
	}
	if len(v.buckets) > 0 {
		v.Printf("\n%s\n", v.Style.Bold("latency"))
		var rows []render.Bucket
		for _, b := range v.buckets {
			rows = append(rows, render.Bucket{Label: "up to " + render.Number(float64(b.UpTo)/float64(time.Millisecond)) + "ms", Count: b.Count})
		}
		if v.Err == nil {
			v.Err = render.Histogram(v.W, rows, min(max(v.Width, 0), 72), v.ascii)
		}
	}
	v.Section("by URL, worst first, times in ms", urlTable(s))
	v.Section("arrivals", arrivalsTable(s))
	v.Section("errors", errorTable(s))
	v.Section("checks", qualityTable(s))
	v.samples()
	v.objectives()
	if c := s.Client; c.Verdict != loadreport.ClientValid {
		v.Printf("\n%s %s: %s\n", v.Style.Bold("client"), string(c.Verdict), render.Clean(strings.Join(c.Reasons, "; ")))
	}
	v.Printf("\n%s %s\n", v.Style.Bold("verdict:"), verdict(s.Verdict, v.Style))
	return v.Err
}

// objectives is a table where there is room for it. A terminal is too narrow for
// the grounds of a verdict, which are not for cutting: there they stand below.
func (v *view) objectives() {
	t := sloTable(v.s, v.Style)
	if v.Width == 0 {
		v.Section("objectives", t)
		return
	}
	t.Columns = t.Columns[:3] // the rest of a row is not shown
	v.Section("objectives", t)
	for _, j := range worstFirst(v.s.SLO) {
		v.Printf("\n%s\n%s", v.Style.Cyan(j.Label()), render.Wrap(render.Clean(j.Detail), v.Width, "  "))
	}
}

func (v *view) samples() {
	for i, text := range sampleLines(v.s) {
		if i == 0 {
			v.Printf("\n%s\n", v.Style.Bold("answers that failed a check"))
		}
		v.Printf("%s", render.Wrap(render.Clean(text), v.Width, "  "))
	}
}

func requestsLine(r loadreport.Requests) string {
	text := fmt.Sprintf("%d requests, %d failed", r.Total, r.Failed)
	if r.Cancelled > 0 {
		text += fmt.Sprintf(", %d cancelled", r.Cancelled)
		if r.ByPlan > 0 {
			text += fmt.Sprintf(" (%d by plan)", r.ByPlan)
		}
	}
	return text
}

func throughputLine(s loadreport.Summary) string {
	var parts []string
	add := func(v *float64, unit string) {
		if v != nil {
			parts = append(parts, render.Number(*v)+" "+unit)
		}
	}
	t := s.Throughput
	add(t.RequestsPerSecond, "requests/s")
	add(t.TokensPerSecond, "output tokens/s")
	add(t.InputsPerSecond, "inputs/s")
	add(t.PromptTokensPerSecond, "prompt tokens/s")
	add(t.Goodput, "goodput/s")
	add(t.Concurrency, "in flight on average")
	if c := s.Cost; c != nil {
		add(c.PerRequestUSD, "USD a request")
		add(c.Per1kTokensUSD, "USD a 1000 tokens")
	}
	if s.Tokens.Completion != nil {
		parts = append(parts, fmt.Sprintf("tokens by %s", map[string]string{
			"usage": "the server's count", "chunks": "counting chunks", "mixed": "the server's count and chunks"}[s.Tokens.Source]))
	}
	if len(parts) == 0 {
		return "nothing succeeded"
	}
	return strings.Join(parts, ", ")
}

// rows pairs the distributions with their names, in the order of the report.
func rows(s loadreport.Summary) []struct {
	name string
	d    loadreport.Distribution
} {
	m := s.Metrics
	return []struct {
		name string
		d    loadreport.Distribution
	}{{"latency_ms", m.Latency}, {"ttft_ms", m.TTFT}, {"tpot_ms", m.TPOT}, {"itl_ms", m.ITL}, {"chunk_gap_ms", m.ChunkGap}, {"queue_ms", m.Queue}}
}

func metricTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns("METRIC", ">MEAN", ">MIN", ">P50", ">P90", ">P95", ">P99", ">MAX", ">COUNT")}
	for _, r := range rows(s) {
		d := r.d
		if d.Count == 0 || r.name == "queue_ms" && s.Load.Mode == "closed" {
			continue
		}
		row := []string{r.name}
		for _, c := range []struct {
			name string
			v    *float64
		}{{"mean", d.Mean}, {"min", d.Min}, {"p50", d.P50}, {"p90", d.P90}, {"p95", d.P95}, {"p99", d.P99}, {"max", d.Max}} {
			row = append(row, mark(d, c.name)+render.Optional(c.v, render.Number))
		}
		t.Add(append(row, strconv.FormatUint(d.Count, 10))...)
	}
	return t
}

// mark is put before a figure that reads of several chunks leave open.
func mark(d loadreport.Distribution, name string) string {
	switch {
	case slices.Contains(d.UpperBound, name):
		return "≤ "
	case slices.Contains(d.Unsure, name):
		return "~ "
	}
	return ""
}

// marksNote explains the marks of metricTable, if there are any.
func marksNote(s loadreport.Summary) string {
	for _, r := range rows(s) {
		if len(r.d.UpperBound)+len(r.d.Unsure) > 0 {
			wait := "an unknown time"
			if w := s.Client.LongestWait; w != nil {
				wait = render.Milliseconds(*w / 1e3)
			}
			return fmt.Sprintf("≤ at most, ~ about: several chunks came in one read, and the client may have been up to %s late to read", wait)
		}
	}
	return ""
}

func errorTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns("ERROR", ">REQUESTS", ">SHARE")}
	classes := slices.SortedFunc(maps.Keys(s.Errors), func(a, b string) int {
		if s.Errors[a] != s.Errors[b] {
			return int(s.Errors[b] - s.Errors[a])
		}
		return strings.Compare(a, b)
	})
	for _, c := range classes {
		t.Add(c, strconv.FormatInt(s.Errors[c], 10), render.Percent(float64(s.Errors[c])/float64(s.Requests.Succeeded+s.Requests.Failed)))
	}
	return t
}

// severity orders objectives, worst first.
var severity = map[loadreport.Verdict]int{loadreport.Fail: 0, loadreport.Inconclusive: 1, loadreport.Pass: 2}

func worstFirst(list []loadreport.Judgement) []loadreport.Judgement {
	return slices.SortedStableFunc(slices.Values(list), func(a, b loadreport.Judgement) int { return severity[a.Verdict] - severity[b.Verdict] })
}

func sloTable(s loadreport.Summary, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("VERDICT", "OBJECTIVE", ">OBSERVED", "DETAIL")}
	for _, j := range worstFirst(s.SLO) {
		t.Add(verdict(j.Verdict, style), j.Label(), render.Optional(j.Observed, render.Number), j.Detail)
	}
	return t
}

// flat has one row a figure, under the names that objectives use.
func flat(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns("metric", ">value")}
	add := func(name string, v *float64) {
		if v != nil {
			t.Add(name, render.Full(v))
		}
	}
	flatCapacity(t, s)
	for _, r := range rows(s) {
		for _, c := range []struct {
			prefix string
			v      *float64
		}{{"mean", r.d.Mean}, {"min", r.d.Min}, {"p50", r.d.P50}, {"p90", r.d.P90}, {"p95", r.d.P95}, {"p99", r.d.P99}, {"p999", r.d.P999}, {"max", r.d.Max}} {
			add(c.prefix+"_"+r.name, c.v)
		}
	}
	for _, r := range serverRows(s) {
		for _, c := range []struct {
			prefix string
			v      *float64
		}{{"mean", r.d.Mean}, {"p50", r.d.P50}, {"p95", r.d.P95}, {"p99", r.d.P99}} {
			add("server_"+c.prefix+"_"+r.name, c.v)
		}
	}
	add("requests_per_second", s.Throughput.RequestsPerSecond)
	add("tokens_per_second", s.Throughput.TokensPerSecond)
	add("inputs_per_second", s.Throughput.InputsPerSecond)
	add("prompt_tokens_per_second", s.Throughput.PromptTokensPerSecond)
	add("goodput", s.Throughput.Goodput)
	add("concurrent_requests", s.Throughput.Concurrency)
	if q := s.Quality; q != nil {
		add("quality_score", q.Score)
		add("min_quality_score", q.Min)
		t.Add("quality_checked", strconv.FormatUint(q.Count, 10))
	}
	if c := s.Cost; c != nil {
		add("cost_per_request", c.PerRequestUSD)
		add("cost_per_1k_tokens", c.Per1kTokensUSD)
	}
	if n := s.Requests.Succeeded + s.Requests.Failed; n > 0 {
		add("error_rate", new(float64(s.Requests.Failed)/float64(n)))
	}
	for _, c := range slices.Sorted(maps.Keys(s.Errors)) {
		t.Add("errors_"+c, strconv.FormatInt(s.Errors[c], 10))
	}
	for _, c := range []struct {
		name string
		n    int64
	}{{"total", s.Requests.Total}, {"succeeded", s.Requests.Succeeded}, {"failed", s.Requests.Failed}, {"cancelled", s.Requests.Cancelled}} {
		t.Add("requests_"+c.name, strconv.FormatInt(c.n, 10))
	}
	return t
}

func verdict(v loadreport.Verdict, style render.Style) string { return style.Verdict(string(v)) }

func seconds(s *float64) string {
	if s == nil {
		return "a time that was not measured"
	}
	d := time.Duration(*s * float64(time.Second))
	if d < time.Second {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}
