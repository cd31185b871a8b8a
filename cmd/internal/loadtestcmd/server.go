package loadtestcmd

import (
	"fmt"
	"slices"
	"strings"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
	"llmops/probes/snapshot"
)

// serverTable has the engine's distributions, the client's TTFT beside the engine's.
func serverTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns("SERVER", ">MEAN", ">P50", ">P95", ">P99", ">COUNT")}
	add := func(name string, d *snapshot.Distribution) {
		t.Add(name, render.Optional(d.Mean, render.Number), percentile(d, "p50", d.P50), percentile(d, "p95", d.P95),
			percentile(d, "p99", d.P99), fmt.Sprintf("%.0f", d.Count))
	}
	if x := s.Server; x != nil && x.TTFT != nil && x.ClientTTFT != nil {
		add("ttft_ms (client)", x.ClientTTFT)
	}
	for _, r := range serverRows(s) {
		add(r.name, r.d)
	}
	return t
}

// serverRow is a distribution of the engine's.
type serverRow struct {
	name string
	d    *snapshot.Distribution
}

// serverRows are those with values.
func serverRows(s loadreport.Summary) []serverRow {
	x := s.Server
	if x == nil {
		return nil
	}
	list := []serverRow{{"ttft_ms", x.TTFT}, {"queue_ms", x.Queue}, {"prefill_ms", x.Prefill}, {"itl_ms", x.ITL}, {"e2e_ms", x.E2E}}
	return slices.DeleteFunc(list, func(r serverRow) bool { return r.d == nil || r.d.Count == 0 })
}

// percentile is at least so much where it fell into the engine's last bucket.
func percentile(d *snapshot.Distribution, name string, v *float64) string {
	text := render.Optional(v, render.Number)
	if in, ok := d.Bounds[name]; ok && in.High == nil {
		return "≥ " + text
	}
	return text
}

// serverLines say the rest in words.
func serverLines(s loadreport.Summary) (lines []string) {
	x := s.Server
	if x == nil {
		return nil
	}
	if x.Engine != "" && x.WindowS != nil {
		lines = append(lines, fmt.Sprintf("%s counted over %s, percentiles interpolated in its buckets", x.Engine, seconds(x.WindowS)))
	}
	if x.NotMeasured != "" {
		lines = append(lines, "counts of the server are not measured: "+render.Clean(x.NotMeasured))
	}
	if s.Load.MaxConcurrency != nil && x.ClientTTFT != nil {
		lines = append(lines, "the client's TTFT is without the wait for --max-concurrency here")
	}
	if line := splitLine(x.Split); line != "" {
		lines = append(lines, line)
	}
	var parts []string
	level := func(name string, l *loadreport.Level, number func(float64) string) {
		if l != nil {
			parts = append(parts, fmt.Sprintf("%s %s on average, %s at most", name, number(l.Mean), number(l.Max)))
		}
	}
	level("running", x.Running, render.Number)
	level("waiting", x.Waiting, render.Number)
	level("KV cache", x.KVCacheUtilization, render.Percent)
	if x.PrefixCacheHitRate != nil {
		parts = append(parts, "prefix cache hits "+render.Percent(*x.PrefixCacheHitRate))
	}
	if x.Preemptions != nil && *x.Preemptions > 0 {
		parts = append(parts, fmt.Sprintf("preemptions %.0f", *x.Preemptions))
	}
	if len(parts) > 0 {
		lines = append(lines, strings.Join(parts, "; "))
	}
	for _, g := range x.GPUs {
		parts = nil
		level("busy", g.Utilization, render.Percent)
		level("memory", g.MemoryUtilization, render.Percent)
		level("power", g.PowerW, func(w float64) string { return render.Number(w) + " W" })
		lines = append(lines, "GPU "+g.Label+": "+strings.Join(parts, "; "))
	}
	return lines
}

// serverSection is all but the charts.
func serverSection(s loadreport.Summary) html.Section {
	section := html.Section{Title: "Server", Text: serverLines(s)}
	if t := serverTable(s); len(t.Rows) > 0 {
		section.Note = "what the engine's own metrics say, beside the client's TTFT"
		section.Table = html.FromTable(t, func(string) html.Kind { return "" })
	}
	return section
}

// splitLine is where the mean TTFT goes.
func splitLine(p *loadreport.Split) string {
	if p == nil {
		return ""
	}
	var parts []string
	for _, x := range []struct {
		name string
		v    *float64
	}{{"client", p.ClientMs}, {"connecting", p.ConnectMs}, {"network", p.NetworkMs}, {"queue", p.QueueMs}, {"prefill", p.PrefillMs}, {"other in the engine", p.OtherMs}} {
		if x.v != nil {
			parts = append(parts, x.name+" "+render.Number(*x.v)+"ms")
		}
	}
	return "mean TTFT: " + strings.Join(parts, " + ")
}

// serverCharts are the gauges of the server, on the time axis of the requests.
func (p page) serverCharts() []html.Section {
	type sample struct {
		x float64
		m loadreport.ServerMoment
	}
	var samples []sample
	end := p.summary.DurationS
	for _, m := range p.server {
		at := m.At.Sub(p.from).Seconds()
		if at >= 0 && at <= end && (len(samples) == 0 || at > samples[len(samples)-1].x) {
			samples = append(samples, sample{at, m})
		}
	}
	if len(samples) < 2 {
		return nil
	}
	x := make([]float64, len(samples))
	for i, s := range samples {
		x[i] = s.x
	}
	series := func(name string, of func(loadreport.ServerMoment) *float64) html.Series {
		out := html.Series{Name: name}
		for _, s := range samples {
			out.Values = append(out.Values, of(s.m))
		}
		return out
	}
	chart := func(title, unit string, series ...html.Series) html.Section {
		return html.Section{Title: title, Chart: &html.Chart{Title: title, Unit: unit, X: x, Kind: html.Line, Series: series}}
	}
	// No unit but %: a ratio from 0 to 1 is harder to read.
	percent := func(v *float64) *float64 {
		if v == nil {
			return nil
		}
		return new(*v * 100)
	}
	out := []html.Section{
		chart("Requests in the server", "requests", series("running", func(m loadreport.ServerMoment) *float64 { return m.Running }),
			series("waiting", func(m loadreport.ServerMoment) *float64 { return m.Waiting })),
		chart("KV cache in use", "%", series("fullest", func(m loadreport.ServerMoment) *float64 { return percent(m.KVCacheUtilization) })),
	}
	for _, c := range []struct {
		title, unit string
		of          func(loadreport.GPUMoment) *float64
	}{
		{"GPU utilization", "%", func(g loadreport.GPUMoment) *float64 { return percent(g.Utilization) }},
		{"GPU memory in use", "%", func(g loadreport.GPUMoment) *float64 { return percent(g.MemoryUtilization) }},
		{"GPU power", "W", func(g loadreport.GPUMoment) *float64 { return g.PowerW }},
	} {
		var list []html.Series
		for _, label := range p.gpuLabels() {
			list = append(list, series("GPU "+label, func(m loadreport.ServerMoment) *float64 {
				if i := slices.IndexFunc(m.GPUs, func(g loadreport.GPUMoment) bool { return g.Label == label }); i >= 0 {
					return c.of(m.GPUs[i])
				}
				return nil
			}))
		}
		if len(list) > 0 {
			out = append(out, chart(c.title, c.unit, list...))
		}
	}
	return slices.DeleteFunc(out, func(s html.Section) bool { return unmeasured(s.Chart) })
}

// unmeasured tells that a chart has no value; a gauge that stays 0 has.
func unmeasured(c *html.Chart) bool {
	return !slices.ContainsFunc(c.Series, func(s html.Series) bool {
		return slices.ContainsFunc(s.Values, func(v *float64) bool { return v != nil })
	})
}

// gpuLabels are the GPUs of the summary, in its order.
func (p page) gpuLabels() (labels []string) {
	if p.summary.Server == nil {
		return nil
	}
	for _, g := range p.summary.Server.GPUs {
		labels = append(labels, g.Label)
	}
	return labels
}
