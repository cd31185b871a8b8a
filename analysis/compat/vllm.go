package compat

import (
	"maps"
	"slices"
	"time"
)

// vllm is the flat object of "vllm bench serve --save-result". Its clock of a request
// starts when that is sent and stops with the last event that has choices, whatever
// is in them: a first one with nothing but a role is its first token. The list of
// figures is that of a run with --percentile-metrics ttft,tpot,itl,e2el.
func (c *Collector) vllm(run Run) any {
	asked := c.with(func(s *sample) bool { return !s.cancelled() })
	done := c.with((*sample).ok)
	o := object{}
	o.set("date", run.StartedAt.Format("20060102-150405"))
	backend := run.Target.API
	switch backend {
	case "chat":
		backend = "openai-chat"
	case "completions":
		backend = "openai"
	}
	o.set("endpoint_type", backend)
	o.set("backend", backend)
	o.set("label", nil)
	o.set("model_id", run.Target.Model)
	o.set("tokenizer_id", nil)
	o.set("num_prompts", len(asked))
	o.set("request_rate", "inf")
	if run.Load.Rate != nil {
		o[len(o)-1].value = *run.Load.Rate
	}
	o.set("burstiness", burstiness(run))
	o.set("max_concurrency", concurrency(run))

	from, to, some := window(asked, func(s *sample) time.Duration { return s.scheduled }, func(s *sample) time.Duration { return s.done })
	duration := seconds(to - from)
	input, knowInput := total(done, func(s *sample) int64 { return s.prompt })
	output, knowOutput := total(done, func(s *sample) int64 { return s.completion })
	if some {
		o.set("duration", duration)
	}
	o.set("completed", len(done))
	o.set("failed", len(asked)-len(done))
	if knowInput {
		o.set("total_input_tokens", input)
	}
	if knowOutput {
		o.set("total_output_tokens", output)
	}
	o.some("request_throughput", ratio(float64(len(done)), duration))
	goodput := len(o)
	o.set("request_goodput", nil)
	if knowOutput {
		o.some("output_throughput", ratio(float64(output), duration))
	}
	if knowInput && knowOutput {
		o.some("total_token_throughput", ratio(float64(input+output), duration))
	}
	c.vllmPeaks(&o, done)

	var ttft, tpot, itl, e2el, queue, whole []float64
	var events []time.Duration
	good := 0
	for _, s := range done {
		events = c.choices(events[:0], s)
		end := s.done
		var first, each *float64
		if n := len(events); n > 0 { // else the reply came in one piece
			end = events[n-1]
			first, each = new(milliseconds(events[0]-s.start)), new(0.0) // one token breaks no limit on TPOT
			ttft = append(ttft, *first)
			if s.completion > 1 {
				*each = milliseconds(end-events[0]) / float64(s.completion-1)
				tpot = append(tpot, *each)
			}
			for i := range n - 1 {
				itl = append(itl, milliseconds(events[i+1]-events[i]))
			}
		}
		latency := milliseconds(end - s.start)
		e2el = append(e2el, latency)
		queue = append(queue, milliseconds(s.start-s.scheduled))
		whole = append(whole, milliseconds(end-s.scheduled))
		if kept, known := keeps(run.Limits, first, each, &latency); kept && known {
			good++
		}
	}
	if limited(run.Limits) && duration > 0 {
		o[goodput].value = float64(good) / duration
	}
	vllmFigures(&o, "ttft", ttft)
	vllmFigures(&o, "tpot", tpot)
	vllmFigures(&o, "itl", itl)
	vllmFigures(&o, "e2el", e2el)
	if run.Load.MaxConcurrency != nil { // of a closed loop that queue holds all requests at once: nothing of the kind is here
		vllmFigures(&o, "client_queue_time", queue)
		vllmFigures(&o, "e2el_including_client_queue", whole)
	}
	return o
}

func vllmFigures(o *object, name string, list []float64) {
	if len(list) == 0 {
		return
	}
	mean, std := spread(list)
	o.set("mean_"+name+"_ms", mean)
	o.set("median_"+name+"_ms", percentile(list, 50))
	o.set("std_"+name+"_ms", std)
	for _, p := range []float64{50, 90, 95, 99} {
		o.set("p"+rank(p)+"_"+name+"_ms", percentile(list, p))
	}
}

// choices appends to dst the times of all events that have choices, in order.
func (c *Collector) choices(dst []time.Duration, s *sample) []time.Duration {
	dst = append(dst, c.outputs(s)...)
	dst = append(dst, c.bare[s.bare.from:s.bare.to]...)
	slices.Sort(dst)
	return dst
}

// vllmPeaks counts events, which it calls tokens, and requests in flight by whole
// seconds after the first request that succeeded was sent.
func (c *Collector) vllmPeaks(o *object, done []*sample) {
	end := func(s *sample) time.Duration {
		last := s.start
		for _, list := range [][]time.Duration{c.outputs(s), c.bare[s.bare.from:s.bare.to]} {
			if n := len(list); n > 0 {
				last = max(last, list[n-1])
			}
		}
		return last
	}
	from, _, some := window(done, func(s *sample) time.Duration { return s.start }, end)
	if !some {
		return
	}
	second := func(at time.Duration) int64 { return int64((at - from) / time.Second) }
	tokens, changes := map[int64]int{}, map[int64]int{} // by second; a long silence takes no room
	var events []time.Duration
	for _, s := range done {
		events = c.choices(events[:0], s)
		for _, at := range events {
			tokens[second(at)]++
		}
		changes[second(s.start)]++
		changes[second(end(s))+1]--
	}
	tokensAt, most, now := 0, 0, 0
	for _, n := range tokens {
		tokensAt = max(tokensAt, n)
	}
	for _, at := range slices.Sorted(maps.Keys(changes)) {
		now += changes[at]
		most = max(most, now)
	}
	o.set("max_output_tokens_per_s", float64(tokensAt))
	o.set("max_concurrent_requests", most)
}

// burstiness is that of arrivals: 1 is Poisson, nil a process that has none.
func burstiness(run Run) any {
	switch {
	case run.Load.Burstiness != nil:
		return *run.Load.Burstiness
	case run.Load.Arrivals == nil || *run.Load.Arrivals == "poisson":
		return 1.0
	}
	return nil
}

// concurrency is the cap on requests in flight; nil without one.
func concurrency(run Run) any {
	switch {
	case run.Load.Concurrency != nil:
		return *run.Load.Concurrency
	case run.Load.MaxConcurrency != nil:
		return *run.Load.MaxConcurrency
	}
	return nil
}

// total adds up a number of tokens; false when it is known of no request.
func total(list []*sample, tokens func(*sample) int64) (sum int64, known bool) {
	for _, s := range list {
		if n := tokens(s); n >= 0 {
			sum, known = sum+n, true
		}
	}
	return sum, known
}
