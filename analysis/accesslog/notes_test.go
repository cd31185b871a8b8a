package accesslog

import (
	"errors"
	"strings"
	"testing"
)

// What a row tells beside the outcome, by format. A row that does not tell has no
// bit set.
func TestNotes(t *testing.T) {
	const (
		liteLLM    = `{"status":"failure","startTime":1772521550.5,"endTime":1772521550.588,"error_information":{"error_code":"429","error_class":"RateLimitError"`
		spend      = `{"request_id":"r","spend":0.5,"startTime":"2026-03-03T07:05:49.588Z","endTime":"2026-03-03T07:05:50.588Z"`
		envoy      = `{"start_time":"2026-03-03T07:05:50.588Z","duration":10,`
		nginx      = `{"time_iso8601":"2026-03-03T08:05:50+01:00","request_time":4.854,"request_uri":"/v1/completions",`
		combined   = `1.2.3.4 - - [14/May/2026:11:05:41 +0200] "POST /v1/chat/completions HTTP/1.1" `
		envoyText  = `[2026-05-31T15:36:41.555Z] "POST /v1/chat/completions HTTP/1.1" `
		envoyEnd   = ` "10.0.0.7" "curl" "id" "host" "10.1.0.2:8000"`
		helicone   = `{"request_created_at":"2026-03-03T07:05:49.588Z","response_created_at":"2026-03-03T07:05:50.588Z","response_status":200,"delay_ms":1000`
		cloudflare = `{"created_at":"2026-03-03 07:05:49.588","duration":1000,"status_code":200,"success":true,"tokens_out":6,"provider":"p"`
		kong       = `{"started_at":1772521549588,"latencies":{"request":1000},`
		otlp       = otlpBefore + `{"endTimeUnixNano":"1772521550588000000","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}}`
	)
	for _, c := range []struct {
		format, row string
		want        Notes
	}{
		{"litellm", liteLLM + `}}`, 0},
		{"litellm", liteLLM + `,"llm_provider":""}}`, LimitedOwn},
		{"litellm", liteLLM + `,"llm_provider":"openai"},"cache_hit":null}`, LimitedProvider},
		{"litellm", strings.Replace(liteLLM, "429", "500", 1) + `,"llm_provider":"openai"}}`, 0},
		{"litellm", liteLLM + `},"cache_hit":true,"metadata":{"attempted_retries":0}}`, CacheTold | CacheHit | RetryTold},
		{"litellm", liteLLM + `},"cache_hit":false,"metadata":{"attempted_retries":2}}`, CacheTold | RetryTold | Retried},
		{"litellm", liteLLM + `},"metadata":{"attempted_retries":null,"cache_hit":true}}`, 0},
		{"litellm-spendlogs", spend + `,"cache_hit":"True"}`, CacheTold | CacheHit},
		{"litellm-spendlogs", spend + `,"cache_hit":"None"}`, 0},
		{"litellm-spendlogs", spend + `,"cache_hit":"False","metadata":{"attempted_retries":1,"error_information":{"error_code":"429","llm_provider":"azure"}}}`,
			CacheTold | RetryTold | Retried | LimitedProvider},
		{"envoy-json", envoy + `"response_code":429,"response_flags":"RL","response_code_details":"request_rate_limited"}`, LimitedOwn},
		{"envoy-json", envoy + `"response_code":429,"response_flags":"-","response_code_details":"local_rate_limited"}`, LimitedOwn},
		{"envoy-json", envoy + `"response_code":429,"response_flags":"-","response_code_details":"via_upstream"}`, LimitedProvider},
		{"envoy-json", envoy + `"response_code":429,"response_flags":"-"}`, 0},
		{"envoy-json", envoy + `"response_code":503,"response_flags":"RL"}`, 0},
		{"envoy-json", envoy + `"response_code":200,"x-envoy-attempt-count":"1"}`, RetryTold},
		{"envoy-json", envoy + `"response_code":200,"upstream_request_attempt_count":3}`, RetryTold | Retried},
		{"envoy-text", envoyText + `429 RL 1 2 3 -` + envoyEnd, LimitedOwn},
		{"envoy-text", envoyText + `429 - 1 2 3 2` + envoyEnd, LimitedProvider},
		{"envoy-text", envoyText + `429 - 1 2 3 -` + envoyEnd, 0},
		{"envoy-text", envoyText + `429 - via_upstream - "-" 1 2 3 -` + envoyEnd, LimitedProvider},
		{"nginx-json", nginx + `"status":429,"upstream_header_time":"-"}`, LimitedOwn},
		{"nginx-json", nginx + `"status":429,"upstream_header_time":"0.1"}`, LimitedProvider | RetryTold},
		{"nginx-json", nginx + `"status":429,"upstream_status":"502, 429","upstream_header_time":"0.1, 0.2"}`, LimitedProvider | RetryTold | Retried},
		{"nginx-json", nginx + `"status":429,"upstream_status":""}`, LimitedOwn},
		{"nginx-json", nginx + `"status":429}`, 0},
		{"nginx-json", nginx + `"status":200,"upstream_header_time":"0.1 : 0.2","upstream_cache_status":"HIT"}`, RetryTold | CacheTold | CacheHit},
		{"nginx-json", nginx + `"status":200,"upstream_cache_status":"MISS"}`, CacheTold},
		{"nginx", combined + `429 12 "-" "curl" 0.2 0.1`, LimitedProvider},
		{"nginx", combined + `429 12 "-" "curl" 0.2 -`, 0},
		{"nginx", combined + `200 12 "-" "curl" 0.2 0.1, 0.1`, RetryTold | Retried},
		{"helicone", helicone + `,"cache_reference_id":"00000000-0000-0000-0000-000000000000"}`, CacheTold},
		{"helicone", helicone + `,"cache_reference_id":"5e5b2a52-0000-4000-8000-000000000000"}`, CacheTold | CacheHit},
		{"helicone", helicone + `,"cache_reference_id":null}`, CacheTold},
		{"helicone", helicone + `}`, 0},
		{"cloudflare", cloudflare + `,"cached":true}`, CacheTold | CacheHit},
		{"cloudflare", cloudflare + `,"cached":false}`, CacheTold},
		{"kong", kong + `"response":{"status":429},"upstream_status":"429","tries":[{"ip":"a"}]}`, LimitedProvider | RetryTold},
		{"kong", kong + `"response":{"status":429},"tries":[]}`, LimitedOwn | RetryTold},
		{"kong", kong + `"response":{"status":200},"tries":[{},{"x":[1,2]}],"ai":{"ai-proxy":{"usage":{},"cache":{"cache_status":"Hit"}}}}`, RetryTold | Retried | CacheTold | CacheHit},
		{"otlp", otlp + `]}` + otlpAfter, 0},
		{"otlp", otlp + `,{"key":"http.request.resend_count","value":{"intValue":"2"}}]}` + otlpAfter, RetryTold | Retried},
	} {
		f := formatsNamed(c.format)
		for len(f) > 1 && f[0].CSV {
			f = f[1:]
		}
		p := f[0].New(Options{})
		for range 2 { // the second time a row looks familiar
			records := 0
			kind := p.Parse([]byte(c.row), func(e *Event) {
				records++
				if e.Notes != c.want {
					t.Errorf("%s: %s: notes %06b, want %06b", c.format, c.row, e.Notes, c.want)
				}
			})
			if kind != Record || records != 1 {
				t.Errorf("%s: %s: row is %d, with %d records", c.format, c.row, kind, records)
			}
		}
	}
}

func TestUnknownFormatHasAHint(t *testing.T) {
	_, err := detect("x.log", []byte("no log\n"), true, splitter{}, &plan{formats: Formats()})
	e, ok := errors.AsType[*UnknownFormatError](err)
	if !ok || strings.Contains(e.Error(), "--format") || !strings.Contains(e.Hint(), "--format") || !strings.Contains(e.Hint(), "llmops, otlp") {
		t.Errorf("%v", err)
	}
}
