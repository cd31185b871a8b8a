package html_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"llmops/cmd/internal/render/html"
)

// sample is a page like that of a load test of n seconds, with every kind of
// chart, gaps, and thresholds within and beyond the scale.
func sample(n int) html.Page {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, n)
	series := func(names ...string) []html.Series {
		out := make([]html.Series, len(names))
		for i, name := range names {
			out[i] = html.Series{Name: name, Values: make([]*float64, n)}
		}
		return out
	}
	latency, ttft, itl := series("p50", "p95", "p99"), series("p50", "p95"), series("p50", "p95")
	requests, tokens, late := series("requests"), series("output tokens"), series("p99", "max")
	errors := series("http_503", "timeout_first_token", "truncated")
	for i := range n {
		x[i] = float64(i) + 0.5
		at := float64(i) / float64(n)
		load := 1 + 0.35*math.Sin(9*at) + 0.1*r.NormFloat64() + 1.1*math.Exp(-math.Pow((at-0.62)/0.04, 2))
		if at > 0.3 && at < 0.34 { // the server does not answer
			for _, s := range errors[:1] {
				s.Values[i] = new(14 + 4*r.Float64())
			}
			errors[1].Values[i], errors[2].Values[i] = new(5*r.Float64()), new(0.0)
			requests[0].Values[i], tokens[0].Values[i] = new(0.0), new(0.0)
			late[0].Values[i], late[1].Values[i] = new(90.0), new(140.0)
			continue
		}
		latency[0].Values[i] = new(310 * load)
		latency[1].Values[i] = new(410 * load * (1 + 0.1*r.Float64()))
		latency[2].Values[i] = new(480 * load * (1 + 0.3*r.Float64()))
		ttft[0].Values[i], ttft[1].Values[i] = new(38*load), new(62*load*(1+0.3*r.Float64()))
		itl[0].Values[i], itl[1].Values[i] = new(7.1*math.Sqrt(load)), new(9.4*math.Sqrt(load)*(1+0.1*r.Float64()))
		requests[0].Values[i] = new(math.Round(48 / load))
		tokens[0].Values[i] = new(math.Round(48 / load * 41.7))
		late[0].Values[i] = new(55 * math.Exp(0.5*r.NormFloat64()))
		late[1].Values[i] = new(*late[0].Values[i] * (1.5 + 20*math.Pow(r.Float64(), 9)))
		for k := range errors {
			errors[k].Values[i] = new(0.0)
		}
		if load > 1.8 {
			errors[1].Values[i], errors[2].Values[i] = new(math.Round(6*r.Float64())), new(math.Round(3*r.Float64()))
		}
	}
	var edges []float64
	var counts []*float64
	for i := range 25 {
		edges = append(edges, math.Round(150*math.Pow(1.12, float64(i))))
		if i < 24 {
			counts = append(counts, new(math.Round(900*math.Exp(-math.Pow(float64(i-8)/4.2, 2)))+float64(i%3)))
		}
	}
	time := func(title, unit string, kind html.ChartKind, s []html.Series, marks ...html.Mark) html.Section {
		return html.Section{Title: title, Chart: &html.Chart{Title: title, Unit: unit, X: x, Kind: kind, Series: s, Marks: marks}}
	}
	cells := func(texts ...string) []html.Cell {
		out := make([]html.Cell, len(texts))
		for i, t := range texts {
			out[i].Text = t
		}
		return out
	}
	judged := func(k html.Kind, texts ...string) []html.Cell {
		out := cells(texts...)
		out[0].Kind = k
		return out
	}
	columns := func(names ...string) []html.Column { // the first is text
		out := make([]html.Column, len(names))
		for i, name := range names {
			out[i] = html.Column{Header: name, Numeric: i > 0}
		}
		return out
	}
	dispatch := time("Dispatch lateness", "µs", html.Line, late)
	dispatch.Chart.Log = true
	dispatch.Note = "How late this client sent its requests."
	return html.Page{
		Title:       "http://10.2.0.17:8000/v1  chat, model sim",
		Subtitle:    fmt.Sprintf("closed loop, 16 in flight; %d requests in %d s", 40*n, n),
		Verdict:     "fail: 1 of 4 objectives is broken",
		VerdictKind: html.Fail,
		Lead: []string{
			"41.2 requests/s, 1718 output tokens/s, 38.9 goodput/s, 15.8 in flight on average",
			"318 of 24712 requests failed (1.29%), most with http_503 between 0:54 and 1:01",
			"the client is valid: it sent its requests 61 µs late at p99",
		},
		Sections: []html.Section{
			{Title: "Objectives", Table: &html.Table{
				Columns: []html.Column{{Header: "VERDICT"}, {Header: "OBJECTIVE"}, {Header: "OBSERVED", Numeric: true}, {Header: "DETAIL"}},
				Rows: [][]html.Cell{
					judged(html.Fail, "fail", "error_rate < 1%", "1.29%", "318 of 24712 failed, 95% confidence 1.15% to 1.43%"),
					judged(html.Undecided, "inconclusive", "p999_latency_ms < 2000", "1911", "the 95% interval 1722 to 2240 holds the threshold; 9400 more requests would decide"),
					judged(html.Pass, "pass", "p95_latency_ms < 900", "702", "95% interval 694 to 711"),
					judged(html.Pass, "pass", "p95_ttft_ms < 500", "118", ""),
				}}},
			time("Latency", "ms", html.Line, latency, html.Mark{Value: 900, Label: "p95 < 900"}),
			{Title: "Latency of all requests", Chart: &html.Chart{Unit: "requests", XLabel: "latency, ms", X: edges, Kind: html.Bars,
				Series: []html.Series{{Name: "requests", Values: counts}}}},
			time("Time to first token", "ms", html.Line, ttft, html.Mark{Value: 500, Label: "p95 < 500"}),
			time("Inter-token latency", "ms", html.Line, itl),
			time("Requests", "requests/s", html.Line, requests),
			time("Output tokens", "tokens/s", html.Line, tokens),
			time("Errors", "errors/s", html.Stacked, errors),
			dispatch,
			{Title: "Metrics", Note: "Failed requests are left out.", Table: &html.Table{
				Columns: columns("METRIC", "MEAN", "MIN", "P50", "P90", "P95", "P99", "P99.9", "MAX", "COUNT"),
				Rows: [][]html.Cell{
					cells("latency_ms", "371.2", "181.0", "342.1", "521.7", "702.0", "1204", "1911", "2380", "24394"),
					cells("ttft_ms", "49.12", "21.44", "43.07", "78.40", "118.0", "201.2", "322.9", "410.8", "24394"),
					cells("tpot_ms", "7.41", "5.02", "7.20", "8.81", "9.44", "12.70", "18.31", "22.03", "24394"),
					cells("itl_ms", "7.41", "0.412", "7.11", "9.02", "10.21", "15.88", "31.07", "88.40", "1016744"),
				}}},
			{Title: "Errors by class", Table: &html.Table{Columns: columns("ERROR", "REQUESTS", "SHARE"), Rows: [][]html.Cell{
				cells("http_503", "241", "0.98%"), cells("timeout_first_token", "61", "0.25%"), cells("truncated", "16", "0.06%")}}},
			{Title: "How this was measured", Text: []string{
				"Latency counts from sending the request to the last byte of its answer. Time stamps are the kernel's."}},
		},
		Footer: "llmops 0.1.0, 2026-03-02T09:14:07Z, seed 1",
	}
}
