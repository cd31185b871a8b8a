package comparecmd

import (
	"fmt"
	"strconv"
	"strings"

	"llmops/analysis/compare"
	"llmops/analysis/compare/results"
	"llmops/analysis/loadreport"
)

// about is what a summary tells of a run beside its figures.
func about(s *loadreport.Summary) compare.About {
	a := compare.About{
		Tool: results.Ours, Target: s.Target.URL, API: s.Target.API, Model: s.Target.Model,
		Load: loadWords(s.Load), Seed: strconv.FormatUint(s.Load.Seed, 10), Client: string(s.Client.Verdict), Reasons: s.Client.Reasons,
	}
	if t := s.Load.Trace; t != nil {
		a.Prompts = t.Name
	}
	if n := float64(s.Requests.Succeeded); n > 0 && s.Tokens.Prompt != nil {
		a.PromptTokens = float64(*s.Tokens.Prompt) / n
	}
	if n := float64(s.Requests.Succeeded); n > 0 && s.Tokens.Completion != nil {
		a.OutputTokens = float64(*s.Tokens.Completion) / n
	}
	return a
}

// loadWords says how the load was made.
func loadWords(l loadreport.Load) string {
	var parts []string
	parts = append(parts, l.Mode+" loop")
	if l.Concurrency != nil {
		parts = append(parts, fmt.Sprintf("concurrency %d", *l.Concurrency))
	}
	if l.Rate != nil {
		parts = append(parts, fmt.Sprintf("%v req/s", *l.Rate))
	}
	if l.Arrivals != nil {
		parts = append(parts, *l.Arrivals)
	}
	if l.MaxConcurrency != nil {
		parts = append(parts, fmt.Sprintf("at most %d at once", *l.MaxConcurrency))
	}
	for _, text := range []string{l.Shape, l.Cancel} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if l.Trace != nil {
		parts = append(parts, "a trace")
	}
	if l.Sessions != nil {
		parts = append(parts, "sessions of "+l.Sessions.Turns)
	}
	return strings.Join(parts, ", ")
}

// figures are those of a summary, for what its requests do not tell.
func figures(s *loadreport.Summary) map[string]float64 {
	out := map[string]float64{}
	set := func(name string, v *float64) {
		if v != nil {
			out[name] = *v
		}
	}
	for metric, d := range map[string]loadreport.Distribution{"ttft_ms": s.Metrics.TTFT, "tpot_ms": s.Metrics.TPOT, "latency_ms": s.Metrics.Latency, "itl_ms": s.Metrics.ITL, "chunk_gap_ms": s.Metrics.ChunkGap, "queue_ms": s.Metrics.Queue} {
		set("mean_"+metric, d.Mean)
		set("p50_"+metric, d.P50)
		set("p90_"+metric, d.P90)
		set("p95_"+metric, d.P95)
		set("p99_"+metric, d.P99)
	}
	set("requests_per_second", s.Throughput.RequestsPerSecond)
	set("tokens_per_second", s.Throughput.TokensPerSecond)
	set("goodput", s.Throughput.Goodput)
	if n := s.Requests.Succeeded + s.Requests.Failed; n > 0 {
		out["error_rate"] = float64(s.Requests.Failed) / float64(n)
	}
	return out
}
