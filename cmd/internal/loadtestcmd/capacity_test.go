package loadtestcmd

import (
	"testing"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/analysis/stats"
	"llmops/cmd/internal/cli"
	"llmops/probes/load/length"
	"llmops/rules/slo"
)

func searchFor(t *testing.T, texts ...string) *search {
	t.Helper()
	o := &options{capacity: capacityFlags{find: findRate}, given: func(string) bool { return false }}
	s := &search{bench: &bench{app: &cli.App{}, o: o}, idle: capacity.Idle{Latency: 10 * time.Millisecond, TTFT: 10 * time.Millisecond}, find: capacity.New(capacity.Config{Start: 1})}
	for _, text := range texts {
		obj, err := slo.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s.objectives = append(s.objectives, obj)
	}
	return s
}

func judgement(text string, observed, threshold float64, v loadreport.Verdict) loadreport.Judgement {
	return loadreport.Judgement{Objective: text, Observed: &observed, Threshold: &threshold, Verdict: v}
}

// What a probe is to the search is not always what its run is to a gate.
func TestJudge(t *testing.T) {
	latency := func(observed float64, v loadreport.Verdict) loadreport.Judgement {
		return judgement("p95_latency_ms < 100", observed, 100, v)
	}
	floor := judgement("requests_per_second > 50", 10, 50, loadreport.Fail)
	errors := judgement("error_rate < 10%", 0.05, 0.1, loadreport.Pass)
	for _, c := range []struct {
		name       string
		objectives []string
		judgements []loadreport.Judgement
		failed     int64 // of 100
		client     loadreport.ClientVerdict
		diverged   bool
		want       capacity.Verdict
		margin     float64
		by         string
	}{
		{name: "passes", objectives: []string{"p95_latency_ms < 100"}, judgements: []loadreport.Judgement{latency(50, loadreport.Pass)},
			want: capacity.Pass, margin: -1, by: "p95_latency_ms < 100"},
		{name: "fails", objectives: []string{"p95_latency_ms < 100"}, judgements: []loadreport.Judgement{latency(200, loadreport.Fail)},
			want: capacity.Fail, margin: 0.5, by: "p95_latency_ms < 100"},
		{name: "is not decided", objectives: []string{"p95_latency_ms < 100"}, judgements: []loadreport.Judgement{latency(80, loadreport.Inconclusive)},
			want: capacity.Inconclusive, margin: -0.25, by: "p95_latency_ms < 100"},
		{name: "piles up", objectives: []string{"p95_latency_ms < 100"}, judgements: []loadreport.Judgement{latency(50, loadreport.Pass)}, diverged: true,
			want: capacity.Fail, margin: -1, by: "p95_latency_ms < 100"},
		{name: "is not to be trusted", objectives: []string{"p95_latency_ms < 100"}, judgements: []loadreport.Judgement{latency(200, loadreport.Inconclusive)},
			client: loadreport.ClientInvalid, want: capacity.Invalid, margin: 0.5, by: "p95_latency_ms < 100"},
		{name: "is light, for an objective that asks for much", objectives: []string{"requests_per_second > 50", "p95_latency_ms < 100"},
			judgements: []loadreport.Judgement{floor, latency(50, loadreport.Pass)}, want: capacity.Pass, margin: -1, by: "p95_latency_ms < 100"},
		{name: "turns requests away", objectives: []string{"p95_latency_ms < 100"}, judgements: []loadreport.Judgement{latency(50, loadreport.Pass)}, failed: 4,
			want: capacity.Fail, margin: 0.5, by: turnedAway},
		{name: "turns away no more than is allowed", objectives: []string{"p95_latency_ms < 100", "error_rate < 10%"},
			judgements: []loadreport.Judgement{latency(50, loadreport.Pass), errors}, failed: 5, want: capacity.Pass, margin: -0.5, by: "error_rate < 10%"},
		{name: "has every request fail", objectives: []string{"p95_latency_ms < 100"},
			judgements: []loadreport.Judgement{{Objective: "p95_latency_ms < 100", Verdict: loadreport.Inconclusive}}, failed: 100, want: capacity.Fail, margin: 1, by: turnedAway},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := searchFor(t, c.objectives...)
			m := &measurement{first: &firstFailure{}}
			m.summary.SLO = c.judgements
			m.summary.Requests = loadreport.Requests{Total: 100, Succeeded: 100 - c.failed, Failed: c.failed}
			m.summary.Client.Verdict = c.client
			p := s.judge(m, 20, c.diverged, 15)
			r := s.reports[0]
			if p.Verdict != c.want || r.Verdict != c.want {
				t.Errorf("verdict %s, reported %s, want %s (%s)", p.Verdict, r.Verdict, c.want, r.Reason)
			}
			if p.Margin != c.margin || r.Objective != c.by {
				t.Errorf("margin %g by %q, want %g by %q", p.Margin, r.Objective, c.margin, c.by)
			}
			if *r.Rate != 20 || p.Load != 20 || p.Diverged != c.diverged {
				t.Errorf("rate %g, load %g, diverged %v", *r.Rate, p.Load, p.Diverged)
			}
		})
	}
}

// A probe that was too short for its rate to bring a request says nothing of the
// service: neither does it fail, nor does a search end by it as if nothing held. One
// whose requests were all cut off does.
func TestProbeWithoutRequests(t *testing.T) {
	s := searchFor(t, "p95_latency_ms < 100")
	m := &measurement{first: &firstFailure{}}
	m.summary.SLO = []loadreport.Judgement{{Objective: "p95_latency_ms < 100", Verdict: loadreport.Inconclusive}}
	p := s.judge(m, 0.5, false, 0)
	if p.Verdict != capacity.Inconclusive || p.Margin >= 0 || s.reports[0].Margin != nil || s.reports[0].Offered != nil || s.reports[0].Reason == "" {
		t.Errorf("%+v, reported %+v", p, s.reports[0])
	}
	s.find.Add(p)
	if next, ok := s.find.Next(); !ok || next <= 0.5 {
		t.Errorf("then %g, %v: want a rate that brings requests", next, ok)
	}
	s.runs, s.options = []*measurement{m}, []*options{s.o}
	doc := s.find.Report(nil, s.reports)
	if got := s.verdict(doc); doc.Load() != nil || doc.Low != nil || got != loadreport.Inconclusive {
		t.Errorf("a figure of nothing: %+v, %s", doc, got)
	}
	m.summary.Requests = loadreport.Requests{Total: 3, Cancelled: 3}
	if p = s.judge(m, 0.5, false, 0); p.Verdict != capacity.Fail || p.Margin != 1 {
		t.Errorf("all cut off: %+v", p)
	}
}

func TestSearchVerdict(t *testing.T) {
	pass := capacity.ProbeReport{Rate: new(10.0), Verdict: capacity.Pass, Margin: new(-1.0)}
	fail := capacity.ProbeReport{Rate: new(20.0), Verdict: capacity.Fail, Margin: new(0.5), Objective: "p95_latency_ms < 100"}
	open := capacity.ProbeReport{Rate: new(5.0), Verdict: capacity.Inconclusive, Margin: new(-0.1)}
	run := func() *measurement { return &measurement{first: &firstFailure{}} }
	for _, c := range []struct {
		name   string
		probes []capacity.ProbeReport
		doc    capacity.Report
		want   loadreport.Verdict
		code   cli.Code
	}{
		{"found", []capacity.ProbeReport{pass, fail}, capacity.Report{RequestsPerSecond: new(15.0), Ended: capacity.Converged}, loadreport.Pass, cli.CodeOK},
		{"nothing holds", []capacity.ProbeReport{fail}, capacity.Report{Ended: capacity.Exhausted}, loadreport.Fail, cli.CodeGate},
		{"nothing is shown", []capacity.ProbeReport{open, fail}, capacity.Report{Ended: capacity.Exhausted}, loadreport.Inconclusive, cli.CodeNoVerdict},
		{"the client is the limit", []capacity.ProbeReport{pass}, capacity.Report{RequestsPerSecond: new(10.0), Ended: capacity.ByClient}, loadreport.Invalid, cli.CodeNoVerdict},
		{"stopped before a lower load was tried", []capacity.ProbeReport{fail}, capacity.Report{Ended: capacity.Stopped}, loadreport.Inconclusive, cli.CodeNoVerdict},
		{"stopped early", []capacity.ProbeReport{open}, capacity.Report{Ended: capacity.Stopped}, loadreport.Inconclusive, cli.CodeNoVerdict},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := searchFor(t, "p95_latency_ms < 100")
			c.doc.Probes = c.probes
			s.reports = c.probes
			for range c.probes {
				s.runs, s.options = append(s.runs, run()), append(s.options, s.o)
			}
			m := s.runs[0]
			m.summary.Verdict = s.verdict(c.doc)
			if m.summary.Verdict != c.want {
				t.Errorf("verdict %s, want %s", m.summary.Verdict, c.want)
			}
			if err := s.outcome(m, c.doc); cli.CodeOf(err) != c.code {
				t.Errorf("exit code %d (%v), want %d", cli.CodeOf(err), err, c.code)
			}
		})
	}
}

// The charts must take probes in any order, of equal loads, and without a value.
func TestCapacitySections(t *testing.T) {
	at := func(rate, p50 float64, diverged bool) capacity.ProbeReport {
		p := capacity.ProbeReport{Rate: &rate, Verdict: capacity.Pass, Diverged: diverged}
		if p50 > 0 {
			p.LatencyMS = stats.Distribution{Count: 10, P50: &p50, P95: new(2 * p50), P99: new(3 * p50)}
		}
		return p
	}
	s := loadreport.Summary{Capacity: &capacity.Report{Probes: []capacity.ProbeReport{at(30, 9, false), at(10, 5, false), at(10, 6, false), at(90, 80, true), at(20, 0, false)}}}
	s.Verdict = loadreport.Pass
	p := page{summary: s, load: "open loop"}
	sections := capacitySections(s, p.marks)
	if len(sections) != 1 {
		t.Fatalf("%d charts, want that of latency alone", len(sections))
	}
	c := sections[0].Chart
	if len(c.X) != 2 || c.X[0] != 10 || c.X[1] != 30 || *c.Series[0].Values[0] != 5 || *c.Series[2].Values[1] != 27 {
		t.Errorf("chart of %v: %+v", c.X, c.Series)
	}
}

func TestSearchRefuses(t *testing.T) {
	for name, change := range map[string]func(*options){
		"a manifest": func(o *options) { o.emit.kind = emitJob },
		"a trace":    func(o *options) { o.replay.file = "trace.csv" },
		"a kind":     func(o *options) { o.capacity.find = "much" },
		"bounds":     func(o *options) { o.capacity.min, o.capacity.max = 5, 3 },
	} {
		o := &options{capacity: capacityFlags{find: findRate}, given: func(string) bool { return false }}
		o.objectives.Inline = []string{"p95_latency_ms < 100"}
		if err := o.checkCapacity(); err != nil {
			t.Fatal(err)
		}
		change(o)
		if err := o.checkCapacity(); cli.CodeOf(err) != cli.CodeUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What arrives are conversations, and the figure must not pass for requests.
func TestCapacityOfSessions(t *testing.T) {
	s := searchFor(t, "p95_latency_ms < 100")
	s.o.people.turns = length.Constant(3)
	if s.per() != sessions {
		t.Errorf("rates count %s", s.per())
	}
	doc := capacity.Report{SessionsPerSecond: new(12.0), Probes: []capacity.ProbeReport{{Rate: new(12.0)}}}
	if got := amount(doc, *doc.Load()); got != "12 sessions/s" {
		t.Errorf("shown as %q", got)
	}
}
