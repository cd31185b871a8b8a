package loadtestcmd

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/analysis/stats"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// outcome turns what was found into the error that carries the exit code.
func (s *search) outcome(m *measurement, doc capacity.Report) error {
	sum := m.summary
	if s.lost != nil {
		return s.lost
	}
	switch sum.Verdict {
	case loadreport.Pass:
		return nil
	case loadreport.Invalid:
		if doc.Load() == nil {
			return cli.WithHint(cli.NoVerdict(fmt.Errorf("the client is invalid: %s", strings.Join(s.clientReasons(), "; "))), "%s", clientAdvice(m.result.Exhausted))
		}
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("the client is the limit: the service keeps its objectives at %s at least, and more could not be asked of it: %s",
			amount(doc, *doc.Load()), strings.Join(s.clientReasons(), "; "))), "run the client on a machine with more free CPU and open files (ulimit -n)")
	case loadreport.Fail:
		if names := s.floors(); doc.Load() != nil && len(names) > 0 {
			return cli.Gate(fmt.Errorf("at the capacity, %s, this is not met: %s", amount(doc, *doc.Load()), strings.Join(names, ", ")))
		}
		if len(doc.Probes) == 0 {
			return cli.Gate(fmt.Errorf("no load keeps the objectives: one request at a time breaks %s", brokenNames(sum)))
		}
		least := slices.MinFunc(doc.Probes, func(a, b capacity.ProbeReport) int { return cmp.Compare(loadOf(a), loadOf(b)) })
		return cli.Gate(fmt.Errorf("no load keeps the objectives: %s breaks %s", loadText(least, s.per()), cmp.Or(least.Objective, "them")))
	}
	if doc.Ended == capacity.Stopped {
		return cli.NoVerdict(fmt.Errorf("the search was ended before it found a load that keeps the objectives"))
	}
	return cli.WithHint(cli.NoVerdict(fmt.Errorf("no probe was long enough to show that its load keeps the objectives")), "measure each for longer: --duration")
}

// clientReasons are those of the last probe that was invalid.
func (s *search) clientReasons() []string {
	for _, m := range slices.Backward(s.runs) {
		if m.summary.Client.Verdict == loadreport.ClientInvalid {
			return m.summary.Client.Reasons
		}
	}
	if s.light != nil {
		return s.light.summary.Client.Reasons
	}
	return nil
}

func brokenNames(sum loadreport.Summary) string {
	var names []string
	for _, j := range sum.SLO {
		if j.Verdict == loadreport.Fail {
			names = append(names, j.Label())
		}
	}
	return strings.Join(names, ", ")
}

// doubts is what a reader should know of the figure.
func (s *search) doubts(doc capacity.Report) string {
	switch {
	case doc.Load() == nil:
		return ""
	case doc.Ended == capacity.Stopped:
		return "the search was ended before it was done: the capacity is what was known until then"
	case s.short(doc) > 0:
		return fmt.Sprintf("probes of %s are short for these objectives: so near to its limit the service takes longer to show what it does in the long run, and the figure may be too high; without --duration they last %s", s.o.duration, s.short(doc))
	case doc.Ended == capacity.Exhausted:
		return fmt.Sprintf("after %s the capacity is not known to %g%%: longer probes (--duration) tell more", render.Plural(len(doc.Probes), "probe"), 100*doc.Tolerance)
	case doc.Ended == capacity.AtMax:
		return "the objectives hold at the greatest load that was allowed: the capacity may be higher"
	}
	return ""
}

// short is how long probes at the figure would last by themselves, where they were
// less than half of that; else 0.
func (s *search) short(doc capacity.Report) time.Duration {
	if !s.o.given("duration") || !s.o.capacity.rates() || doc.High == nil {
		return 0
	}
	if d := capacity.Length(s.objectives, *doc.Load(), s.idle).Round(time.Second); s.o.duration < d/2 {
		return d
	}
	return 0
}

func unit(doc capacity.Report) string {
	if doc.Concurrency != nil || len(doc.Probes) > 0 && doc.Probes[0].Concurrency != nil {
		return "in flight"
	}
	if doc.SessionsPerSecond != nil {
		return sessions
	}
	return requests
}

func amount(doc capacity.Report, v float64) string { return render.Number(v) + " " + unit(doc) }

func loadOf(p capacity.ProbeReport) float64 {
	if p.Concurrency != nil {
		return float64(*p.Concurrency)
	}
	return *p.Rate
}

// capacityLine is what was found, in words.
func capacityLine(s loadreport.Summary) string {
	doc := *s.Capacity
	if doc.Load() == nil {
		return fmt.Sprintf("capacity: none was found in %s", render.Plural(len(doc.Probes), "probe"))
	}
	text := "capacity: " + amount(doc, *doc.Load())
	if doc.AtLeast {
		text = "capacity: at least " + amount(doc, *doc.Load())
	}
	switch {
	case doc.Low != nil && doc.High != nil:
		text += fmt.Sprintf(", from %s to %s at %g%% confidence", render.Number(*doc.Low), render.Number(*doc.High), 100*doc.Confidence)
	case doc.Low != nil:
		text += fmt.Sprintf("; %s is shown to keep the objectives", render.Number(*doc.Low))
	}
	if doc.LimitedBy != "" {
		text += "; the limit is " + doc.LimitedBy
	}
	return text + fmt.Sprintf(" (%s)", render.Plural(len(doc.Probes), "probe"))
}

// byLoad are the probes in the order of their loads.
func byLoad(s loadreport.Summary) []capacity.ProbeReport {
	return slices.SortedStableFunc(slices.Values(s.Capacity.Probes), func(a, b capacity.ProbeReport) int { return cmp.Compare(loadOf(a), loadOf(b)) })
}

func capacityTable(s loadreport.Summary, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("VERDICT", ">LOAD", ">P50_LATENCY_MS", ">P95_LATENCY_MS", ">P95_TTFT_MS", ">OBSERVED", ">REQUESTS", "DETAIL")}
	if s.Capacity == nil {
		return t
	}
	for _, p := range byLoad(s) {
		t.Add(style.Verdict(string(p.Verdict)), render.Number(loadOf(p)), render.Optional(p.LatencyMS.P50, render.Number), render.Optional(p.LatencyMS.P95, render.Number),
			render.Optional(p.TTFTMS.P95, render.Number), render.Optional(p.Observed, render.Number), strconv.FormatInt(p.Requests, 10), cmp.Or(p.Reason, p.Objective))
	}
	return t
}

// flatCapacity adds what a search found as rows of metric and value.
func flatCapacity(t *render.Table, s loadreport.Summary) {
	doc := s.Capacity
	if doc == nil {
		return
	}
	for _, row := range []struct {
		name string
		v    *float64
	}{{"capacity_requests_per_second", doc.RequestsPerSecond}, {"capacity_sessions_per_second", doc.SessionsPerSecond}, {"capacity_concurrency", doc.Concurrency}, {"capacity_low", doc.Low}, {"capacity_high", doc.High}} {
		if row.v != nil {
			t.Add(row.name, render.Full(row.v))
		}
	}
	t.Add("capacity_probes", strconv.Itoa(len(doc.Probes)))
}

// capacity is the result of a search with its probes, and latency against load.
func (v *view) capacity() {
	if v.s.Capacity == nil {
		return
	}
	v.Printf("%s\n", v.Style.Bold(capacityLine(v.s)))
	v.Section("probes", capacityTable(v.s, v.Style))
	var p50, p95 []*float64
	probes := byLoad(v.s)
	for _, p := range probes {
		p50, p95 = append(p50, p.LatencyMS.P50), append(p95, p.LatencyMS.P95)
	}
	if len(probes) > 1 {
		v.Printf("\nlatency against load, from %s to %s\n", render.Number(loadOf(probes[0])), amount(*v.s.Capacity, loadOf(probes[len(probes)-1])))
		v.Printf("p50 %s\np95 %s\n", render.Spark(p50, len(p50), v.ascii), render.Spark(p95, len(p95), v.ascii))
	}
}

// capacitySections are the probes on the page: latency and TTFT against load.
func capacitySections(s loadreport.Summary, marks func(string) []html.Mark) []html.Section {
	if s.Capacity == nil || len(s.Capacity.Probes) == 0 {
		return nil
	}
	var out []html.Section
	chart := func(title, metric string, of func(capacity.ProbeReport) stats.Distribution) {
		c := &html.Chart{Title: title, Unit: "ms", XLabel: unit(*s.Capacity), Kind: html.Line, Log: true, Marks: marks(metric),
			Series: []html.Series{{Name: "p50"}, {Name: "p95"}, {Name: "p99"}}}
		for _, p := range byLoad(s) {
			d := of(p)
			if n := len(c.X); d.Count == 0 || p.Diverged || n > 0 && c.X[n-1] >= loadOf(p) { // of a load probed twice the first
				continue
			}
			c.X = append(c.X, loadOf(p))
			for i, v := range []*float64{d.P50, d.P95, d.P99} {
				c.Series[i].Values = append(c.Series[i].Values, v)
			}
		}
		if len(c.X) > 1 {
			out = append(out, html.Section{Title: title, Chart: c, Note: "probes whose requests piled up are left out: their latency grows for as long as they last"})
		}
	}
	chart("Latency against load", "latency_ms", func(p capacity.ProbeReport) stats.Distribution { return p.LatencyMS })
	chart("TTFT against load", "ttft_ms", func(p capacity.ProbeReport) stats.Distribution { return p.TTFTMS })
	return out
}

// capacityCase is the search as a case of JUnit.
func capacityCase(s loadreport.Summary) render.Case {
	c := render.Case{Name: "capacity", Class: "loadtest", Output: capacityLine(s)}
	switch s.Verdict {
	case loadreport.Pass:
	case loadreport.Fail:
		c.Failure, c.Output = c.Output, ""
	default:
		c.Error, c.Output = string(s.Verdict)+": "+c.Output, ""
	}
	return c
}
