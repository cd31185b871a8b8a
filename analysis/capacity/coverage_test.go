package capacity

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"llmops/analysis/stats"
	"llmops/rules/slo"
)

var coverageRuns = flag.Int("coverage", 0, "searches of each row of TestCoverage; 0: few, and only what must hold of them")

// waits is the probability that a request of an M/M/k queue waits (Erlang C), and η =
// k/mean - load, the rate with which the time that it then waits falls off.
func (q queue) waits(load float64) (wait, eta float64) {
	a, k := load*q.mean, float64(q.servers)
	blocked := 1.0 // Erlang B, by its recursion
	for i := 1.0; i <= k; i++ {
		blocked = a * blocked / (i + a*blocked)
	}
	return blocked / (1 - a/k*(1-blocked)), k/q.mean - load
}

// average is the mean time in an M/M/k queue.
func (q queue) average(load float64) float64 {
	wait, eta := q.waits(load)
	return q.mean + wait/eta
}

// tail is the share of requests of an M/M/k queue whose time in it exceeds t: a request
// may wait, and it is served in a time that falls off with 1/mean.
func (q queue) tail(load, t float64) float64 {
	mu := 1 / q.mean
	wait, eta := q.waits(load)
	if math.Abs(eta-mu) < 1e-9*mu {
		eta *= 1 + 1e-6
	}
	return (1-wait)*math.Exp(-mu*t) + wait*(eta*math.Exp(-mu*t)-mu*math.Exp(-eta*t))/(eta-mu)
}

// limit is the time that a share q of the requests keeps at a load.
func (q queue) limit(load, quantile float64) float64 {
	lo, hi := 0.0, 1e6*q.mean
	for range 200 {
		if m := (lo + hi) / 2; q.tail(load, m) > 1-quantile {
			lo = m
		} else {
			hi = m
		}
	}
	return hi
}

// trial is a search for a knee that is known.
type trial struct {
	queue
	knee   float64 // share of what the queue can serve
	length float64 // of a probe, s; 0: as Length has it
	ofMean bool    // the limit is one on the mean latency, not on its p95
}

type found struct {
	report Report
	off    float64 // of the figure, relative
	holds  bool    // the interval holds the truth
	atKnee float64 // requests of a probe there
}

func (c trial) objective(t testing.TB) slo.Objective {
	load := c.knee * float64(c.servers) / c.mean
	text := fmt.Sprintf("p95_latency_ms < %.6f", 1000*c.limit(load, 0.95))
	if c.ofMean {
		text = fmt.Sprintf("mean_latency_ms < %.6f", 1000*c.average(load))
	}
	o, err := slo.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (c trial) find(t testing.TB, seed uint64) found {
	o := c.objective(t)
	truth := c.knee * float64(c.servers) / c.mean
	idle := time.Duration(c.mean * float64(time.Second))
	light := -1000 * c.mean * math.Log(0.05)
	if c.ofMean {
		light = 1000 * c.mean
	}
	s := New(Config{Start: 0.5 / c.mean, Idle: new(Margin(light, o.Threshold.Float64(), true, false))})
	var reports []ProbeReport
	var f found
	for n := uint64(1); ; n++ {
		load, ok := s.Next()
		if !ok {
			break
		}
		length := time.Duration(c.length * float64(time.Second))
		if length == 0 {
			length = Length([]slo.Objective{o}, load, Idle{Latency: idle})
		}
		if s.Rough() {
			length /= 2
		} else {
			f.atKnee = length.Seconds() * truth
		}
		p := c.probe(rand.New(rand.NewPCG(seed, n)), o, load, length, idle)
		s.Add(p)
		reports = append(reports, ProbeReport{Rate: new(load), Verdict: p.Verdict})
	}
	f.report = s.Report(nil, reports)
	if load := f.report.Load(); load != nil {
		f.off = *load/truth - 1
		f.holds = f.report.Low != nil && *f.report.Low <= truth && (f.report.High == nil || truth <= *f.report.High)
	}
	return f
}

func (c trial) probe(rng *rand.Rand, o slo.Objective, load float64, length, idle time.Duration) Probe {
	limit := o.Threshold.Float64() / 1000
	warm := WarmUp(length, idle).Seconds()
	end := warm + length.Seconds()
	arrive, done := c.filled(rng, load, end, Fill([]slo.Objective{o}, load, Idle{Latency: idle}))
	p := Probe{Load: load, Verdict: Inconclusive, Unseen: Unseen([]slo.Objective{o}, time.Duration(end*float64(time.Second)), Idle{Latency: idle})}
	b := Backlog{Idle: idle}
	ended := slices.Sorted(slices.Values(done))
	sent, over := 0, 0
	for at := 0.05; at <= end && !p.Diverged; at += 0.05 {
		for sent < len(arrive) && arrive[sent] <= at {
			sent++
		}
		for over < len(ended) && ended[over] <= at {
			over++
		}
		b.Add(time.Duration(at*float64(time.Second)), int64(sent), int64(over))
		if p.Completed, p.Diverged = b.Growing(); p.Diverged {
			end = at
		}
	}
	if !p.Diverged {
		p.Completed, p.Diverged = b.Grew()
	}
	var taken []float64
	var misses, values stats.Sequence
	for i, at := range arrive {
		if at < warm || at > end {
			continue
		}
		taken = append(taken, done[i]-at)
		miss := 0.0
		if done[i]-at > limit {
			miss = 1
		}
		misses.Add(uint64(len(taken)-1), miss, 1)
		values.Add(uint64(len(taken)-1), 1000*(done[i]-at), 1)
	}
	p.Weight = float64(len(taken))
	judged, allowed := &misses, 0.05
	if c.ofMean {
		judged, allowed = &values, o.Threshold.Float64()
	} else if share, ok := misses.Estimate(); ok {
		p.Share, p.Allowed = share, allowed
	}
	p.Effect = Effect(o, judged, p.Weight, 0.95)
	if p.Diverged || len(taken) == 0 {
		p.Verdict, p.Margin = Fail, 1
		return p
	}
	p.Offered = p.Weight / length.Seconds()
	slices.Sort(taken)
	observed := 1000 * taken[stats.Rank(0.95, uint64(len(taken)))-1]
	if c.ofMean {
		observed, _ = values.Estimate()
	}
	p.Margin = Of(o, observed, o.Threshold.Float64())
	low, high, _ := judged.Bounds(0.95)
	if high < allowed {
		p.Verdict = Pass
	} else if low > allowed {
		p.Verdict = Fail
	}
	return p
}

// The figure is to be within 5 % of the truth, and the interval to hold it, also where
// the limit is near to saturation and each probe sees few independent values. The
// table of docs/capacity.md is that of -coverage 100.
func TestCoverage(t *testing.T) {
	runs := *coverageRuns
	if runs == 0 {
		runs = 8
	}
	if testing.Short() && *coverageRuns == 0 {
		t.Skip("searches in virtual time")
	}
	single, many := queue{servers: 1, mean: 0.005, exponential: true}, queue{servers: 8, mean: 0.04, exponential: true}
	for _, c := range []trial{
		{single, 0.5, 0, false}, {single, 0.7, 0, false}, {single, 0.9, 0, false}, {single, 0.95, 0, false}, {many, 0.9, 0, false}, {single, 0.9, 10, false}, {single, 0.95, 10, false},
		{single, 0.7, 0, true}, {single, 0.9, 0, true}, {many, 0.9, 0, true}, {single, 0.9, 10, true},
	} {
		if *coverageRuns == 0 && (c.length > 0 || c.knee < 0.9) {
			continue
		}
		var off, wide, probes stats.Welford
		var square, requests float64
		near, holds, narrow := 0, 0, 0
		for seed := range uint64(runs) {
			f := c.find(t, seed+1)
			if f.report.Load() == nil {
				t.Errorf("%d servers, knee at %g, seed %d: nothing found", c.servers, c.knee, seed+1)
				continue
			}
			off.Add(f.off)
			square += f.off * f.off
			probes.Add(float64(len(f.report.Probes)))
			requests = f.atKnee
			if math.Abs(f.off) <= 0.05 {
				near++
			}
			if f.holds {
				holds++
			}
			if f.report.Ended == Converged {
				narrow++
			}
			if f.report.Low != nil && f.report.High != nil {
				wide.Add((*f.report.High - *f.report.Low) / 2 / *f.report.Load())
			}
		}
		on := "p95"
		if c.ofMean {
			on = "mean"
		}
		t.Logf("| %s | %d | %.0f %% | %.0f | %d of %d | %+.1f %%, %.1f %% | %d | %.1f %% | %d | %.1f |", on, c.servers, 100*c.knee, requests, near, runs,
			100*off.Mean, 100*math.Sqrt(square/float64(runs)), holds, 100*wide.Mean, narrow, probes.Mean)
		if c.length == 0 && (float64(near) < 0.85*float64(runs) || float64(holds) < 0.85*float64(runs)) {
			t.Errorf("%d servers, knee at %g: of %d searches %d are within 5 %%, and %d intervals hold the truth", c.servers, c.knee, runs, near, holds)
		}
	}
}
