package compat

import "time"

// guidellm is benchmarks.json with one benchmark. Its clock of a request starts when
// the head of that is written, on a connection that stands, and stops when the body
// has ended. TPOT includes the time to the first token, and ITL is one mean a
// request; both are weighted by tokens.
//
// Distributions are those of successful requests. For the others it fills in 0 for
// what was not measured, which is not done here: they are null, and so is the total
// where there are others.
func (c *Collector) guidellm(run Run) any {
	done := c.with((*sample).ok)
	errored := c.with(func(s *sample) bool { return !s.ok() && !s.cancelled() })
	cancelled := c.with((*sample).cancelled)
	all := c.with(func(*sample) bool { return true })
	clean := len(errored)+len(cancelled) == 0
	start := func(s *sample) time.Duration { return s.start + s.connect }
	end := func(s *sample) time.Duration { return s.done }
	from, to, some := window(all, start, end)

	counts := object{{"successful", len(done)}, {"errored", len(errored)}, {"incomplete", len(cancelled)}, {"total", len(all)}}
	status := func(d any) any {
		o := object{{"successful", d}, {"errored", nil}, {"incomplete", nil}, {"total", nil}}
		if clean {
			o[3].value = d
		}
		return o
	}
	plain := func(figure func(*sample) (float64, bool)) any {
		return status(ones(values(done, figure)).summary())
	}
	ttft := func(n func(*sample) int) func(*sample) (float64, bool) {
		return func(s *sample) (float64, bool) {
			out := c.outputs(s)
			if i := n(s); i < len(out) {
				return milliseconds(out[i] - start(s)), true
			}
			return 0, false
		}
	}

	_, knowInput := total(done, func(s *sample) int64 { return s.prompt })
	_, knowOutput := total(done, func(s *sample) int64 { return s.completion })
	var tpot, itl weights
	var good []event
	determined := len(errored)
	var ends, prompts, outputs, tokens []event
	var flights []flight
	var perIteration []float64
	for _, s := range done {
		out, first, last := c.outputs(s), end(s), end(s)
		if len(out) > 0 {
			first, last = out[0], out[len(out)-1]
		}
		if s.completion > 0 {
			tpot = append(tpot, weighted{milliseconds(last-start(s)) / float64(s.completion), float64(s.completion)})
		}
		var mean *float64
		if s.completion > 1 && len(out) > 0 {
			mean = new(milliseconds(last-first) / float64(s.completion-1))
			itl = append(itl, weighted{*mean, float64(s.completion - 1)})
		}
		if kept, known := keeps(run.Limits, measured(milliseconds(first-start(s)), len(out) > 0), mean, new(milliseconds(end(s)-start(s)))); known {
			determined++
			if kept {
				good = append(good, event{seconds(end(s) - from), 1})
			}
		}
		ends = append(ends, event{seconds(end(s) - from), 1})
		flights = append(flights, flight{seconds(start(s) - from), seconds(end(s) - from)})
		made := iterations(seconds(first-from), seconds(last-from), len(out), s.completion)
		for _, e := range made {
			if s.completion >= 0 {
				perIteration = append(perIteration, e.n)
			}
		}
		prompt := event{seconds(first - from), float64(max(s.prompt, 0))}
		prompts = append(prompts, prompt)
		outputs = append(outputs, made...)
		tokens = append(append(tokens, prompt), made...)
	}
	length := seconds(to - from)
	speed := func(list []event, known bool) any {
		if !known {
			return status(nil)
		}
		return status(rates(list, length))
	}
	m := object{
		{"request_totals", counts},
		{"requests_per_second", status(rates(ends, length))},
		{"request_concurrency", status(inFlight(flights, length))},
		{"request_latency", plain(func(s *sample) (float64, bool) { return seconds(end(s) - start(s)), true })},
	}
	if run.Load.Mode == "open" {
		m.set("request_dispatch_delay", plain(func(s *sample) (float64, bool) { return seconds(start(s) - s.scheduled), true }))
		m.set("request_scheduled_latency", plain(func(s *sample) (float64, bool) { return seconds(end(s) - s.scheduled), true }))
	}
	m = append(m,
		member{"prompt_token_count", plain(func(s *sample) (float64, bool) { return count(s.prompt) })},
		member{"output_token_count", plain(func(s *sample) (float64, bool) { return count(s.completion) })},
		member{"total_token_count", plain(func(s *sample) (float64, bool) {
			return float64(s.prompt + s.completion), s.prompt >= 0 && s.completion >= 0
		})},
		member{"time_to_first_token_ms", plain(ttft(func(*sample) int { return 0 }))},
		member{"time_to_first_output_token_ms", plain(ttft(func(s *sample) int { return s.thinking }))},
		member{"time_per_output_token_ms", status(tpot.summary())},
		member{"inter_token_latency_ms", status(itl.summary())},
		member{"prompt_tokens_per_second", speed(prompts, knowInput)},
		member{"output_tokens_per_second", speed(outputs, knowOutput)},
		member{"tokens_per_second", speed(tokens, knowInput && knowOutput)},
		member{"output_tokens_per_iteration", status(ones(perIteration).summary())},
	)
	if limited(run.Limits) && determined > 0 {
		m.set("slo_attainment", float64(len(good))/float64(determined))
		m.set("slo_determined_requests", determined)
		m.set("request_goodput", object{{"successful", rates(good, length)}})
	}
	b := object{
		{"type_", "generative_benchmark"},
		{"config", object{{"strategy", strategy(run)}, {"backend", object{{"target", run.Target.URL}, {"model", run.Target.Model}}}}},
	}
	if some {
		begin, stop := epoch(c.base.Add(from)), epoch(c.base.Add(to))
		b.set("scheduler_metrics", object{
			{"request_start_time", begin}, {"measure_start_time", begin}, {"measure_end_time", stop}, {"request_end_time", stop},
			{"requests_made", counts},
		})
		b = append(b, member{"start_time", begin}, member{"end_time", stop}, member{"duration", length})
	}
	b.set("metrics", m)
	return object{
		{"metadata", object{{"version", 2}, {"generator", "llmops " + run.Version}}},
		{"benchmarks", []any{b}},
	}
}

// iterations are the tokens of a reply over the time in which they were made: one at
// the first event, the others spread evenly over events that are as far apart as one
// from the other. Without two events all were made at the end.
func iterations(first, last float64, n int, completion int64) []event {
	tokens := float64(max(completion, 0))
	if n < 2 {
		return []event{{last, tokens}}
	}
	list := []event{{first, min(tokens, 1)}}
	if completion < 2 {
		return list
	}
	each, gap := (tokens-1)/float64(n-1), (last-first)/float64(n-1)
	for i := 1; i < n; i++ {
		list = append(list, event{first + float64(i)*gap, each})
	}
	return list
}

func strategy(run Run) object {
	l := run.Load
	o := object{{"type_", "concurrent"}}
	switch {
	case l.Concurrency != nil:
		o.set("streams", *l.Concurrency)
	case l.Arrivals != nil:
		o[0].value = *l.Arrivals
		o.some("rate", l.Rate)
	}
	if l.MaxConcurrency != nil {
		o.set("max_concurrency", *l.MaxConcurrency)
	}
	return o
}

// epoch is t in seconds of Unix time.
func epoch(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
