package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/sim"
)

// metrics reads samples without histogram buckets; labels but finished_reason
// are dropped.
func metrics(t *testing.T, url string) map[string]float64 {
	t.Helper()
	r, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	m := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") || strings.Contains(line, "_bucket") {
			continue
		}
		name, rest, _ := strings.Cut(line, "{")
		labels, value, ok := strings.Cut(strings.TrimSpace(rest), "} ")
		var v float64
		if err := json.Unmarshal([]byte(value), &v); !ok || err != nil {
			t.Errorf("sample %q: %v", line, err)
		}
		if _, reason, ok := strings.Cut(labels, "finished_reason="); ok {
			name += " " + strings.Trim(reason, `"`)
		}
		m[name] = v
	}
	return m
}

// samples reads the lines of one metric, with all labels.
func samples(t *testing.T, url, name string) []string {
	t.Helper()
	r, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	var lines []string
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, name+"{") {
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, name)))
		}
	}
	return lines
}

// Every answer counts, refusals too; a request without an answer does not.
func TestRepliesAreCounted(t *testing.T) {
	cfg := quick()
	for _, spec := range []string{"rate-limit:rate=0.001,burst=3", "reset:after=2"} {
		f, err := sim.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = append(cfg.Faults, f)
	}
	_, url := start(t, cfg)
	ask := func(path, body string) {
		if r, err := http.Post(url+path, "application/json", strings.NewReader(body)); err == nil {
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
	}
	ask("/v1/completions", `{"prompt":"x","max_tokens":2}`)
	ask("/v1/chat/completions", `{"stream":true,"max_tokens":1,`+hello+`}`)
	ask("/v1/completions", `{"prompt":"x","max_tokens":5}`) // reset: no answer
	ask("/v1/completions", `{"prompt":"x"}`)                // over the rate
	ask("/v1/completions", `{"prompt":"x"}`)
	ask("/v1/completions", `{"model":"other"}`)
	ask("/v1/completions", `{`)
	ask("/v1/nothing", `{}`)
	if r, err := http.Get(url + "/health"); err == nil {
		r.Body.Close()
	}
	req, _ := http.NewRequest("INVENTED", url+"/v1/completions", nil)
	if r, err := http.DefaultClient.Do(req); err == nil {
		r.Body.Close()
	}
	want := []string{
		`{handler="/v1/chat/completions",method="POST",status="200"} 1`,
		`{handler="/v1/completions",method="POST",status="200"} 1`,
		`{handler="/v1/completions",method="POST",status="400"} 1`,
		`{handler="/v1/completions",method="POST",status="404"} 1`,
		`{handler="/v1/completions",method="POST",status="429"} 2`,
		`{handler="none",method="POST",status="404"} 1`,
		`{handler="none",method="other",status="405"} 1`,
	}
	if diff := cmp.Diff(want, samples(t, url, "http_requests_total")); diff != "" {
		t.Errorf("http_requests_total (-want +got):\n%s", diff)
	}
}

// Only what the text format knows as an escape is one.
func TestLabelEscapes(t *testing.T) {
	cfg := quick()
	cfg.Model = `a"b\cü`
	_, url := start(t, cfg)
	want := []string{`{model_name="a\"b\\cü",engine="0"} 0`}
	if diff := cmp.Diff(want, samples(t, url, "vllm:num_requests_running")); diff != "" {
		t.Error(diff)
	}
}

func TestMetrics(t *testing.T) {
	_, url := start(t, quick())
	prompt := strings.Repeat("word ", 40)
	for range 2 {
		io.Copy(io.Discard, post(t, url+"/v1/completions", `{"max_tokens":3,"prompt":"`+prompt+`"}`).Body)
	}
	m := metrics(t, url)
	for name, want := range map[string]float64{
		"vllm:num_requests_running": 0, "vllm:num_requests_waiting": 0, "vllm:kv_cache_usage_perc": 0,
		"vllm:prompt_tokens_total": 80, "vllm:generation_tokens_total": 6, "vllm:num_preemptions_total": 0,
		"vllm:prefix_cache_queries_total": 80, "vllm:prefix_cache_hits_total": 32, // two full blocks of 16
		"vllm:request_success_total length": 2, "vllm:request_success_total stop": 0,
		"vllm:time_to_first_token_seconds_count": 2, "vllm:time_to_first_token_seconds_sum": 0.004,
		"vllm:inter_token_latency_seconds_count": 4, "vllm:inter_token_latency_seconds_sum": 0.004,
		"vllm:e2e_request_latency_seconds_sum": 0.008, "vllm:request_queue_time_seconds_sum": 0,
		"vllm:request_prefill_time_seconds_sum": 0.004, "vllm:request_decode_time_seconds_sum": 0.004,
		"vllm:request_time_per_output_token_seconds_count": 2,
		"vllm:request_prompt_tokens_sum":                   80, "vllm:request_generation_tokens_sum": 6,
		"DCGM_FI_DEV_FB_USED": 12288, "DCGM_FI_DEV_FB_FREE": 4096,
	} {
		if got, ok := m[name]; !ok || got-want > 1e-9 || want-got > 1e-9 {
			t.Errorf("%s is %g (present: %v), want %g", name, got, ok, want)
		}
	}
}
