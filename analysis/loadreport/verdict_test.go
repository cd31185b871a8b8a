package loadreport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/probes/request"
	"llmops/rules/slo"
)

// mix adds good requests of 100 ms, slow ones of exactly 500 ms, and failed
// ones, 10 ms apart, each kind spread evenly over the run.
func mix(a *Aggregator, good, slow, timeouts, errors int) {
	type item struct {
		at   float64
		make func(time.Duration) *request.Record
	}
	var items []item
	add := func(n int, make func(time.Duration) *request.Record) {
		for i := range n {
			items = append(items, item{(float64(i) + 0.5) / float64(n), make})
		}
	}
	add(good, func(at time.Duration) *request.Record { return plain(at, ms(100)) })
	add(slow, func(at time.Duration) *request.Record { return plain(at, ms(500)) })
	add(timeouts, func(at time.Duration) *request.Record { return failing(at, request.TimeoutIdle) })
	add(errors, func(at time.Duration) *request.Record { return failing(at, request.HTTP(503)) })
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.at, b.at) })
	for i, x := range items {
		a.Add(x.make(time.Duration(i) * 10 * time.Millisecond))
	}
}

// The sample sizes are those of the exact binomial test: 59 without and 93 with
// one over for p95 at 95 %, 459 and 662 for p99 at 99 %, 299 and 473 at 95 %.
func TestShareBoundaries(t *testing.T) {
	for _, c := range []struct {
		objective                    string
		confidence                   float64
		good, slow, timeouts, errors int
		want                         Verdict
		more                         uint64 // 0: not stated
	}{
		{"p95_latency_ms < 500", 0, 59, 0, 0, 0, Pass, 0},
		{"p95_latency_ms < 500", 0, 58, 0, 0, 0, Inconclusive, 1},
		{"p95_latency_ms < 500", 0, 20, 0, 0, 0, Inconclusive, 39},
		{"p95_latency_ms < 500", 0, 92, 1, 0, 0, Pass, 0},
		{"p95_latency_ms < 500", 0, 91, 1, 0, 0, Inconclusive, 0},
		{"p95_latency_ms <= 500", 0, 1, 58, 0, 0, Pass, 0},       // at the limit is within <=
		{"p95_latency_ms < 500.000001", 0, 1, 58, 0, 0, Pass, 0}, // one nanosecond above it
		{"p95_latency_ms < 500", 0, 10, 3, 0, 0, Fail, 0},        // P(X>=3 | 13, 0.05) = 0.0245
		{"p95_latency_ms < 500", 0, 8, 2, 0, 0, Inconclusive, 0}, // P(X>=2 | 10, 0.05) = 0.0861
		{"p95_latency_ms < 500", 0, 95, 5, 0, 0, Inconclusive, 0},
		{"p99_latency_ms < 500", 0.99, 459, 0, 0, 0, Pass, 0},
		{"p99_latency_ms < 500", 0.99, 458, 0, 0, 0, Inconclusive, 1},
		{"p99_latency_ms < 500", 0.99, 661, 1, 0, 0, Pass, 0},
		{"p99_latency_ms < 500", 0.99, 660, 1, 0, 0, Inconclusive, 0},
		{"p99_latency_ms < 500", 0, 472, 1, 0, 0, Pass, 0},
		{"p99_latency_ms < 500", 0, 471, 1, 0, 0, Inconclusive, 0},
		{"p99_latency_ms < 500", 0, 626, 2, 0, 0, Pass, 0},
		{"p99_latency_ms < 500", 0, 625, 2, 0, 0, Inconclusive, 0},
		{"p5_latency_ms > 99", 0, 59, 0, 0, 0, Pass, 0},
		{"p99_latency_ms < 500", 0, 299, 0, 0, 50, Pass, 0}, // failed ones are left out
		{"error_rate < 1%", 0, 299, 0, 0, 0, Pass, 0},
		{"error_rate < 1%", 0, 298, 0, 0, 0, Inconclusive, 1},
		{"error_rate < 1%", 0, 472, 0, 0, 1, Pass, 0},
		{"error_rate < 1%", 0, 471, 0, 0, 1, Inconclusive, 0},
		{"error_rate < 1%", 0, 95, 0, 2, 3, Fail, 0},
		{"success_rate >= 0.99", 0, 299, 0, 0, 0, Pass, 0},
		{"success_rate >= 0.99", 0, 298, 0, 0, 0, Inconclusive, 1},
		{"availability >= 99%", 0, 90, 0, 5, 5, Fail, 0},
		{"timeout_rate < 1%", 0, 298, 0, 0, 1, Pass, 0}, // an error is no timeout
		{"timeout_rate < 1%", 0, 297, 0, 1, 1, Inconclusive, 0},
		{"error_rate <= 0", 0, 1, 0, 0, 0, Pass, 0}, // by the count itself
		{"error_rate <= 0", 0, 5000, 0, 0, 1, Fail, 0},
		{"success_rate >= 1", 0, 7, 0, 0, 0, Pass, 0},
		{"success_rate >= 100%", 0, 7, 0, 1, 0, Fail, 0},
		{"success_rate > 0", 0, 1, 0, 0, 9, Pass, 0},
		{"error_rate < 1", 0, 1, 0, 0, 9, Pass, 0},
		{"max_latency_ms < 500", 0, 100, 0, 0, 0, Pass, 0},
		{"max_latency_ms < 500", 0, 100, 1, 0, 0, Fail, 0},
		{"max_latency_ms <= 500", 0, 100, 1, 0, 0, Pass, 0},
		{"min_latency_ms >= 100", 0, 10, 0, 0, 0, Pass, 0},
		{"min_latency_ms > 100", 0, 10, 0, 0, 0, Fail, 0},
		{"p95_ttft_ms < 500", 0, 1000, 0, 0, 0, Inconclusive, 0}, // not measured
		{"goodput > 1", 0, 1000, 0, 0, 0, Inconclusive, 0},       // nothing to be good by
		{"cost_per_request < 1", 0, 100, 0, 0, 0, Inconclusive, 0},
		{"quality_score > 0.5", 0, 100, 0, 0, 0, Inconclusive, 0},
	} {
		name := fmt.Sprintf("%s/%d+%d+%d+%d", c.objective, c.good, c.slow, c.timeouts, c.errors)
		t.Run(name, func(t *testing.T) {
			a := New(Config{Objectives: objectives(t, c.objective), Confidence: c.confidence})
			mix(a, c.good, c.slow, c.timeouts, c.errors)
			j := a.Summary(Run{}).SLO[0]
			if j.Verdict != c.want {
				t.Fatalf("%s, want %s: %s", j.Verdict, c.want, j.Detail)
			}
			if c.more > 0 && (j.MoreNeeded == nil || *j.MoreNeeded != c.more) {
				t.Errorf("more needed %v, want %d: %s", j.MoreNeeded, c.more, j.Detail)
			}
			if j.Detail == "" || j.Objective != c.objective || strings.Contains(j.Detail, "%!") {
				t.Errorf("%q: %q", j.Objective, j.Detail)
			}
		})
	}
}

// What is said to be enough is enough.
func TestMoreNeededDecides(t *testing.T) {
	for _, c := range []struct{ good, slow int }{{30, 0}, {80, 1}, {97, 3}, {93, 7}, {17, 2}} {
		a := New(Config{Objectives: objectives(t, "p95_latency_ms < 500")})
		mix(a, c.good, c.slow, 0, 0)
		j := a.Summary(Run{}).SLO[0]
		if j.Verdict != Inconclusive || j.MoreNeeded == nil {
			t.Fatalf("%v: %s %s", c, j.Verdict, j.Detail)
		}
		n := float64(c.good+c.slow) + float64(*j.MoreNeeded)
		slow := int(n * float64(c.slow) / float64(c.good+c.slow))
		b := New(Config{Objectives: objectives(t, "p95_latency_ms < 500")})
		mix(b, int(n)-slow, slow, 0, 0)
		if j := b.Summary(Run{}).SLO[0]; j.Verdict == Inconclusive {
			t.Errorf("%v: not decided after %v requests: %s", c, n, j.Detail)
		}
	}
}

func TestMeanVerdicts(t *testing.T) {
	// Ten latencies of 1 to 10 ms: 5.5 -/+ 1.8331 * sqrt(55/6/10) = 3.745 to 7.255.
	for objective, want := range map[string]Verdict{
		"mean_latency_ms < 7.256": Pass, "mean_latency_ms < 7.254": Inconclusive,
		"mean_latency_ms < 3.746": Inconclusive, "mean_latency_ms < 3.744": Fail,
		"mean_latency_ms > 3.744": Pass, "mean_latency_ms > 7.256": Fail, "mean_latency_ms >= 5.5": Inconclusive,
	} {
		a := New(Config{Objectives: objectives(t, objective)})
		for i := range 10 {
			a.Add(plain(time.Duration(i)*time.Millisecond, ms(float64(i+1))))
		}
		if j := a.Summary(Run{}).SLO[0]; j.Verdict != want || *j.Observed != 5.5 {
			t.Errorf("%s: %s %v: %s", objective, j.Verdict, *j.Observed, j.Detail)
		}
	}
	one := New(Config{Objectives: objectives(t, "mean_latency_ms < 100")})
	one.Add(plain(0, ms(1)))
	if j := one.Summary(Run{}).SLO[0]; j.Verdict != Inconclusive {
		t.Errorf("one request: %s", j.Detail)
	}
}

func TestQualityAndCost(t *testing.T) {
	a := New(Config{
		Objectives: objectives(t, "quality_score > 0.5", "cost_per_request < 0.001", "cost_per_token < 0.00001", "cost_per_request > 1"),
		Price:      Price{PerMillionPrompt: new(1.0), PerMillionCompletion: new(2.0)},
	})
	for i := range 20 {
		r := streamed(time.Duration(i)*ms(10), ms(5), ms(1), 20)
		r.Quality = new(0.8 + float64(i%2)/10)
		a.Add(r)
	}
	s := a.Summary(Run{})
	for i, want := range []Verdict{Pass, Pass, Pass, Fail} {
		if s.SLO[i].Verdict != want {
			t.Errorf("%s: %s %s", s.SLO[i].Objective, s.SLO[i].Verdict, s.SLO[i].Detail)
		}
	}
	// (10 * 1 + 20 * 2) / 1e6 for a request; 2.5e-6 for each of 20 tokens.
	if c := s.Cost; c == nil || *c.PerRequestUSD-5e-5 > 1e-12 || *c.Per1kTokensUSD-2.5e-3 > 1e-12 {
		t.Errorf("%+v", s.Cost)
	}
}

// A price for tokens needs the tokens of all: an average over some would pass
// for one over all.
func TestCostNeedsEveryCount(t *testing.T) {
	run := func(price Price, without int) Summary {
		a := New(Config{Price: price, Objectives: objectives(t, "cost_per_token < 1", "cost_per_request < 1")})
		for i := range 10 {
			r := streamed(time.Duration(i)*ms(10), ms(5), ms(1), 20)
			if i < without {
				r.CompletionTokens = nil
			}
			a.Add(r)
		}
		return a.Summary(Run{})
	}
	tokens := Price{PerMillionPrompt: new(1.0), PerMillionCompletion: new(2.0)}
	if s := run(tokens, 0); s.Cost == nil || len(s.Warnings) != 0 {
		t.Errorf("%+v %q", s.Cost, s.Warnings)
	}
	s := run(tokens, 3)
	if s.Cost != nil || len(s.Warnings) != 2 || !strings.Contains(s.Warnings[0], "3 of 10 succeeded requests have no count of completion tokens") ||
		!strings.Contains(s.Warnings[1], "no cost is given: 3 of 10") {
		t.Errorf("%+v %q", s.Cost, s.Warnings)
	}
	for _, j := range s.SLO {
		if j.Verdict != Inconclusive {
			t.Errorf("%+v", j)
		}
	}
	// Completion tokens are not needed for the price of prompts, nor any for
	// that of an hour; but a price of a token is.
	for _, p := range []Price{{PerMillionPrompt: new(1.0)}, {PerHour: new(3.6)}} {
		if c := run(p, 3).Cost; c == nil || c.PerRequestUSD == nil || c.Per1kTokensUSD != nil {
			t.Errorf("%+v", c)
		}
	}
}

func TestThroughputVerdicts(t *testing.T) {
	run := func(objective string, n int, every time.Duration) Judgement {
		a := New(Config{Objectives: objectives(t, objective, "p95_latency_ms < 50")})
		for i := range n {
			a.Add(streamed(time.Duration(i)*every, ms(5), ms(1), 6))
		}
		return a.Summary(Run{}).SLO[0]
	}
	for _, c := range []struct {
		objective string
		n         int
		want      Verdict
	}{
		{"requests_per_second > 90", 1000, Pass},
		{"requests_per_second > 110", 1000, Fail},
		{"tokens_per_second >= 550", 1000, Pass},
		{"tokens_per_second >= 650", 1000, Fail},
		{"goodput >= 90", 1000, Pass},
		{"requests_per_second > 10", 3, Inconclusive}, // three slices of 10 ms
		{"concurrent_requests <= 2", 1000, Pass},
		{"concurrent_requests <= 0.5", 1000, Fail},
	} {
		if j := run(c.objective, c.n, ms(10)); j.Verdict != c.want {
			t.Errorf("%s, %d requests: %s %s", c.objective, c.n, j.Verdict, j.Detail)
		}
	}
}

// The gaps of a request are no independent trials: one stalled request must
// not fail what a hundred others keep, nor a few requests prove a p99.
func TestGapsAreClustered(t *testing.T) {
	a := New(Config{Objectives: objectives(t, "p99_itl_ms < 50", "p90_itl_ms < 50")})
	for i := range 100 {
		gap := ms(10)
		if i == 0 {
			gap = ms(60)
		}
		a.Add(streamed(time.Duration(i)*ms(100), ms(20), gap, 101))
	}
	s := a.Summary(Run{})
	if j := s.SLO[0]; j.Verdict != Inconclusive || j.N != 10_000 || *j.Bad != 100 {
		t.Errorf("%+v", j)
	}
	if j := s.SLO[1]; j.Verdict != Pass {
		t.Errorf("%+v", j)
	}
	few := New(Config{Objectives: objectives(t, "p99_itl_ms < 50")})
	for i := range 30 {
		few.Add(streamed(time.Duration(i)*ms(100), ms(20), ms(10), 101))
	}
	if j := few.Summary(Run{}).SLO[0]; j.Verdict != Inconclusive || *j.MoreNeeded != 269 {
		t.Errorf("30 requests with 3000 gaps: %+v", j)
	}
}

// The unit tells what n counts, and whether more requests or more time decide.
func TestUnits(t *testing.T) {
	all := append(objectives(t, "p95_latency_ms < 50", "mean_itl_ms < 50", "p99_chunk_gap_ms < 50", "error_rate < 1%", "requests_per_second > 50", "max_ttft_ms < 50"),
		file(t, "slos: [{sli: requests_per_second > 50, target: 0.9, slice: 2s}]")...)
	a := New(Config{Objectives: all})
	a.Start(epoch)
	for i := range 1000 {
		a.Add(streamed(time.Duration(i)*ms(10), ms(5), ms(1), 6))
	}
	for i, want := range []struct {
		unit  Unit
		n     uint64
		slice float64
	}{
		{UnitRequests, 1000, 0}, {UnitGaps, 5000, 0}, {UnitGaps, 5000, 0}, {UnitRequests, 1000, 0},
		{UnitSlices, 20, 0.5}, {UnitRequests, 1000, 0}, {UnitSlices, 5, 2}, // of 10 s
	} {
		j := a.Summary(Run{}).SLO[i]
		if j.Unit != want.unit || j.N != want.n || j.SliceS != want.slice {
			t.Errorf("%s: %d %s of %v s", j.Objective, j.N, j.Unit, j.SliceS)
		}
	}
	short := New(Config{Objectives: objectives(t, "requests_per_second > 50")})
	for i := range 3 {
		short.Add(plain(time.Duration(i)*ms(10), ms(10)))
	}
	if j := short.Summary(Run{}).SLO[0]; j.Unit != UnitSlices || j.SliceS != 0.01 || j.N != 3 || *j.MoreNeeded != 2 {
		t.Errorf("%+v", j)
	}
}

// Misses that come together are worth less than as many apart when they speak
// for a pass; a burst of them breaks the objective all the same, and says so.
func TestNeighboursAreClustered(t *testing.T) {
	run := func(slow func(i int) bool) Judgement {
		a := New(Config{Objectives: objectives(t, "p99_latency_ms < 500")})
		for i := range 800 {
			latency := ms(100 + float64(i*7919%13))
			if slow(i) {
				latency = ms(500)
			}
			a.Add(plain(time.Duration(i)*ms(10), latency))
		}
		return a.Summary(Run{}).SLO[0]
	}
	apart := run(func(i int) bool { return i%50 == 7 })
	together := run(func(i int) bool { return i >= 400 && i < 416 })
	if apart.Verdict != Fail || *apart.Bad != 16 || strings.Contains(apart.Detail, "resemble") {
		t.Errorf("%+v", apart)
	}
	if together.Verdict != Fail || *together.Bad != 16 || !strings.Contains(together.Detail, "the requests resemble each other, so that this speaks of the run") {
		t.Errorf("%+v", together)
	}
	few := func(burst bool) Verdict {
		a := New(Config{Objectives: objectives(t, "p95_latency_ms < 500")})
		for i := range 800 {
			latency := ms(100 + float64(i*7919%13))
			if burst && i >= 400 && i < 424 || !burst && i%33 == 7 { // 24 of 40 that are allowed
				latency = ms(500)
			}
			a.Add(plain(time.Duration(i)*ms(10), latency))
		}
		return a.Summary(Run{}).SLO[0].Verdict
	}
	if few(false) != Pass || few(true) != Inconclusive {
		t.Errorf("24 of 800 at p95: apart %s, together %s", few(false), few(true))
	}
}

func TestConfidenceIsTakenAsGiven(t *testing.T) {
	for given, want := range map[float64]float64{0: 0.95, 0.99: 0.99, 0.3: 0.3, 0.5: 0.5} {
		if got := New(Config{Confidence: given}).confidence; got != want {
			t.Errorf("confidence %v is taken as %v", given, got)
		}
	}
}

func TestRound6(t *testing.T) {
	for x, want := range map[float64]float64{
		0: 0, 1.23456789: 1.234568, 0.0012345678: 0.001235, 0.00012345678: 0.0001235, 1.23456e-9: 1.235e-9, -4e-300: -4e-300,
		5e-324: 5e-324, 1e-6: 1e-6, 3e9 + 0.125: 3e9 + 0.125,
	} {
		if got := round6(x); got != want {
			t.Errorf("round6(%v) = %v, want %v", x, got, want)
		}
	}
}

func file(t *testing.T, yaml string) []slo.Objective {
	t.Helper()
	f, err := slo.Load("f", strings.NewReader(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return f.Objectives
}

func TestFileEntries(t *testing.T) {
	a := New(Config{Objectives: file(t, `slos:
  - {name: excluded, sli: latency_ms < 500, target: 0.95}
  - {name: counted, sli: latency_ms < 500, target: 0.95, errors: bad}
  - {name: avail, sli: availability, target: 0.9}
  - {sli: latency_ms < 500, target: 1}
  - {sli: latency_ms > 50, target: 0.5, errors: bad}
  - {sli: latency_ms > 50, target: 0.95, errors: bad}
`)})
	mix(a, 100, 0, 0, 10)
	s := a.Summary(Run{})
	for i, want := range []struct {
		name, objective string
		verdict         Verdict
		n               uint64
		left            int64
	}{
		{"excluded", "p95_latency_ms < 500", Pass, 100, 10},
		{"counted", "p95_latency_ms < 500", Fail, 110, 0}, // P(X>=10 | 110, 0.05) = 0.049
		{"avail", "success_rate >= 0.9", Inconclusive, 110, 0},
		{"", "max_latency_ms < 500", Pass, 100, 10},
		{"", "p50_latency_ms > 50", Pass, 110, 0},
		{"", "p5_latency_ms > 50", Fail, 110, 0},
	} {
		j := s.SLO[i]
		if j.Name != want.name || j.Objective != want.objective || j.Verdict != want.verdict || j.N != want.n || j.FailedExcluded != want.left {
			t.Errorf("%+v", j)
		}
	}
	if s.SLO[1].Observed != nil {
		t.Errorf("rank 105 of 110 is a failed request and has no latency: %v", *s.SLO[1].Observed)
	}
	// Of a lower limit the failed ones take the lowest ranks.
	if s.SLO[4].Observed == nil || *s.SLO[4].Observed != 100 || s.SLO[5].Observed != nil {
		t.Errorf("%+v %+v", s.SLO[4], s.SLO[5])
	}
}

// 60 s with one request of 2 tokens every 100 ms; second 30 to 33 is silent.
func TestTimeslices(t *testing.T) {
	a := New(Config{Objectives: file(t, `slos:
  - {sli: requests_per_second > 5, target: 0.9, method: timeslices, slice: 1s}
  - {sli: requests_per_second > 5, target: 0.9, method: timeslices, slice: 1s, min_events: 1}
  - {sli: tokens_per_second >= 20, target: 0.5, method: timeslices, slice: 2s}
  - {sli: tokens_per_second > 20, target: 0.5, method: timeslices, slice: 2s}
  - {sli: availability, target: 0.9, method: timeslices, slice: 1s, slice_target: 0.9}
  - {sli: availability, target: 0.9, method: timeslices, slice: 1m, slice_target: 0.9}
  - {sli: availability, target: 0.9, method: timeslices, slice: 1h, slice_target: 0.9}
`)})
	a.Start(epoch)
	for i := range 600 {
		if at := time.Duration(i) * ms(100); at < 30*time.Second || at >= 33*time.Second {
			a.Add(streamed(at, ms(50), ms(50), 2)) // done at the next tenth, and so in (0, 1] s first
		}
	}
	s := a.Summary(Run{})
	for i, want := range []struct {
		verdict Verdict
		n, bad  uint64
	}{{Inconclusive, 60, 3}, {Pass, 57, 0}, {Pass, 30, 2}, {Fail, 30, 30}, {Pass, 57, 0}, {Inconclusive, 1, 0}, {Inconclusive, 0, 0}} {
		j := s.SLO[i]
		bad := uint64(0)
		if j.Bad != nil {
			bad = *j.Bad
		}
		if j.Verdict != want.verdict || j.N != want.n || bad != want.bad {
			t.Errorf("%s: %s n=%d bad=%d: %s", j.Objective, j.Verdict, j.N, bad, j.Detail)
		}
	}
}

func TestRunVerdict(t *testing.T) {
	pass, fail, open := "max_latency_ms < 1000", "max_latency_ms < 1", "p99_latency_ms < 1000"
	for _, c := range []struct {
		name       string
		objectives []string
		good, bad  int
		client     ClientFacts
		want       Verdict
	}{
		{"pass", []string{pass}, 5, 0, ClientFacts{}, Pass},
		{"fail beats inconclusive", []string{pass, open, fail}, 5, 0, ClientFacts{}, Fail},
		{"inconclusive beats pass", []string{pass, open}, 5, 0, ClientFacts{}, Inconclusive},
		{"no objective", nil, 5, 1, ClientFacts{}, Pass},
		{"every request failed", nil, 0, 5, ClientFacts{}, Fail},
		{"every request failed, open objective", []string{open}, 0, 5, ClientFacts{}, Fail},
		{"nothing ran", []string{pass}, 0, 0, ClientFacts{}, Inconclusive},
		{"suspect", []string{pass}, 5, 0, ClientFacts{Suspect: []string{"the clock was set"}}, Pass},
		{"invalid", []string{pass, fail}, 5, 0, ClientFacts{Invalid: []string{"out of file descriptors"}}, Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New(Config{Objectives: objectives(t, c.objectives...)})
			mix(a, c.good, 0, 0, c.bad)
			s := a.Summary(Run{Client: c.client})
			if s.Verdict != c.want {
				t.Errorf("%s, want %s", s.Verdict, c.want)
			}
			for _, j := range s.SLO {
				if c.want == Invalid && (j.Verdict != Inconclusive || !strings.Contains(j.Detail, "file descriptors")) {
					t.Errorf("%+v", j)
				}
			}
			if c.bad > 0 != (len(s.Warnings) == 1) {
				t.Errorf("warnings %q", s.Warnings)
			}
		})
	}
	a := New(Config{Objectives: objectives(t, "error_rate < 50%")})
	mix(a, 5, 0, 0, 1)
	if s := a.Summary(Run{}); len(s.Warnings) != 0 {
		t.Errorf("an objective is on the error share: %q", s.Warnings)
	}
}
