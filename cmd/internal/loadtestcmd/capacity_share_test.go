package loadtestcmd

import (
	"math"
	"strings"
	"testing"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/probes/load/arrival"
	"llmops/probes/request"
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
			if got := m.effect(i, 0.95); got < c.low/float64(i+1) || got > c.high {
				t.Errorf("lots of %d: effect %g on %s, want %g to %g", c.lot, got, s.objectives[i].Name, c.low, c.high)
			}
		}
		if got := m.effect(2, 0.95); got != 1 {
			t.Errorf("effect %g on what is not followed", got)
		}
	}
	if got := (*misses)(nil).effect(0, 0.95); got != 1 {
		t.Errorf("effect %g of nothing", got)
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
