package capacity_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/analysis/stats"
	"llmops/probes/load/arrival"
	"llmops/probes/request"
	"llmops/probes/sim/model"
	"llmops/rules/slo"
)

// service is a simulated engine that is probed in virtual time, as a load test
// probes a server in real time.
type service struct {
	config     model.Config
	prompt     func(*rand.Rand) int
	objectives []slo.Objective
	idle       time.Duration
	length     time.Duration // 0: as capacity.Length has it
}

var origin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// find searches for the capacity.
func (s service) find(t *testing.T, seed uint64) (capacity.Report, *capacity.Search) {
	t.Helper()
	idle, _ := s.probe(t, 0.02/s.idle.Seconds(), seed, 2000*s.idle) // as good as no load
	search := capacity.New(capacity.Config{Start: 0.5 / s.idle.Seconds(), Idle: &idle.Margin})
	var reports []capacity.ProbeReport
	for n := uint64(1); ; n++ {
		load, ok := search.Next()
		if !ok {
			return search.Report(nil, reports), search
		}
		length := s.length
		if length == 0 {
			length = capacity.Length(s.objectives, load, capacity.Idle{Latency: s.idle})
		}
		if search.Rough() {
			length /= 2
		}
		p, r := s.probe(t, load, seed+n*1_000_003, length)
		search.Add(p)
		reports = append(reports, r)
	}
}

func (s service) probe(t *testing.T, load float64, seed uint64, length time.Duration) (capacity.Probe, capacity.ProbeReport) {
	t.Helper()
	engine, err := model.New(s.config)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 3))
	agg := loadreport.New(loadreport.Config{Objectives: s.objectives})
	warm := capacity.WarmUp(length, s.idle)
	agg.Start(origin.Add(warm))
	backlog := capacity.Backlog{Idle: s.idle}
	var arrived []time.Duration
	var sent, done int64
	var measured int
	var misses stats.Sequence
	emit := func(e model.Event) {
		if e.Reason == model.None {
			return
		}
		done++
		if at := arrived[e.ID]; at >= warm {
			r := &request.Record{ID: int64(e.ID), ScheduledAt: origin.Add(at), SentAt: origin.Add(at), DoneAt: origin.Add(e.At), OK: e.Reason == model.Limit || e.Reason == model.Stop, Status: 200}
			if !r.OK {
				r.Error = request.HTTP(503)
			}
			r.Derive()
			agg.Add(r)
			miss := 0.0
			if s.objectives[0].Op.Upper() == (*r.LatencyMs > s.objectives[0].Threshold.Float64()) {
				miss = 1
			}
			misses.Add(uint64(e.ID), miss, 1)
		}
	}
	p := capacity.Probe{Load: load, Verdict: capacity.Inconclusive, Unseen: capacity.Unseen(s.objectives, warm+length, capacity.Idle{Latency: s.idle})}
	tick := 50 * time.Millisecond
	next := tick
	filled := load + float64(capacity.Fill(s.objectives, load, capacity.Idle{Latency: s.idle}))/(warm/10).Seconds()
	schedule := arrival.Process{Kind: arrival.Poisson, Seed: seed, Profile: arrival.Profile{{Length: warm / 10, From: filled, To: filled}, {From: load, To: load}}}
	for at := range schedule.Times() {
		if at > warm+length {
			break
		}
		for ; next <= at && !p.Diverged; next += tick {
			engine.Advance(next, emit)
			backlog.Add(next, sent, done)
			p.Completed, p.Diverged = backlog.Growing()
		}
		if p.Diverged {
			break
		}
		engine.Advance(at, emit)
		arrived = append(arrived, at)
		sent++
		if at >= warm {
			measured++
		}
		engine.Submit(at, model.Request{PromptTokens: s.prompt(rng), MaxTokens: math.MaxInt32})
	}
	if !p.Diverged {
		p.Completed, p.Diverged = backlog.Grew()
		engine.Advance(math.MaxInt64, emit)
		p.Offered = float64(measured) / length.Seconds()
	}
	sum := agg.Summary(loadreport.Run{})
	j := sum.SLO[0]
	if j.Observed != nil {
		p.Margin = capacity.Of(s.objectives[0], *j.Observed, *j.Threshold)
	}
	if o := s.objectives[0]; o.Statistic == slo.Quantile && j.Bad != nil && j.N > 0 {
		p.Share, p.Allowed = float64(*j.Bad)/float64(j.N), 1-o.Target.Float64()
		p.Effect, _ = misses.DesignEffect(0.95)
	}
	p.Weight = float64(sum.Requests.Succeeded + sum.Requests.Failed)
	switch {
	case p.Diverged:
		p.Verdict = capacity.Fail
	case j.Verdict == loadreport.Pass, j.Verdict == loadreport.Fail:
		p.Verdict = capacity.Verdict(j.Verdict)
	}
	return p, capacity.ProbeReport{Rate: &load, Verdict: p.Verdict, Objective: j.Objective, Observed: j.Observed, Diverged: p.Diverged}
}

// plain is an engine that is nothing but a queue: a request holds its slot for a
// microsecond a token of its prompt.
func plain(slots int) model.Config {
	c := model.Default()
	c.PrefillBase, c.PrefillPerToken = 0, time.Microsecond
	c.DecodeBase, c.DecodePerSequence = 0, 0
	c.MaxRunning, c.KVBlocks = slots, slots
	c.BlockSize, c.MaxModelLen = 1<<40, 1<<40
	c.Output = model.OutputLength{}
	if err := c.Output.Set("1"); err != nil {
		panic(err)
	}
	return c
}

func objective(t *testing.T, text string) []slo.Objective {
	t.Helper()
	o, err := slo.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return []slo.Objective{o}
}

// In an M/M/1 queue with rates λ and μ, P(T > t) = exp(-(μ-λ)t): the p95 is within
// t up to λ = μ - ln(20)/t, the p99 up to μ - ln(100)/t, and the mean up to μ - 1/t.
// A queue of k servers with fixed service times S carries k/S a second.
func TestKnownKnees(t *testing.T) {
	exponential := func(mean float64) func(*rand.Rand) int {
		return func(rng *rand.Rand) int { return max(1, int(math.Round(rng.ExpFloat64()*mean*1e6))) }
	}
	fixed := func(s float64) func(*rand.Rand) int { return func(*rand.Rand) int { return int(s * 1e6) } }
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		s    service
		knee float64
	}{
		{"M/M/1 p95 at 70 %", service{plain(1), exponential(0.005), objective(t, "p95_latency_ms < 50"), 5 * ms, 30 * time.Second}, 200 - math.Log(20)/0.05},
		{"M/M/1 p99 at 77 %", service{plain(1), exponential(0.005), objective(t, "p99_latency_ms < 100"), 5 * ms, 60 * time.Second}, 200 - math.Log(100)/0.1},
		{"M/M/1 mean at 80 %", service{plain(1), exponential(0.005), objective(t, "mean_latency_ms < 25"), 5 * ms, 30 * time.Second}, 200 - 1/0.025},
		{"M/D/1 without a limit but its capacity", service{plain(1), fixed(0.01), objective(t, "p95_latency_ms < 3s"), 10 * ms, 2 * time.Minute}, 100},
		{"M/D/64", service{plain(64), fixed(0.5), objective(t, "p95_latency_ms < 2s"), 500 * ms, time.Minute}, 128},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seeds := uint64(5)
			if testing.Short() {
				seeds = 1
			}
			for seed := range seeds {
				r, s := c.s.find(t, seed+1)
				if r.RequestsPerSecond == nil {
					t.Errorf("seed %d: nothing found: %+v", seed+1, s.Probes())
					continue
				}
				got := *r.RequestsPerSecond
				t.Logf("seed %d: %.2f (%+.1f %%), %s to %s, %s after %d probes", seed+1, got, 100*(got/c.knee-1), number(r.Low), number(r.High), r.Ended, len(r.Probes))
				if math.Abs(got/c.knee-1) > 0.05 {
					t.Errorf("seed %d: capacity %.2f, analytically %.2f: %+v", seed+1, got, c.knee, s.Probes())
				}
				if len(r.Probes) > 12 {
					t.Errorf("seed %d: %d probes", seed+1, len(r.Probes))
				}
			}
		})
	}
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', 2, 64)
}
