package compat

import (
	"maps"
	"slices"
	"strings"
	"time"

	"llmops/probes/request"
)

// aiperf is profile_export_aiperf.json. Its clock of a request starts when that is
// sent, before the client connects, and stops with the last event that has output.
// Tokens are those that the server counts, as with --use-server-token-count.
func (c *Collector) aiperf(run Run) any {
	asked := c.with(func(s *sample) bool { return !s.cancelled() })
	// A reply without any output is an error to it; one that came in one piece has output.
	done := c.with(func(s *sample) bool {
		return s.ok() && (s.chunks.to > s.chunks.from || s.bare.to == s.bare.from)
	})
	last := func(s *sample) time.Duration {
		if out := c.outputs(s); len(out) > 0 {
			return out[len(out)-1]
		}
		return s.done
	}
	latency := func(s *sample) (float64, bool) { return milliseconds(last(s) - s.start), true }
	nth := func(n int, after func(*sample) time.Duration) func(*sample) (float64, bool) {
		return func(s *sample) (float64, bool) {
			out := c.outputs(s)
			if n >= len(out) {
				return 0, false
			}
			return milliseconds(out[n] - after(s)), true
		}
	}
	begun := func(s *sample) time.Duration { return s.start }
	ttft := nth(0, begun)
	itl := func(s *sample) (float64, bool) {
		first, ok := ttft(s)
		if !ok || s.completion < 2 {
			return 0, false
		}
		return (milliseconds(last(s)-s.start) - first) / float64(s.completion-1), true
	}
	speed := func(tokens int64, ms float64, ok bool) (float64, bool) {
		if !ok || tokens < 0 || ms <= 0 {
			return 0, false
		}
		return float64(tokens) / ms * 1e3, true
	}

	o := object{}
	o.set("schema_version", "1.4")
	o.set("generator", "llmops "+run.Version)
	records := func(tag, unit string, figure func(*sample) (float64, bool)) {
		aiperfBlock(&o, tag, unit, values(done, figure))
	}
	records("request_latency", "ms", latency)
	records("time_to_first_token", "ms", ttft)
	records("time_to_second_token", "ms", nth(1, func(s *sample) time.Duration { return c.outputs(s)[0] }))
	records("time_to_first_output_token", "ms", func(s *sample) (float64, bool) { return nth(s.thinking, begun)(s) })
	records("inter_token_latency", "ms", itl)
	var gaps []float64
	for _, s := range done {
		out := c.outputs(s)
		for i := 1; i < len(out); i++ {
			gaps = append(gaps, milliseconds(out[i]-out[i-1]))
		}
	}
	aiperfBlock(&o, "inter_chunk_latency", "ms", gaps)
	records("decode_duration", "ms", func(s *sample) (float64, bool) {
		first, ok := ttft(s)
		return milliseconds(last(s)-s.start) - first, ok
	})
	records("output_token_throughput_per_user", "tokens/sec/user", func(s *sample) (float64, bool) {
		v, ok := itl(s)
		return speed(1, v, ok)
	})
	records("e2e_output_token_throughput", "tokens/sec/user", func(s *sample) (float64, bool) {
		v, ok := latency(s)
		return speed(s.completion, v, ok)
	})
	records("prefill_throughput_per_user", "tokens/sec/user", func(s *sample) (float64, bool) {
		v, ok := ttft(s)
		return speed(s.prompt, v, ok)
	})
	records("output_sequence_length", "tokens", func(s *sample) (float64, bool) { return count(s.completion) })
	records("input_sequence_length", "tokens", func(s *sample) (float64, bool) { return count(s.prompt) })
	records("output_token_count", "tokens", func(s *sample) (float64, bool) {
		n := s.completion - max(s.reasoning, 0)
		return float64(n), s.completion >= 0 && n > 0
	})
	records("reasoning_token_count", "tokens", func(s *sample) (float64, bool) { return count(s.reasoning) })

	figure := func(tag, unit string, v float64) { o.set(tag, object{{"unit", unit}, {"avg", v}}) }
	figure("request_count", "requests", float64(len(done)))
	if failed := len(asked) - len(done); failed > 0 {
		figure("error_request_count", "requests", float64(failed))
	}
	figure("completed_request_count", "requests", float64(len(asked)))
	if len(asked) > 0 {
		figure("request_error_rate", "%", 100*float64(len(asked)-len(done))/float64(len(asked)))
	}
	input, knowInput := total(done, func(s *sample) int64 { return s.prompt })
	output, knowOutput := total(done, func(s *sample) int64 { return s.completion })
	if knowInput {
		figure("total_isl", "tokens", float64(input))
	}
	if knowOutput {
		figure("total_osl", "tokens", float64(output))
	}
	if from, to, ok := window(done, begun, last); ok && to > from {
		figure("benchmark_duration", "sec", seconds(to-from))
	}
	// Rates are not over that, but over the whole phase.
	from, to, _ := window(asked, func(s *sample) time.Duration { return s.scheduled }, func(s *sample) time.Duration { return s.done })
	if d := seconds(to - from); d > 0 {
		figure("request_throughput", "requests/sec", float64(len(done))/d)
		if knowInput {
			figure("input_token_throughput", "tokens/sec", float64(input)/d)
		}
		if knowOutput {
			figure("output_token_throughput", "tokens/sec", float64(output)/d)
		}
		if knowInput && knowOutput {
			figure("total_token_throughput", "tokens/sec", float64(input+output)/d)
		}
		if limited(run.Limits) {
			good := 0
			for _, s := range done {
				if kept, known := keeps(run.Limits, measured(ttft(s)), measured(itl(s)), measured(latency(s))); kept && known {
					good++
				}
			}
			figure("good_request_count", "requests", float64(good))
			figure("good_request_fraction", "ratio", float64(good)/float64(len(asked)))
			figure("goodput", "requests/sec", float64(good)/d)
		}
	}
	o.set("was_cancelled", run.Interrupted)
	o.set("error_summary", errorSummary(asked))
	if len(asked) > 0 {
		o.set("start_time", c.base.Add(from).UTC().Format("2006-01-02T15:04:05.000000"))
		o.set("end_time", c.base.Add(to).UTC().Format("2006-01-02T15:04:05.000000"))
	}
	return o
}

// aiperfBlock is one metric; nothing where there are no values.
func aiperfBlock(o *object, tag, unit string, list []float64) {
	if len(list) == 0 {
		return
	}
	mean, std := spread(list)
	b := object{{"unit", unit}, {"avg", mean}}
	for _, p := range []float64{1, 5, 10, 25, 50, 75, 90, 95, 99} {
		b.set("p"+rank(p), percentile(list, p))
	}
	b.set("min", list[0])
	b.set("max", list[len(list)-1])
	b.set("std", std)
	b.set("count", len(list))
	b.set("sum", sum(list))
	o.set(tag, b)
}

// errorSummary counts failures by class, most first.
func errorSummary(asked []*sample) []object {
	byClass := map[request.Class][]*sample{}
	for _, s := range asked {
		if !s.ok() {
			byClass[s.class] = append(byClass[s.class], s)
		}
	}
	list := []object{}
	for _, class := range classes(byClass) {
		failed := byClass[class]
		details := object{}
		if failed[0].status != 0 {
			details.set("code", failed[0].status)
		}
		details.set("type", string(class))
		details.set("message", failed[0].detail)
		list = append(list, object{{"error_details", details}, {"count", len(failed)}})
	}
	return list
}

// classes are those of failures, the commonest first.
func classes(byClass map[request.Class][]*sample) []request.Class {
	return slices.SortedFunc(maps.Keys(byClass), func(a, b request.Class) int {
		if d := len(byClass[b]) - len(byClass[a]); d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
}
