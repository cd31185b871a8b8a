package accesslog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A formatRow is a row of a format, from its documentation, and what it comes to.
type formatRow struct {
	name   string
	format string
	text   string
	kind   Row
	want   []Event
}

// ended is an event without measurements, with what change sets.
func ended(end int64, change func(e *Event)) []Event {
	var e Event
	e.Reset()
	e.End = end
	change(&e)
	return []Event{e}
}

const (
	at         = 1772521550588 // 2026-03-03T07:05:50.588Z
	otlpBefore = `{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[`
	otlpAfter  = `]}]}]}`
)

func formatRows() []formatRow {
	return []formatRow{
		{"envoy", "envoy-json", `{"start_time":"2026-03-03T07:05:50.588Z","method":"POST","x-envoy-origin-path":"/v1/chat/completions?x=1","response_code":200,"response_flags":"-","duration":1781,"x-envoy-upstream-service-time":"204"}`,
			Record, ended(at+1781, func(e *Event) {
				e.Status, e.Latency, e.TTFT, e.Route = 200, Whole(1781), Whole(204), "/v1/chat/completions"
			})},
		{"envoy, the client left before the reply", "envoy-json", `{"start_time":"2026-03-03T07:05:50.588Z","response_code":0,"response_flags":"DC","duration":10,"x-envoy-upstream-service-time":null}`,
			Record, ended(at+10, func(e *Event) { e.Cancelled, e.Latency = true, Whole(10) })},
		{"envoy, the reply broke off", "envoy-json", `{"start_time":"2026-03-03T07:05:50.588Z","response_code":200,"response_flags":"UF,UC","duration":10}`,
			Record, ended(at+10, func(e *Event) { e.Status, e.Failed, e.Error, e.Latency = 200, true, "stream_error", Whole(10) })},
		{"envoy, an error with flags", "envoy-json", `{"start_time":"2026-03-03T07:05:50.588Z","response_code":503,"response_flags":"UF,URX","duration":10}`,
			Record, ended(at+10, func(e *Event) {
				e.Status, e.Failed, e.Error, e.Latency, e.Notes = 503, true, "http_503", Whole(10), RetryTold|Retried
			})},
		{"envoy, no duration", "envoy-json", `{"start_time":"2026-03-03T07:05:50.588Z","response_code":200,"duration":null}`, Malformed, nil},
		{"envoy, an unreadable time", "envoy-json", `{"start_time":"yesterday","response_code":200,"duration":1}`, Malformed, nil},
		{"ai gateway", "envoy-ai-gateway", `{"extra":{"duration":1},"start_time":"2026-03-03T07:05:50.588Z","response_code":200,"response_flags":"-","duration":1044,"x-envoy-upstream-service-time":"70","genai_model_name":"m","genai_tokens_output":80,"token_latency_ttft":77,"token_latency_itl":12.088}`,
			Record, ended(at+1044, func(e *Event) {
				e.Status, e.Latency, e.TTFT, e.TPOT, e.OutputTokens, e.Model = 200, Whole(1044), Whole(77), 24_176_000, 80, "m"
			})},
		{"ai gateway, a probe", "envoy-ai-gateway", `{"start_time":"2026-03-03T07:05:50.588Z","x-envoy-origin-path":"/metrics","response_code":200,"duration":4,"genai_model_name":null,"token_latency_ttft":null}`,
			Record, ended(at+4, func(e *Event) { e.Status, e.Latency, e.Route, e.HealthCheck = 200, Whole(4), "/metrics", true })},

		{"nginx", "nginx-json", `{"time_iso8601":"2026-03-03T08:05:50+01:00","status":"200","request_time":4.854,"upstream_header_time":"-, 0.258","upstream_response_time":"0.000, 4.854","request_uri":"/v1/completions?a","remote_user":"-"}`,
			Record, ended(at-588, func(e *Event) {
				e.Status, e.Latency, e.TTFT, e.Route, e.Notes = 200, Whole(4854), Whole(258), "/v1/completions", RetryTold|Retried
			})},
		{"nginx, the client left", "nginx-json", `{"time_iso8601":"2026-03-03T07:05:50+00:00","status":499,"request_time":"1.2","upstream_header_time":"-","request":"POST /x HTTP/1.1"}`,
			Record, ended(at-588, func(e *Event) {
				e.Status, e.Cancelled, e.Failed, e.Error, e.Latency, e.Route = 499, true, true, "http_499", Whole(1200), "/x"
			})},
		{"nginx, msec", "nginx-json", `{"msec":"1772521550.588","status":502,"request_time":0.001}`,
			Record, ended(at, func(e *Event) { e.Status, e.Failed, e.Error, e.Latency = 502, true, "http_502", Whole(1) })},
		{"nginx, another object", "nginx-json", `{"no_known_key":true}`, Malformed, nil},

		{"litellm", "litellm", `{"status":"success","startTime":1772521549.588,"endTime":1772521550.588,"completionStartTime":1772521549.688,"stream":true,"completion_tokens":9,"model":"m","response_cost":0.0004194,"error_information":{"error_code":""},"metadata":{"user_api_key_alias":"k"}}`,
			Record, ended(at, func(e *Event) {
				e.Latency, e.TTFT, e.OutputTokens, e.Model, e.Cost, e.Key = Whole(1000), Whole(100), 9, "m", 838+1, "k"
			})},
		{"litellm, a first token that is the end", "litellm", `{"status":"success","startTime":1772521549.588,"endTime":1772521550.588,"completionStartTime":1772521550.588,"stream":true}`,
			Record, ended(at, func(e *Event) { e.Latency = Whole(1000) })},
		{"litellm, a first token without a stream", "litellm", `{"status":"success","startTime":1772521549.588,"endTime":1772521550.588,"completionStartTime":1772521549.688,"stream":false}`,
			Record, ended(at, func(e *Event) { e.Latency = Whole(1000) })},
		{"litellm, a first token before the start", "litellm", `{"status":"success","startTime":1772521549.588,"endTime":1772521550.588,"completionStartTime":1772521549.587,"stream":true}`,
			Record, ended(at, func(e *Event) { e.Latency = Whole(1000) })},
		{"litellm, refused", "litellm", `{"status":"failure","startTime":1772521550.588,"endTime":1772521550.588,"completionStartTime":1772521550.588,"stream":true,"error_information":{"error_code":"429","error_class":"RateLimitError"}}`,
			Record, ended(at, func(e *Event) { e.Status, e.Failed, e.Error, e.Latency = 429, true, "http_429", 0 })},
		{"litellm, broke off", "litellm", `{"status":"failure","startTime":1772521549.588,"endTime":1772521550.588,"error_information":{"error_code":"","error_class":"MidStreamFallbackError"}}`,
			Record, ended(at, func(e *Event) { e.Failed, e.Error, e.Latency = true, "stream_error", Whole(1000) })},
		{"spend logs", "litellm-spendlogs", `{"request_id":"r","spend":0.5,"startTime":"2026-03-03T07:05:49.588000Z","endTime":"2026-03-03 07:05:50.588","completionStartTime":"2026-03-03T07:05:49.588Z","status":null,"metadata":{"status":"failure","error_information":{"error_code":"500"}},"completion_tokens":3,"model":"m","user":"u"}`,
			Record, ended(at, func(e *Event) {
				e.Status, e.Failed, e.Error, e.Latency, e.OutputTokens, e.Model, e.Cost, e.Key = 500, true, "http_500", Whole(1000), 3, "m", 1_000_000, "u"
			})},

		{"otlp", "otlp", otlpBefore + `{"startTimeUnixNano":"1772521549588000000","endTimeUnixNano":1772521550588000000,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.request.model","value":{"stringValue":"m"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":"7"}},{"key":"gen_ai.response.time_to_first_chunk","value":{"doubleValue":0.144}}],"status":{}},` +
			`{"startTimeUnixNano":1,"endTimeUnixNano":2,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}}]}` + otlpAfter,
			Record, ended(at, func(e *Event) { e.Latency, e.TTFT, e.OutputTokens, e.Model = Whole(1000), Whole(144), 7, "m" })},
		{"otlp, old names, broke off", "otlp", otlpBefore + `{"status":{"code":2},"endTimeUnixNano":"1772521550588000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"text_completion"}},{"key":"gen_ai.usage.completion_tokens","value":{"intValue":7}},{"key":"error.type","value":{"stringValue":"reset"}}]}` + otlpAfter,
			Record, ended(at, func(e *Event) { e.Failed, e.Error, e.OutputTokens = true, "reset", 7 })},
		{"otlp, cancelled", "otlp", otlpBefore + `{"status":{"code":2},"endTimeUnixNano":"1772521550588000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"error.type","value":{"stringValue":"cancelled"}}]}` + otlpAfter,
			Record, ended(at, func(e *Event) { e.Cancelled, e.Failed, e.Error = true, true, "stream_error" })},
		{"otlp, a status", "otlp", otlpBefore + `{"status":{"code":2},"endTimeUnixNano":"1772521550588000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"error.type","value":{"stringValue":"429"}}]}` + otlpAfter,
			Record, ended(at, func(e *Event) { e.Status, e.Failed, e.Error = 429, true, "http_429" })},
		{"otlp, the last list of spans counts", "otlp", otlpBefore + `{"endTimeUnixNano":1,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}],"spans":[]}]}]}`, NoRecord, nil},
		{"otlp, other spans", "otlp", otlpBefore + `{"attributes":[]}` + otlpAfter, NoRecord, nil},
		{"otlp, no end", "otlp", otlpBefore + `{"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}]}` + otlpAfter, Malformed, nil},
		{"otlp, logs", "otlp", `{"resourceLogs":[]}`, NoRecord, nil},
		{"otlp, another object", "otlp", `{"no_known_key":true}`, Malformed, nil},
		{"otlp, spans that are no list", "otlp", `{"resourceSpans":{}}`, Malformed, nil},

		{"langfuse", "langfuse", `{"type":"GENERATION","trace_id":"t","start_time":"2026-03-03 07:05:49.588000","end_time":"2026-03-03 07:05:50.588000","level":"DEFAULT","status_message":null,"provided_model_name":"m","usage_details":{"input":1,"output":5},"total_cost":0.0001,"latency":1.134,"time_to_first_token":9e-2,"user_id":"u"}`,
			Record, ended(at, func(e *Event) {
				e.Latency, e.TTFT, e.OutputTokens, e.Model, e.Cost, e.Key = Whole(1134), Whole(90), 5, "m", 200, "u"
			})},
		{"langfuse, of the API", "langfuse", `{"type":"GENERATION","traceId":"t","startTime":"2026-03-03T07:05:49.588Z","endTime":"2026-03-03T07:05:50.588Z","level":"ERROR","statusMessage":"429: Too Many Requests","model":"m","usageDetails":{"output":5},"latency":1,"timeToFirstToken":null}`,
			Record, ended(at, func(e *Event) {
				e.Status, e.Failed, e.Error, e.Latency, e.OutputTokens, e.Model = 429, true, "http_429", Whole(1000), 5, "m"
			})},
		{"langfuse, broke off", "langfuse", `{"type":"GENERATION","end_time":"2026-03-03 07:05:50.588","level":"ERROR","status_message":"stream interrupted"}`,
			Record, ended(at, func(e *Event) { e.Failed, e.Error = true, "stream_error" })},
		{"langfuse, a span", "langfuse", `{"type":"SPAN","level":"ERROR"}`, NoRecord, nil},
		{"langfuse, another object", "langfuse", `{"no_known_key":true}`, Malformed, nil},

		{"helicone", "helicone", `{"request_created_at":"2026-03-03T07:05:49.588Z","response_created_at":"2026-03-03T07:05:50.588Z","response_status":200,"delay_ms":1000,"time_to_first_token":88,"completion_tokens":6,"request_model":"m","request_path":"https://api.example.com/v1/chat/completions?x=1","helicone_user":"u"}`,
			Record, ended(at, func(e *Event) {
				e.Status, e.Latency, e.TTFT, e.OutputTokens, e.Model, e.Route, e.Key = 200, Whole(1000), Whole(88), 6, "m", "/v1/chat/completions", "u"
			})},
		{"kong", "kong", `{"started_at":1772521549588,"latencies":{"request":1000,"kong":3},"response":{"status":200},"request":{"uri":"/v1/chat/completions?a=b"},"ai":{"ai-request-transformer":{"meta":{"request_model":"x"},"usage":{"completion_tokens":1}},"ai-proxy":{"meta":{"request_model":"m"},"usage":{"completion_tokens":6,"time_to_first_token":88,"cost":0.25}}},"consumer":{"username":"u"}}`,
			Record, ended(at, func(e *Event) {
				e.Status, e.Latency, e.TTFT, e.OutputTokens, e.Model, e.Route, e.Key, e.Cost = 200, Whole(1000), Whole(88), 6, "m", "/v1/chat/completions", "u", 500_000
			})},
		{"kong, no reply", "kong", `{"started_at":1772521549588,"latencies":{"request":1000},"response":{}}`, Malformed, nil},
		{"cloudflare", "cloudflare", `{"created_at":"2026-03-03 07:05:49.588","duration":1000,"status_code":200,"success":false,"tokens_out":6,"model":"m","cost":0,"provider":"p"}`,
			Record, ended(at, func(e *Event) {
				e.Status, e.Failed, e.Error, e.Latency, e.OutputTokens, e.Model, e.Cost = 200, true, "stream_error", Whole(1000), 6, "m", 0
			})},

		{"llmops", "llmops", `{"schema":"llmops.request/v1","done_at":"2026-03-03T02:05:50.588-05:00","status":200,"ok":true,"error":"","completion_tokens":2,"ttft_ms":128,"tpot_ms":21.5125,"latency_ms":139,"model":"m","quality":0.75}`,
			Record, ended(at, func(e *Event) {
				e.Status, e.Latency, e.TTFT, e.TPOT, e.OutputTokens, e.Model, e.Quality = 200, Whole(139), Whole(128), 43_025_000, 2, "m", 1_500_000
			})},
		{"llmops, cancelled", "llmops", `{"schema":"llmops.request/v1","done_at":"2026-03-03T07:05:50.588Z","ok":false,"error":"cancelled","latency_ms":null}`,
			Record, ended(at, func(e *Event) { e.Cancelled, e.Failed, e.Error = true, true, "cancelled" })},
		{"llmops, broke off", "llmops", `{"schema":"llmops.request/v1","done_at":"2026-03-03T07:05:50.588Z","ok":false,"error":"truncated","status":200}`,
			Record, ended(at, func(e *Event) { e.Status, e.Failed, e.Error = 200, true, "truncated" })},
		{"llmops, of another schema", "llmops", `{"schema":"llmops.request/v9","done_at":"2026-03-03T07:05:50.588Z","ok":true}`, Malformed, nil},

		{"generic", "jsonl", `{"timestamp":"1772521550588000","status":"200","latency_ms":"12.5","error":null,"path":"/x?y"}`,
			Record, ended(at, func(e *Event) { e.Status, e.Latency, e.Route = 200, 25_000_000, "/x" })},
		{"generic, an error that is an object", "jsonl", `{"timestamp":1772521550.588,"status":200,"error":{"message":"x"}}`,
			Record, ended(at, func(e *Event) { e.Status, e.Failed, e.Error = 200, true, "stream_error" })},
		{"generic, no time", "jsonl", `{"status":200,"latency_ms":1}`, Malformed, nil},
	}
}

func TestFormats(t *testing.T) {
	for _, row := range formatRows() {
		t.Run(row.name, func(t *testing.T) {
			f := formatsNamed(row.format)
			for len(f) > 1 && f[0].CSV {
				f = f[1:]
			}
			p := f[0].New(Options{})
			for range 2 {
				var got []Event
				kind := p.Parse([]byte(row.text), func(e *Event) { got = append(got, *e) })
				if kind != row.kind {
					t.Errorf("row is %d, want %d", kind, row.kind)
				}
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Each format knows its own rows, and no other is surer of them.
func TestDetectByOneRow(t *testing.T) {
	for _, row := range formatRows() {
		if row.kind != Record {
			continue
		}
		f, err := detect("x", []byte(row.text+"\n"), true, splitter{}, &plan{formats: Formats()})
		if err != nil || f.Name != row.format {
			t.Errorf("%s: %v, %v", row.name, f, err)
		}
	}
}
