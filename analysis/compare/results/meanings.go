package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"llmops/analysis/compare"
)

// What metrics mean: two of the same name but another meaning are not compared.
const (
	sent      = "from when the request was sent"
	due       = "from when the request was due"
	anyChunk  = "from when the request was sent to the first chunk, with a token or without"
	perToken  = "mean time of a token after the first, a value a request"
	weighted  = "mean time of a token after the first, weighted by tokens"
	pooled    = "gaps between chunks with tokens"
	allPooled = "gaps between chunks, with tokens or without"
	perGap    = "gaps between chunks, each divided by its tokens"
	succeeded = "of requests that succeeded"
	ended     = "of requests that succeeded or failed"
)

// meanings are those of a tool, by metric, as docs/compare.md lists them. What is
// missing means what it does for us.
func meanings(r *compare.Run) map[string]string {
	m := map[string]string{
		"ttft_ms": sent, "latency_ms": sent, "tpot_ms": perToken, "chunk_gap_ms": pooled, "itl_ms": perGap,
		"queue_ms": "in the client", "error_rate": "share of requests", "requests_per_second": succeeded, "tokens_per_second": succeeded, "goodput": "within the objectives of the run",
	}
	switch r.About.Tool {
	case Ours:
		if r.Open {
			m["ttft_ms"], m["latency_ms"] = due, due
		}
	case "vllm", "sglang":
		m["ttft_ms"], m["chunk_gap_ms"] = anyChunk, allPooled
	case "guidellm":
		if r.Total == 0 {
			m["tpot_ms"] = weighted
		}
	case "k6":
		m["requests_per_second"] = ended
	}
	return m
}

// Ours is the name of our own load test.
const Ours = "llmops"

// Alike leaves in both sides only figures that mean the same, and tells of those that
// it left out. Runs of one tool keep all.
func Alike(baseline, candidate []compare.Run) (before, after []compare.Run, notes []string) {
	all := slices.Concat(baseline, candidate)
	means := map[string][]string{} // by metric, what runs that have it mean
	for i := range all {
		of := meanings(&all[i])
		for metric := range metricsOf(&all[i]) {
			if text, ok := of[metric]; ok && !slices.Contains(means[metric], text) {
				means[metric] = append(means[metric], text)
			}
		}
	}
	drop := map[string]bool{}
	for _, metric := range slices.Sorted(maps.Keys(means)) {
		if len(means[metric]) > 1 {
			drop[metric] = true
			notes = append(notes, fmt.Sprintf("%s is left out, for it is not the same on both sides: %s", metric, strings.Join(means[metric], "; ")))
		}
	}
	if len(drop) == 0 {
		return baseline, candidate, nil
	}
	return without(baseline, drop), without(candidate, drop), notes
}

func without(runs []compare.Run, drop map[string]bool) []compare.Run {
	out := slices.Clone(runs)
	for i := range out {
		r := &out[i]
		r.Values, r.Figures = maps.Clone(r.Values), maps.Clone(r.Figures)
		maps.DeleteFunc(r.Values, func(metric string, _ []float64) bool { return drop[metric] })
		maps.DeleteFunc(r.Figures, func(name string, _ float64) bool { return drop[metricOf(name)] })
		if drop["requests_per_second"] || drop["tokens_per_second"] {
			r.Slices = nil
		}
	}
	return out
}

func metricsOf(r *compare.Run) map[string]bool {
	list := map[string]bool{}
	for metric := range r.Values {
		list[metric] = true
	}
	for name := range r.Figures {
		list[metricOf(name)] = true
	}
	return list
}

// metricOf is the metric of a statistic: ttft_ms of p95_ttft_ms.
func metricOf(statistic string) string {
	if strings.HasSuffix(statistic, "_ms") {
		_, metric, _ := strings.Cut(statistic, "_")
		return metric
	}
	return statistic
}
