package loadreport

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"llmops/analysis/stats"
)

// report is what was added, seen with what the run was.
type report struct {
	*Aggregator
	run      Run
	asMisses uint64  // cut requests to be counted as misses
	worse    uint64  // values that are to be counted as misses though they are none
	asHits   uint64  // misses that are not to be counted as such
	sooner   float64 // by so many ms a mean is to be lowered
}

// Summary judges what was added so far.
func (a *Aggregator) Summary(run Run) Summary {
	a.mu.Lock()
	defer a.mu.Unlock()
	return report{Aggregator: a, run: run}.summary()
}

func (a report) summary() Summary {
	run := a.run
	s := Summary{
		Schema: Schema, Version: run.Version, Target: run.Target, Load: run.Load,
		StartedAt: run.StartedAt.UTC().Truncate(time.Millisecond), DurationS: round6(run.Duration.Seconds()),
		Requests: a.requests, Errors: maps.Clone(a.errors), Tokens: a.tokens(),
		Throughput: a.throughput(),
		Metrics: Metrics{
			Latency: a.distribution(latency), TTFT: a.distribution(ttft), TPOT: a.distribution(tpot),
			ITL: a.distribution(itl), ChunkGap: a.distribution(chunkGap), Queue: a.distribution(queue),
		},
		ByURL: a.urls.summary(), Client: a.client(), Server: run.Server, Quality: a.qualitySummary(), Cost: a.cost(),
		Arrivals: a.arrivals.summary(run.Load.Mode), Lengths: run.Lengths,
		SLO: []Judgement{}, Warnings: slices.Clone(run.Warnings),
	}
	if w := a.measured(); w > 0 {
		s.MeasuredS = new(round6(w.Seconds()))
	}
	for _, c := range a.counters {
		j := a.judge(c)
		if s.Client.Verdict == ClientInvalid {
			j.Verdict, j.MoreNeeded = Inconclusive, nil
			j.Detail = "the client is invalid, so nothing is decided: " + s.Client.Reasons[0] + "; measured: " + j.Detail
		}
		s.SLO = append(s.SLO, j)
	}
	s.Verdict = overall(s)
	s.Warnings = append(s.Warnings, a.warnings()...)
	return s
}

// overall is the verdict of the run: fail before inconclusive before pass. A
// run without objectives passes when a request succeeded.
func overall(s Summary) Verdict {
	r := s.Requests
	switch {
	case s.Client.Verdict == ClientInvalid:
		return Invalid
	case r.Failed > 0 && r.Succeeded == 0:
		return Fail
	case r.Succeeded == 0:
		return Inconclusive
	}
	v := Pass
	for _, j := range s.SLO {
		if j.Verdict == Fail {
			return Fail
		}
		if j.Verdict == Inconclusive {
			v = Inconclusive
		}
	}
	return v
}

func (a *Aggregator) tokens() Tokens {
	t := Tokens{Source: a.source()}
	for _, x := range []struct {
		to   **int64
		v, n int64
	}{{&t.Prompt, a.prompt, a.promptN}, {&t.Completion, a.completion, a.completionN}, {&t.Reasoning, a.reasoning, a.reasoningN}, {&t.Cached, a.cached, a.cachedN}} {
		if x.n > 0 {
			*x.to = new(x.v)
		}
	}
	return t
}

// source says where the completion tokens come from.
func (a *Aggregator) source() string {
	switch {
	case a.fromUsage > 0 && a.fromChunks > 0:
		return "mixed"
	case a.fromUsage > 0:
		return "usage"
	case a.fromChunks > 0:
		return "chunks"
	}
	return ""
}

func (a report) throughput() Throughput {
	w := a.measured().Seconds()
	if w <= 0 {
		return Throughput{}
	}
	t := Throughput{
		RequestsPerSecond: new(round6(float64(a.requests.Succeeded) / w)),
		Concurrency:       new(round6(a.busy().Seconds() / w)),
	}
	if a.completionN > 0 {
		t.TokensPerSecond = new(round6(float64(a.completion) / w))
	}
	if a.inputs > 0 {
		t.InputsPerSecond = new(round6(float64(a.inputs) / w))
		if a.promptN > 0 {
			t.PromptTokensPerSecond = new(round6(float64(a.prompt) / w))
		}
	}
	if a.goodputMeasured() {
		t.Goodput = new(round6(float64(a.good) / w))
	}
	return t
}

// distribution sums up a sketch of nanoseconds in units of so many of them.
func distribution(s *stats.Sketch, unit float64) Distribution {
	return Distribution{Distribution: s.Distribution(func(v float64) float64 { return round6(v / unit) })}
}

func (a report) client() Client {
	run, f := a.run, a.run.Client
	c := Client{
		TimestampSource: f.TimestampSource, DispatchLateness: distribution(&a.lateness, 1e3),
		AskedRate: f.AskedRate, AchievedRate: f.AchievedRate,
	}
	if a.events > 0 {
		c.CoalescedRatio = new(round6(float64(a.coalesced) / float64(a.events)))
	}
	c.Resent = a.resent
	if a.readLag.Count() > 0 {
		c.ReadLag = new(distribution(&a.readLag, 1e3))
	}
	c.SchedP99, c.SchedMax = microseconds(f.SchedP99), microseconds(f.SchedMax)
	c.GCPauses, c.GCPauseMax = f.Pauses, microseconds(f.PauseMax)
	c.ClockStep = microseconds(f.ClockStep)
	if f.LongestWait != nil {
		c.LongestWait = microseconds(new(time.Duration(a.wait())))
	}
	if f.CPU != nil {
		events := f.Events
		if events == 0 {
			events = a.events
		}
		if events > 0 {
			c.CPUUsPerEvent = new(round6(float64(*f.CPU) / 1e3 / float64(events)))
		}
		if f.Cores > 0 && run.Duration > 0 {
			c.CPUShare = new(round6(f.CPU.Seconds() / run.Duration.Seconds() / f.Cores))
		}
	}
	if f.Judged {
		c.Verdict, c.Reasons = JudgeClient(Health{Suspect: f.Suspect, Invalid: f.Invalid})
		return c
	}
	c.Verdict, c.Reasons = JudgeClient(Health{
		Lateness: &a.lateness, UserStamps: f.TimestampSource != "" && f.TimestampSource != "kernel",
		SchedP99: f.SchedP99, PauseMax: f.PauseMax, ClockStep: f.ClockStep, MedianTTFT: a.median(ttft), MedianLatency: a.median(latency),
		AskedRate: f.AskedRate, AchievedRate: f.AchievedRate, Window: a.spanned(),
		CPUShare: c.CPUShare, CoalescedRatio: c.CoalescedRatio, Suspect: f.Suspect, Invalid: f.Invalid,
	})
	return c
}

func microseconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	return new(round6(float64(*d) / 1e3))
}

func (a *Aggregator) median(metric int) *time.Duration {
	v, ok := a.series[metric].sketch.Quantile(0.5)
	if !ok {
		return nil
	}
	return new(time.Duration(v))
}

// warnings say what the verdict does not show.
func (a report) warnings() []string {
	var out []string
	r := a.requests
	judged := slices.ContainsFunc(a.counters, func(c *counter) bool {
		return c.o.Metric == "error_rate" || c.o.Metric == "success_rate"
	})
	if r.Failed > 0 && !judged {
		var classes []string
		for _, class := range slices.Sorted(maps.Keys(a.errors)) {
			classes = append(classes, fmt.Sprintf("%s %d", class, a.errors[class]))
		}
		out = append(out, fmt.Sprintf("%d of %d requests failed (%s) and no objective is on the error share; add one such as 'error_rate < 1%%'",
			r.Failed, r.Failed+r.Succeeded, strings.Join(classes, ", ")))
	}
	if n := r.cut(); n > 0 && !a.run.Interrupted {
		out = append(out, fmt.Sprintf("%d of %d requests were cut off at the end of the run; they are in no figure", n, r.Total))
	}
	out = append(out, a.run.Lengths.warnings(a.run.Load.Trace != nil)...)
	if missing := r.Succeeded - a.completionN; missing > 0 && a.completionN > 0 {
		out = append(out, fmt.Sprintf("%d of %d succeeded requests have no count of completion tokens: tokens_per_second is without theirs", missing, r.Succeeded))
	}
	if w := a.qualityWarning(); w != "" {
		out = append(out, w)
	}
	if missing := a.uncounted(); missing > 0 {
		out = append(out, fmt.Sprintf("no cost is given: %d of %d succeeded requests lack a token count that a price is for", missing, r.Succeeded))
	}
	return out
}
