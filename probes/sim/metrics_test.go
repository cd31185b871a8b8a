package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
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
