package loadtestcmd

import (
	"math"
	"strings"
	"testing"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/probes/load"
	"llmops/probes/load/api"
	"llmops/probes/load/arrival"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// A search ends with a figure on the page of a workflow and among the values.
func TestCapacityIsToldEverywhere(t *testing.T) {
	s := loadreport.Summary{Capacity: &capacity.Report{RequestsPerSecond: new(120.5), Low: new(118.0), High: new(122.0), Confidence: 0.95,
		Probes: []capacity.ProbeReport{{Rate: new(118.0), Verdict: capacity.Pass, Objective: "p95_latency_ms < 400"}}}}
	var page strings.Builder
	if err := stepSummary(&page, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"capacity: 120.5 requests/s, from 118 to 122 at 95% confidence", "| pass | 118 |"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the step summary lacks %q:\n%s", want, page.String())
		}
	}
	var csv strings.Builder
	if err := flat(s).CSV(&csv); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"capacity_requests_per_second,120.5\n", "capacity_low,118\n", "capacity_high,122\n", "capacity_probes,1\n"} {
		if !strings.Contains(csv.String(), want) {
			t.Errorf("the values lack %q:\n%s", want, csv.String())
		}
	}
	if strings.Contains(csv.String(), "capacity_concurrency") {
		t.Error("a concurrency that was not looked for")
	}
}

// In lots of 50 the misses of 2000 requests are worth about a fiftieth of them; one
// by one they are worth what they are.
func TestMissesKnowHowMuchTheyAreWorth(t *testing.T) {
	s := searchFor(t, "p95_latency_ms < 100", "error_rate < 5%", "p95_tpot_ms < 20")
	for _, c := range []struct {
		lot       int64
		low, high float64
	}{{1, 1, 3}, {50, 15, 200}} {
		m := newMisses(s.objectives)
		for id := range int64(2000) {
			slow := id/c.lot*7919%20 == 0
			r := &request.Record{ID: id, OK: !slow || id%2 == 0, LatencyMs: new(50.0)}
			if slow {
				r.LatencyMs = new(150.0)
			}
			m.add(r)
		}
		for i := range 2 {
			if got := m.effect(i, 2000, 0.95); got < c.low/float64(i+1) || got > c.high {
				t.Errorf("lots of %d: effect %g on %s, want %g to %g", c.lot, got, s.objectives[i].Name, c.low, c.high)
			}
		}
		if got := m.effect(2, 2000, 0.95); got != 1 {
			t.Errorf("effect %g on what no request has", got)
		}
	}
	if got := (*misses)(nil).effect(0, 2000, 0.95); got != 1 {
		t.Errorf("effect %g of nothing", got)
	}
}

// So it is with means, and with what a reply has many of.
func TestEveryMetricKnowsHowMuchItIsWorth(t *testing.T) {
	texts := []string{"mean_latency_ms < 100", "mean_ttft_ms < 100", "p95_tpot_ms < 20", "mean_tpot_ms < 20", "p99_itl_ms < 20", "mean_itl_ms < 20", "p95_chunk_gap_ms < 20", "mean_chunk_gap_ms < 20", "timeout_rate < 5%"}
	s := searchFor(t, texts...)
	for _, c := range []struct {
		lot       int64
		low, high float64
	}{{1, 1, 3}, {50, 10, 200}} {
		m := newMisses(s.objectives)
		for id := range int64(2000) {
			x := 1.0
			if id/c.lot*7919%20 == 0 {
				x = 8
			}
			r := &request.Record{ID: id, OK: true, LatencyMs: new(60 * x), TTFTms: new(60 * x), TPOTms: new(12 * x)}
			for i := range time.Duration(9) {
				r.Chunks = append(r.Chunks, request.Chunk{At: i * time.Duration(12*x) * time.Millisecond, Tokens: 1})
			}
			m.add(r)
			if x > 1 {
				m.add(&request.Record{ID: id, Error: request.TimeoutTotal})
			}
		}
		for i, text := range texts {
			if got := m.effect(i, 2000, 0.95); got < c.low || got > c.high {
				t.Errorf("lots of %d: effect %g on %s, want %g to %g", c.lot, got, text, c.low, c.high)
			}
		}
	}
}

// A request that failed before its first token misses a limit on TTFT where errors do.
func TestFailedRequestsMiss(t *testing.T) {
	s := searchFor(t, "p95_ttft_ms < 100")
	for errors, want := range map[slo.Errors]uint64{slo.ErrorsBad: 1, slo.ErrorsExclude: 0} {
		s.objectives[0].Errors = errors
		m := newMisses(s.objectives)
		m.add(&request.Record{ID: 0, Error: request.HTTP(503)})
		if m.of[0].N != want {
			t.Errorf("errors %q: %d requests, want %d", errors, m.of[0].N, want)
		}
	}
}

// A stall hits all sessions at once, each in another of its turns: neighbours are those
// in time, not those with neighbouring numbers.
func TestTurnsAreOrderedInTime(t *testing.T) {
	s := searchFor(t, "p95_latency_ms < 100")
	m := newMisses(s.objectives)
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for turn := range int64(20) {
		for session := range int64(50) {
			r := &request.Record{ID: session*20 + turn, Session: "a", OK: true, LatencyMs: new(50.0), ScheduledAt: begin.Add(time.Duration(turn*50+session) * time.Second)}
			if turn == 7 {
				r.LatencyMs = new(150.0)
			}
			m.add(r)
		}
	}
	if got := m.effect(0, 1000, 0.95); got < 10 {
		t.Errorf("effect %g of a stall of a twentieth of the time", got)
	}
}

func TestShare(t *testing.T) {
	s := searchFor(t, "p95_latency_ms < 100", "error_rate < 10%")
	slow := judgement("p95_latency_ms < 100", 120, 100, loadreport.Fail)
	slow.N, slow.Bad = 200, new(uint64(30))
	errors := judgement("error_rate < 10%", 0.05, 0.1, loadreport.Pass)
	errors.N, errors.Bad = 200, new(uint64(10))
	for _, c := range []struct {
		latency         float64
		missed, allowed float64
	}{{120, 0.15, 0.05}, {10, 0.05, 0.1}} {
		slow.Observed = &c.latency
		missed, allowed := s.share(loadreport.Summary{SLO: []loadreport.Judgement{slow, errors}})
		if math.Abs(missed-c.missed) > 1e-12 || math.Abs(allowed-c.allowed) > 1e-12 {
			t.Errorf("latency %g: %g of %g, want %g of %g", c.latency, missed, allowed, c.missed, c.allowed)
		}
	}
}

// A probe begins with what is in flight at the limit, and then asks for its rate.
func TestFill(t *testing.T) {
	s := searchFor(t, "mean_latency_ms < 110") // 100 ms of waiting: 20 requests at 200 a second
	o := &options{capacity: capacityFlags{find: findRate}, rate: 200, arrivals: "constant", warmup: extent{duration: 2 * time.Second}, duration: 10 * time.Second,
		given: func(string) bool { return false }}
	s.fill(o)
	p := o.process()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	for at := range p.Times() {
		if at >= 3*time.Second {
			break
		}
		counts[int(at/(200*time.Millisecond))]++
	}
	if n := counts[0]; n < 59 || n > 61 {
		t.Errorf("%d requests in the first 200 ms, want 40 and 20", n)
	}
	if n := counts[7]; n < 39 || n > 41 {
		t.Errorf("%d requests in 200 ms later, want 40", n)
	}
	if _, err := arrival.ParseStages(o.stagesText); err != nil {
		t.Errorf("stages %q: %v", o.stagesText, err)
	}
	for name, change := range map[string]func(*options){
		"a warm-up of requests":  func(o *options) { o.warmup = extent{requests: 5} },
		"requests in flight":     func(o *options) { o.capacity.find = findConcurrency },
		"a rate of next to none": func(o *options) { o.rate = 0.1 },
	} {
		c := *o
		c.stages, c.stagesText = nil, ""
		change(&c)
		if s.fill(&c); c.stages != nil {
			t.Errorf("%s: filled by %q", name, c.stagesText)
		}
	}
}

// Where no time is left for a request nothing was fast.
func TestNothingIsQuick(t *testing.T) {
	a, _ := api.Lookup("chat")
	cfg := load.Config{Targets: []load.Target{{URL: "http://127.0.0.1:1/v1/chat/completions", API: a}}, Prompts: prompt.Synthetic{Input: length.Constant(8)},
		Concurrency: 1, Requests: coolRequests, Duration: 1}
	if fast, answers, _ := (&search{}).quick(t.Context(), cfg); fast || answers {
		t.Errorf("fast %v, answers %v", fast, answers)
	}
}
