package compat

import (
	"math"
	"strings"
	"testing"
	"time"

	"llmops/analysis/loadreport"
	"llmops/probes/request"
)

const ms = time.Millisecond

// reply makes a request that was sent at a time after begin; done and the events are
// after that.
func reply(sent, done time.Duration, prompt, completion int64, chunks []request.Chunk, bare ...time.Duration) *request.Record {
	r := &request.Record{
		OK: true, Status: 200, ScheduledAt: begin.Add(sent), SentAt: begin.Add(sent), DoneAt: begin.Add(sent + done),
		PromptTokens: &prompt, CompletionTokens: &completion, TokensFrom: "usage", Chunks: chunks, Bare: bare,
	}
	return r
}

// handMade is a run of five requests: A with a role first, several tokens an event, a
// finish event and a connection that took 20 ms; B with one token; E that reasons
// first; C that failed; D that was cancelled.
func handMade() []*request.Record {
	a := reply(0, 220*ms, 10, 6, []request.Chunk{{At: 120 * ms, Tokens: 2}, {At: 140 * ms, Tokens: 1}, {At: 200 * ms, Tokens: 3}}, 100*ms, 210*ms)
	a.ConnectMs = new(20.0)
	b := reply(1000*ms, 60*ms, 4, 1, []request.Chunk{{At: 50 * ms, Tokens: 1}}, 50*ms)
	c := reply(500*ms, 10*ms, 0, 0, nil)
	c.OK, c.Error, c.Status, c.Detail, c.PromptTokens, c.CompletionTokens = false, request.HTTP(503), 503, "busy", nil, nil
	d := reply(600*ms, 150*ms, 3, 1, []request.Chunk{{At: 100 * ms, Tokens: 1}})
	d.OK, d.Error = false, request.Cancelled
	e := reply(300*ms, 190*ms, 6, 3, []request.Chunk{{At: 100 * ms, Tokens: 1}, {At: 150 * ms, Tokens: 1}, {At: 180 * ms, Tokens: 1}})
	e.ReasoningTokens, e.ReasoningChunks = new(int64(1)), 1
	return []*request.Record{a, e, c, d, b}
}

func made(t *testing.T, tool Tool, run Run, records ...*request.Record) map[string]any {
	t.Helper()
	c, err := New(tool)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		c.Add(r)
	}
	return document(t, c, run)
}

// at follows a path of keys; a number is an index.
func at(doc any, path string) any {
	for key := range strings.SplitSeq(path, "/") {
		switch v := doc.(type) {
		case map[string]any:
			var ok bool
			if doc, ok = v[key]; !ok {
				return "absent"
			}
		case []any:
			doc = v[key[0]-'0']
		default:
			return "absent"
		}
	}
	return doc
}

// Every figure is worked out by hand from the tool's definition.
func TestByHand(t *testing.T) {
	const g = "benchmarks/0/metrics/"
	for tool, want := range map[Tool]map[string]any{
		VLLM: {
			// The role and the finish count as events, and the first of them is the first token.
			"mean_ttft_ms": (100 + 50 + 100) / 3.0, "median_ttft_ms": 100.0,
			"mean_tpot_ms": ((210-100)/5.0 + (180-100)/2.0) / 2, "p50_tpot_ms": 31.0, // none of one token
			"mean_itl_ms": (20 + 20 + 60 + 10 + 0 + 50 + 30) / 7.0, "median_itl_ms": 20.0, "p95_itl_ms": 50 + 0.7*10,
			"mean_e2el_ms": (210 + 50 + 180) / 3.0, "std_e2el_ms": math.Sqrt((63.0+1.0/3)*(63.0+1.0/3)+(96.0+2.0/3)*(96.0+2.0/3)+(33.0+1.0/3)*(33.0+1.0/3)) / math.Sqrt(3),
			"num_prompts": 4.0, "completed": 3.0, "failed": 1.0, "duration": 1.06,
			"total_input_tokens": 20.0, "total_output_tokens": 10.0, "request_throughput": 3 / 1.06, "output_throughput": 10 / 1.06, "total_token_throughput": 30 / 1.06,
			"max_output_tokens_per_s": 8.0, "max_concurrent_requests": 2.0,
			"backend": "openai-chat", "request_rate": "inf", "max_concurrency": 3.0, "request_goodput": nil,
		},
		AIPerf: {
			"time_to_first_token/avg": (120 + 50 + 100) / 3.0, "time_to_first_output_token/avg": (120 + 50 + 150) / 3.0, "time_to_second_token/avg": 35.0,
			"request_latency/avg": (200 + 50 + 180) / 3.0, "decode_duration/max": 80.0,
			"inter_token_latency/avg": (80/5.0 + 80/2.0) / 2, "inter_token_latency/count": 2.0,
			"inter_chunk_latency/avg": (20 + 60 + 50 + 30) / 4.0, "inter_chunk_latency/p50": 40.0, "inter_chunk_latency/sum": 160.0,
			"output_token_throughput_per_user/avg": (1000/16.0 + 1000/40.0) / 2, "e2e_output_token_throughput/max": 6 / 0.2,
			"output_sequence_length/sum": 10.0, "output_token_count/sum": 9.0, "reasoning_token_count/sum": 1.0, "reasoning_token_count/count": 1.0,
			"request_count/avg": 3.0, "error_request_count/avg": 1.0, "request_error_rate/avg": 25.0,
			"benchmark_duration/avg": 1.05, "request_throughput/avg": 3 / 1.06, "output_token_throughput/avg": 10 / 1.06,
			"error_summary/0/error_details/type": "http_503", "error_summary/0/error_details/message": "busy", "error_summary/0/count": 1.0,
			"was_cancelled": false,
		},
		InferencePerf: {
			// A's tokens came at 120, 120, 140, 200, 200, 200 ms; E's reasoning is none; B is no stream.
			"successes/latency/time_to_first_token/mean": 0.135, "successes/latency/time_per_output_token/mean": (80/5.0 + 30/2.0) / 2e3,
			"successes/latency/inter_token_latency/mean": (0 + 20 + 60 + 0 + 0 + 30) / 6e3, "successes/latency/inter_token_latency/median": 0.010,
			"successes/latency/request_latency/mean": (220 + 60 + 190) / 3e3, "successes/latency/normalized_time_per_output_token/mean": (220/6.0 + 60 + 190/3.0) / 3e3,
			"successes/throughput/output_tokens_per_sec": 10 / 1.06, "successes/throughput/requests_per_sec": 3 / 1.06,
			"successes/prompt_tokens/total": 20.0, "successes/output_tokens/max": 6.0, "successes/client_fallback_requests/output": 0.0,
			"failures/count": 1.0, "failures/request_latency/mean": 0.01, "failures/by_label/http_503/count": 1.0, "failures/by_label/http_503/messages/0/message": "busy",
			"failures/prompt_tokens": nil, "load_summary/count": 4.0, "benchmark_time_seconds": 1.06,
		},
		GuideLLM: {
			// A's clock starts 20 ms later, when its connection stands.
			g + "time_to_first_token_ms/successful/mean": (100 + 50 + 100) / 3.0, g + "time_to_first_output_token_ms/successful/mean": (100 + 50 + 150) / 3.0,
			g + "request_latency/successful/mean":          (200 + 60 + 190) / 3e3,
			g + "time_per_output_token_ms/successful/mean": (180 + 50 + 180) / 10.0, g + "time_per_output_token_ms/successful/median": 30.0, g + "time_per_output_token_ms/successful/percentiles/p75": 60.0,
			g + "time_per_output_token_ms/successful/count": 10.0, g + "inter_token_latency_ms/successful/mean": (80 + 80) / 7.0, g + "inter_token_latency_ms/successful/count": 7.0,
			g + "request_totals/successful": 3.0, g + "request_totals/errored": 1.0, g + "request_totals/incomplete": 1.0, g + "request_totals/total": 5.0,
			g + "requests_per_second/successful/mean": 3 / 1.04, g + "output_tokens_per_second/successful/mean": 10 / 1.04,
			g + "request_concurrency/successful/mean": 0.45 / 1.04, g + "request_concurrency/successful/max": 1.0,
			g + "request_latency/total": nil, g + "request_latency/errored": nil, g + "request_dispatch_delay": "absent",
			"benchmarks/0/duration": 1.04,
		},
	} {
		doc := made(t, tool, Run{Target: loadreport.Target{API: "chat", Model: "m"}, Load: loadreport.Load{Mode: "closed", Concurrency: new(3)}}, handMade()...)
		for path, v := range want {
			got := at(doc, path)
			if f, ok := v.(float64); ok {
				if n, ok := got.(float64); !ok || math.Abs(n-f) > 1e-9*max(1, math.Abs(f)) {
					t.Errorf("%s: %s is %v, want %v", tool, path, got, f)
				}
			} else if got != v {
				t.Errorf("%s: %s is %v, want %v", tool, path, got, v)
			}
		}
	}
}

// In the open loop the wait inside the client is apart from the latency.
func TestOpenLoop(t *testing.T) {
	r := reply(30*ms, 100*ms, 1, 2, []request.Chunk{{At: 10 * ms, Tokens: 1}, {At: 90 * ms, Tokens: 1}})
	r.ScheduledAt = begin
	late := reply(530*ms, 100*ms, 1, 2, r.Chunks)
	run := Run{Load: loadreport.Load{Mode: "open", Rate: new(2.0), Arrivals: new("constant"), MaxConcurrency: new(7)}}
	for tool, want := range map[Tool]map[string]any{
		VLLM:          {"request_rate": 2.0, "burstiness": nil, "max_concurrency": 7.0, "mean_client_queue_time_ms": 15.0, "mean_e2el_including_client_queue_ms": 105.0, "mean_e2el_ms": 90.0},
		InferencePerf: {"load_summary/schedule_delay/max": 0.03, "load_summary/requested_rate": 2.0, "load_summary/achieved_rate": 4.0, "load_summary/send_duration": 0.5},
		GuideLLM:      {"benchmarks/0/metrics/request_dispatch_delay/total/max": 0.03, "benchmarks/0/metrics/request_scheduled_latency/total/max": 0.13, "benchmarks/0/config/strategy/type_": "constant"},
		AIPerf:        {"request_throughput/avg": 2 / 0.63, "benchmark_duration/avg": 0.59},
	} {
		doc := made(t, tool, run, r, late)
		for path, v := range want {
			got := at(doc, path)
			if f, ok := v.(float64); ok {
				if n, ok := got.(float64); !ok || math.Abs(n-f) > 1e-9 {
					t.Errorf("%s: %s is %v, want %v", tool, path, got, f)
				}
			} else if got != v {
				t.Errorf("%s: %s is %v, want %v", tool, path, got, v)
			}
		}
	}
}

// Goodput holds each tool's own figures against the limits; a reply of one token has
// no TPOT.
func TestGoodput(t *testing.T) {
	const g = "benchmarks/0/metrics/"
	for _, tt := range []struct {
		limits loadreport.Limits
		want   map[Tool]map[string]any
	}{
		{loadreport.Limits{}, map[Tool]map[string]any{
			VLLM: {"request_goodput": nil}, AIPerf: {"goodput": "absent"}, GuideLLM: {g + "slo_attainment": "absent"}, InferencePerf: {"successes/goodput_metrics": "absent"},
		}},
		// vLLM: A 22 ms, E 40 ms, B 0. The others: A 16 ms, E 40 ms (inference-perf 15 ms), B unknown.
		{loadreport.Limits{TPOT: new(22.0)}, map[Tool]map[string]any{
			VLLM:          {"request_goodput": 2 / 1.06},
			AIPerf:        {"good_request_count/avg": 1.0, "good_request_fraction/avg": 0.25, "goodput/avg": 1 / 1.06},
			GuideLLM:      {g + "slo_attainment": 1.0 / 3, g + "slo_determined_requests": 3.0, g + "request_goodput/successful/mean": 1 / 1.04},
			InferencePerf: {"successes/goodput_metrics/good_requests": 2.0, "successes/goodput_metrics/token_goodput": (16 + 9) / 1.06},
		}},
		// Latencies of A, B and E: 210, 50, 180; 200, 60, 190; 200, 50, 180; 220, 60, 190.
		{loadreport.Limits{TTFT: new(100.0), Latency: new(200.0)}, map[Tool]map[string]any{
			VLLM:          {"request_goodput": 2 / 1.06},
			AIPerf:        {"good_request_count/avg": 2.0},
			GuideLLM:      {g + "slo_attainment": 3.0 / 4},
			InferencePerf: {"successes/goodput_metrics/good_requests": 0.0, "successes/goodput_metrics/total_requests": 3.0},
		}},
	} {
		for tool, want := range tt.want {
			doc := made(t, tool, Run{Limits: tt.limits}, handMade()...)
			for path, v := range want {
				got := at(doc, path)
				n, number := got.(float64)
				if f, ok := v.(float64); ok && (!number || math.Abs(n-f) > 1e-9) || !ok && got != v {
					t.Errorf("%s: %s is %v, want %v", tool, path, got, v)
				}
			}
		}
	}
}

// What nobody measured is absent or null, never 0: runs without requests, of failures
// alone, of replies in one piece without counts, all at one moment.
func TestNothingMeasured(t *testing.T) {
	unknown := reply(0, 100*ms, 0, 0, nil)
	unknown.PromptTokens, unknown.CompletionTokens, unknown.TokensFrom = nil, nil, ""
	failed := reply(0, 0, 0, 0, nil)
	failed.OK, failed.Error, failed.PromptTokens, failed.CompletionTokens = false, request.Connect, nil, nil
	unsent := &request.Record{Error: request.Cancelled, ScheduledAt: begin, DoneAt: begin}
	const g = "benchmarks/0/metrics/"
	figures := map[Tool][]string{
		VLLM:          {"mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "median_itl_ms", "total_input_tokens", "total_output_tokens", "output_throughput", "total_token_throughput"},
		AIPerf:        {"time_to_first_token", "inter_token_latency", "inter_chunk_latency", "output_sequence_length", "total_osl", "output_token_throughput", "input_token_throughput"},
		InferencePerf: {"successes/latency/time_to_first_token", "successes/latency/time_per_output_token", "successes/latency/normalized_time_per_output_token", "successes/throughput/output_tokens_per_sec", "successes/prompt_tokens", "successes/output_tokens"},
		GuideLLM:      {g + "time_to_first_token_ms/successful", g + "time_per_output_token_ms/successful", g + "inter_token_latency_ms/successful", g + "output_tokens_per_second/successful", g + "prompt_token_count/successful", g + "output_tokens_per_iteration/successful"},
	}
	latency := map[Tool]string{VLLM: "mean_e2el_ms", AIPerf: "request_latency", InferencePerf: "successes/latency/request_latency", GuideLLM: g + "request_latency/successful"}
	for name, records := range map[string][]*request.Record{"none": nil, "failed": {failed, failed}, "in one piece": {unknown}, "never sent": {unsent}} {
		for tool, paths := range figures {
			doc := made(t, tool, Run{}, records...)
			if name != "in one piece" {
				paths = append(paths, latency[tool])
			} else if v := at(doc, latency[tool]); v == nil || v == "absent" {
				t.Errorf("%s, %s: no latency", tool, name)
			}
			for _, path := range paths {
				if v := at(doc, path); v != nil && v != "absent" {
					t.Errorf("%s, %s: %s is %v", tool, name, path, v)
				}
			}
		}
	}
}

// A clock that was set may put the stamps of events before each other, and before the
// request; a log may hold anything. Nothing of that is an accident.
func TestOddMoments(t *testing.T) {
	for _, tool := range Tools() {
		r := reply(0, time.Second, 5, 3, []request.Chunk{{At: -5 * time.Second, Tokens: 1}, {At: 2 * time.Second, Tokens: 1}, {At: time.Second, Tokens: 1}}, -7*time.Second, 3*time.Second, -time.Second)
		r.ReasoningChunks = -1
		far := reply(100*365*24*time.Hour, time.Second, 5, 1, []request.Chunk{{At: time.Millisecond, Tokens: 1}})
		far.ReasoningChunks = 9
		doc := made(t, Tool(tool), Run{}, r, far)
		if tool == string(VLLM) && (at(doc, "max_output_tokens_per_s") != 2.0 || at(doc, "max_concurrent_requests") != 1.0) {
			t.Errorf("%v %v", at(doc, "max_output_tokens_per_s"), at(doc, "max_concurrent_requests"))
		}
	}
}

// A server may claim more tokens of an event than there is memory for.
func TestManyTokensOfAnEvent(t *testing.T) {
	chunks := func(tokens int32) []request.Chunk {
		return []request.Chunk{{At: 500 * ms, Tokens: tokens}, {At: 900 * ms, Tokens: 1}, {At: time.Second, Tokens: 3}}
	}
	doc := at(made(t, InferencePerf, Run{}, reply(0, time.Second, 5, math.MaxInt32, chunks(math.MaxInt32-4))), "successes/latency/inter_token_latency")
	if mean := 0.5 / (math.MaxInt32 - 1); math.Abs(at(doc, "mean").(float64)/mean-1) > 1e-12 || at(doc, "min") != 0.0 || at(doc, "max") != 0.4 || at(doc, "p99.9") != 0.0 {
		t.Errorf("%v", doc)
	}
	// Few are as if each stood by itself: gaps 0, 0, 0, 0.4, 0.1, 0, 0.
	doc = at(made(t, InferencePerf, Run{}, reply(0, time.Second, 5, 8, chunks(4))), "successes/latency/inter_token_latency")
	gaps := []float64{0, 0, 0, 0, 0, 0.1, 0.4}
	for name, p := range map[string]float64{"median": 50, "p75": 75, "p90": 90, "p99.9": 99.9} {
		if got, want := at(doc, name).(float64), percentile(gaps, p); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if got := at(doc, "mean").(float64); math.Abs(got-0.5/7) > 1e-12 {
		t.Errorf("mean %v", got)
	}
}

func TestUnknownTool(t *testing.T) {
	if _, err := New("wrk"); err == nil || !strings.Contains(err.Error(), "inference-perf") {
		t.Error(err)
	}
	var none *Collector
	none.Add(handMade()[0]) // keeps nothing
}

// numpy.percentile([1, 2, 4, 8], [0, 10, 50, 90, 100])
func TestPercentile(t *testing.T) {
	list := []float64{1, 2, 4, 8}
	for p, want := range map[float64]float64{0: 1, 10: 1.3, 50: 3, 90: 6.8, 100: 8} {
		if got := percentile(list, p); math.Abs(got-want) > 1e-12 {
			t.Errorf("p%v is %v, want %v", p, got, want)
		}
	}
	if mean, std := spread([]float64{4, 1, 2, 8}); mean != 3.75 || math.Abs(std-math.Sqrt(28.75/4)) > 1e-12 {
		t.Error(mean, std)
	}
}
