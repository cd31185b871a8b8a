package compat

import (
	"slices"
	"time"

	"llmops/probes/request"
)

// inferencePerf is summary_lifecycle_metrics.json, in seconds. Its clock of a request
// starts when that is sent and stops when the body has ended. Each token of an event
// is given the time of the event, so that tokens that came together are 0 apart.
// Reasoning is no output to it. Output tokens are those that the server counts, as
// with use_server_output_tokens.
func (c *Collector) inferencePerf(run Run) any {
	asked := c.with(func(s *sample) bool { return !s.cancelled() })
	done := c.with((*sample).ok)
	failed := c.with(func(s *sample) bool { return !s.ok() && !s.cancelled() })
	start := func(s *sample) time.Duration { return s.start }
	end := func(s *sample) time.Duration { return s.done }
	took := func(s *sample) (float64, bool) { return seconds(s.done - s.start), true }

	o := object{}
	from, to, some := window(asked, start, end)
	elapsed := seconds(to - from)
	if some {
		o.set("benchmark_time_seconds", elapsed)
	}
	load := object{{"count", len(asked)}}
	if run.Load.Mode == "open" { // a closed loop of that tool has all requests due at its start: nothing of the kind is here
		load.set("schedule_delay", inferenceFigures(values(asked, func(s *sample) (float64, bool) { return seconds(s.start - s.scheduled), true })))
	}
	if first, last, ok := window(asked, start, start); ok && run.Load.Rate != nil {
		load.set("send_duration", seconds(last-first))
		load.set("requested_rate", *run.Load.Rate)
		load.some("achieved_rate", ratio(float64(len(asked)), seconds(last-first)))
	}
	if run.Load.Concurrency != nil {
		load.set("concurrency", *run.Load.Concurrency)
	}
	o.set("load_summary", load)

	var ttft, tpot, itl []float64 // itl: gaps between tokens of two events
	together := int64(0)          // gaps between tokens of one event, which are 0
	good, goodTokens := 0, int64(0)
	for _, s := range done {
		latency := milliseconds(s.done - s.start)
		var toFirst, each *float64
		begin, n := s.chunks.from+s.thinking, int64(0)
		events := c.chunks[begin:s.chunks.to]
		for _, tokens := range c.tokens[begin:s.chunks.to] {
			n += int64(max(tokens, 1))
		}
		if n > 1 { // else it takes the reply for one that was not streamed
			first, last := events[0], events[len(events)-1]
			toFirst = new(milliseconds(first - s.start))
			ttft = append(ttft, seconds(first-s.start))
			for i := range len(events) - 1 {
				itl = append(itl, seconds(events[i+1]-events[i]))
			}
			together += n - int64(len(events))
			if s.completion > 1 {
				each = new(milliseconds(last-first) / float64(s.completion-1))
				tpot = append(tpot, *each/1e3)
			}
		}
		if kept, known := keeps(run.Limits, toFirst, each, &latency); kept && known {
			good++
			goodTokens += max(s.prompt, 0) + max(s.completion, 0)
		}
	}
	input, knowInput := total(done, func(s *sample) int64 { return s.prompt })
	output, knowOutput := total(done, func(s *sample) int64 { return s.completion })
	speeds := object{}
	if knowInput {
		speeds.some("input_tokens_per_sec", ratio(float64(input), elapsed))
	}
	if knowOutput {
		speeds.some("output_tokens_per_sec", ratio(float64(output), elapsed))
	}
	if knowInput && knowOutput {
		speeds.some("total_tokens_per_sec", ratio(float64(input+output), elapsed))
	}
	speeds.some("requests_per_sec", ratio(float64(len(done)), elapsed))
	lengths := values(done, func(s *sample) (float64, bool) { return count(s.completion) })
	successes := object{
		{"count", len(done)},
		{"latency", object{
			{"request_latency", inferenceFigures(values(done, took))},
			{"normalized_time_per_output_token", inferenceFigures(values(done, func(s *sample) (float64, bool) {
				return seconds(s.done-s.start) / float64(s.completion), s.completion > 0
			}))},
			{"time_per_output_token", inferenceFigures(tpot)},
			{"time_to_first_token", inferenceFigures(ttft)},
			{"inter_token_latency", summarized(object{}, together, itl)},
		}},
		{"throughput", speeds},
		{"prompt_tokens", promptTokens(done)},
		{"output_len", inferenceFigures(lengths)},
		{"output_tokens", withTotal(lengths)},
		{"client_fallback_requests", object{
			{"prompt", len(values(done, func(s *sample) (float64, bool) { return 0, s.prompt < 0 }))},
			{"output", len(values(done, func(s *sample) (float64, bool) { return 0, !s.counted }))},
		}},
	}
	if begun, ended, _ := window(done, start, end); limited(run.Limits) && ended > begun { // of successful requests alone
		g := object{
			{"goodput_percentage", 100 * float64(good) / float64(len(done))},
			{"request_goodput", float64(good) / seconds(ended-begun)},
		}
		if knowInput && knowOutput {
			g.set("token_goodput", float64(goodTokens)/seconds(ended-begun))
		}
		successes.set("goodput_metrics", append(g, member{"good_requests", good}, member{"total_requests", len(done)}))
	}
	o.set("successes", successes)
	o.set("failures", object{
		{"count", len(failed)},
		{"request_latency", inferenceFigures(values(failed, took))},
		{"prompt_tokens", promptTokens(failed)},
		{"by_label", byLabel(failed)},
	})
	return o
}

// inferenceFigures is one distribution; nil where there are no values.
func inferenceFigures(list []float64) any { return summarized(object{}, 0, list) }

// summarized adds to o the distribution of list, none of it negative, and of so many
// zeros, which a server may claim more of than there is memory for; nil without values.
func summarized(o object, zeros int64, list []float64) any {
	n := zeros + int64(len(list))
	if n == 0 {
		return nil
	}
	slices.Sort(list)
	at := func(i int64) float64 {
		if i < zeros {
			return 0
		}
		return list[i-zeros]
	}
	o.set("mean", sum(list)/float64(n))
	o.set("min", at(0))
	o.set("max", at(n-1))
	for _, p := range []float64{0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9} {
		name := "p" + rank(p)
		if p == 50 {
			name = "median"
		}
		o.set(name, interpolated(n, at, p))
	}
	return o
}

func withTotal(list []float64) any {
	return summarized(object{{"total", sum(list)}}, 0, list)
}

func promptTokens(list []*sample) any {
	prompts := values(list, func(s *sample) (float64, bool) { return count(s.prompt) })
	if len(prompts) == 0 {
		return nil
	}
	o := object{{"total", sum(prompts)}}
	if cached, ok := total(list, func(s *sample) int64 { return s.cached }); ok {
		o.set("cached", cached)
		o.set("uncached", max(sum(prompts)-float64(cached), 0))
	}
	return summarized(o, 0, prompts)
}

// maxMessages is how many different messages of one kind of failure are shown.
const maxMessages = 100

func byLabel(failed []*sample) object {
	byClass := map[request.Class][]*sample{}
	for _, s := range failed {
		byClass[s.class] = append(byClass[s.class], s)
	}
	o := object{}
	for _, class := range classes(byClass) {
		seen := map[string]bool{}
		messages := []object{}
		for _, s := range byClass[class] {
			if !seen[s.detail] && len(messages) < maxMessages {
				seen[s.detail] = true
				messages = append(messages, object{{"message", s.detail}})
			}
		}
		o.set(string(class), object{{"count", len(byClass[class])}, {"messages", messages}})
	}
	return o
}
