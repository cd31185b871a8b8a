package metricscmd

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
	"llmops/rules/catalog"
)

// shown is ten minutes of what a system shows, once in 15 s. What grows grows evenly:
// "name{labels} start +rate" with the rate by the second.
func shown(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var start, rate float64
		fmt.Sscanf(f[1], "%g", &start)
		if len(f) > 2 {
			fmt.Sscanf(f[2], "+%g", &rate)
		}
		for s := 0; s <= 600; s += 15 {
			fmt.Fprintf(&b, "%s %g %d\n", f[0], start+rate*float64(s), 1767323000000+int64(s)*1000)
		}
	}
	return b.String()
}

// The expressions compute what they say, from what the system shows, on figures that
// one can reckon up by hand.
func TestExpressionsCompute(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	engine := series.NewEngine(series.Limits{})
	for _, tc := range []struct {
		metric, alias string // alias "" is the metric's own
		shown         string
		want          float64
	}{
		{"requests_per_second", "vllm:request_success_total", `
			vllm:request_success_total{engine="0",finished_reason="stop"} 5 +3
			vllm:request_success_total{engine="0",finished_reason="length"} 5 +1`, 4},
		{"error_rate", "http_requests_total", `
			http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 0 +9
			http_requests_total{handler="/v1/chat/completions",method="POST",status="4xx"} 0 +5
			http_requests_total{handler="/v1/chat/completions",method="POST",status="5xx"} 0 +1
			http_requests_total{handler="/metrics",method="GET",status="2xx"} 0 +8`, 0.1},
		{"error_rate", "http_requests_total", `
			http_requests_total{handler="/v1/chat/completions",method="POST",status="2xx"} 0 +9`, 0},
		{"error_rate", "sglang:http_responses_total", `
			sglang:http_responses_total{endpoint="/generate",method="POST",status_code="200"} 0 +3
			sglang:http_responses_total{endpoint="/generate",method="POST",status_code="500"} 0 +1`, 0.25},
		{"error_rate", "tgi_request_failure", `
			tgi_request_count 0 +10
			tgi_request_failure{err="validation"} 0 +4
			tgi_request_failure{err="generation"} 0 +2`, 0.2},
		{"error_rate", "nv_inference_request_failure", `
			nv_inference_request_success{model="m",version="1"} 0 +6
			nv_inference_request_failure{model="m",version="1",reason="OTHER"} 0 +2`, 0.25},
		{"mean_latency_ms", "nv_inference_request_duration_us", `
			nv_inference_request_success{model="m",version="1"} 0 +2
			nv_inference_request_duration_us{model="m",version="1"} 0 +500000`, 250},
		{"mean_ttft_ms", "vllm:time_to_first_token_seconds", `
			vllm:time_to_first_token_seconds_sum{engine="0"} 1 +0.5
			vllm:time_to_first_token_seconds_count{engine="0"} 9 +2`, 250},
		{"p95_ttft_ms", "vllm:time_to_first_token_seconds", `
			vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1"} 1 +9
			vllm:time_to_first_token_seconds_bucket{engine="0",le="0.3"} 1 +10
			vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf"} 1 +10`, 200},
		{"cache_hit_rate", "vllm:prefix_cache_hits_total", `
			vllm:prefix_cache_hits_total{engine="0"} 1 +30
			vllm:prefix_cache_queries_total{engine="0"} 1 +40`, 0.75},
		{"queue_length", "nv_trt_llm_request_metrics", `
			nv_trt_llm_request_metrics{model="m",request_type="waiting"} 7
			nv_trt_llm_request_metrics{model="m",request_type="scheduled"} 3`, 7},
		{"kv_cache_utilization", "nv_trt_llm_kv_cache_block_metrics", `
			nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="m"} 30
			nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="m"} 40`, 0.75},
		{"gpu_memory_utilization", "DCGM_FI_DEV_FB_USED", `
			DCGM_FI_DEV_FB_USED{gpu="0",UUID="x"} 60000
			DCGM_FI_DEV_FB_FREE{gpu="0",UUID="x"} 20000`, 0.75},
		{"cpu_utilization", "node_cpu_seconds_total", `
			node_cpu_seconds_total{cpu="0",mode="idle"} 0 +0.5
			node_cpu_seconds_total{cpu="0",mode="iowait"} 0 +0.25
			node_cpu_seconds_total{cpu="0",mode="user"} 0 +0.25
			node_cpu_seconds_total{cpu="1",mode="idle"} 0 +0.25
			node_cpu_seconds_total{cpu="1",mode="iowait"} 0 +0
			node_cpu_seconds_total{cpu="1",mode="user"} 0 +0.75`, 0.5},
		{"io_wait", "node_cpu_seconds_total", `
			node_cpu_seconds_total{cpu="0",mode="iowait"} 0 +0.25
			node_cpu_seconds_total{cpu="1",mode="iowait"} 0 +0`, 0.125},
		{"memory_utilization", "node_memory_MemAvailable_bytes", `
			node_memory_MemAvailable_bytes 25
			node_memory_MemTotal_bytes 100`, 0.75},
		{"disk_utilization", "node_filesystem_avail_bytes", `
			node_filesystem_size_bytes{mountpoint="/"} 110
			node_filesystem_free_bytes{mountpoint="/"} 30
			node_filesystem_avail_bytes{mountpoint="/"} 20`, 0.8},
		{"disk_await_ms", "node_disk_read_time_seconds_total", `
			node_disk_read_time_seconds_total{device="a"} 0 +0.25
			node_disk_write_time_seconds_total{device="a"} 0 +0.25
			node_disk_reads_completed_total{device="a"} 0 +50
			node_disk_writes_completed_total{device="a"} 0 +50`, 5},
		{"gpu_throttle_seconds_total", "DCGM_FI_DEV_POWER_VIOLATION", `
			DCGM_FI_DEV_POWER_VIOLATION{gpu="0"} 3e9`, 3},
		{"cgroup_cpu_limit_cores", "container_spec_cpu_quota", `
			container_spec_cpu_quota{pod="a"} 150000
			container_spec_cpu_period{pod="a"} 100000`, 1.5},

		{"availability", "", "success_rate 0.9", 0.9},
		{"success_rate", "", "error_rate 0.25", 0.75},
		{"cost_per_request", "", "hourly_cost_usd 72\nrequests_per_second{server=\"a\"} 3\nrequests_per_second{server=\"b\"} 1", 0.005},
		{"cost_per_token", "", "hourly_cost_usd 36\ntokens_per_second 1000", 1e-5},
		{"resource_efficiency", "", "tokens_per_second 1400\ngpu_power_w{gpu=\"0\"} 400\ngpu_power_w{gpu=\"1\"} 300", 2},
		{"cost_efficiency_score", "", "goodput 6\nrequests_per_second 8", 0.75},
		{"memory_trend", "", "memory_used_bytes 1e9 +1024", 1024},
		{"packet_loss_rate", "", `
			network_in_packets_total 0 +60
			network_out_packets_total 0 +30
			network_in_errors_total 0 +1
			network_out_errors_total 0 +2
			network_in_drops_total 0 +3
			network_out_drops_total 0 +4`, 0.1},
		{"instance_count_change", "", "instance_count 3", 0},
		{"cgroup_cpu_throttled_rate", "", "cgroup_cpu_throttled_periods_total 0 +2\ncgroup_cpu_periods_total 0 +10", 0.2},
	} {
		m, _ := c.Lookup(tc.metric)
		expr := m.Expr
		for _, a := range m.Aliases {
			if a.Name == tc.alias {
				expr = a.Expr
			}
		}
		text := shown(tc.shown)
		store, _, err := series.Read(t.Context(), []accesslog.Source{{
			Name: "page", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		}}, series.Options{})
		if err != nil {
			t.Fatalf("%s: %v", tc.metric, err)
		}
		got, err := engine.Instant(t.Context(), store, expr, time.UnixMilli(1767323600000))
		if err != nil || len(got.Rows) != 1 {
			t.Errorf("%s: %s: %v, %d rows", tc.metric, expr, err, len(got.Rows))
			continue
		}
		if v := got.Rows[0].Points[0].F; math.Abs(v-tc.want) > 1e-9*math.Max(1, tc.want) {
			t.Errorf("%s: %s = %g, want %g", tc.metric, expr, v, tc.want)
		}
	}
}

// The series that are made of request logs are those that the catalogue says come
// from there.
func TestNamesOfLogs(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range 200 {
		at := time.UnixMilli(1767323000000 + int64(i)*1000).UTC()
		text := func(ms int) string { return at.Add(time.Duration(ms) * time.Millisecond).Format(time.RFC3339Nano) }
		outcome := `"status":200,"ok":true,"error":""`
		if i%10 == 0 {
			outcome = `"status":0,"ok":false,"error":"timeout_idle"`
		}
		fmt.Fprintf(&b, `{"schema":"llmops.request/v1","id":%d,"scheduled_at":%q,"sent_at":%q,"first_token_at":%q,"last_token_at":%q,"done_at":%q,%s,"prompt_tokens":12,"completion_tokens":64,"ttft_ms":20,"latency_ms":500}`+"\n",
			i, text(0), text(0), text(20), text(500), text(500), outcome)
	}
	store, _, err := series.Read(t.Context(), []accesslog.Source{{
		Name: "requests.jsonl", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(b.String())), nil },
	}}, series.Options{})
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, name := range store.Names() {
		made[name] = true
		if m, ok := c.Lookup(name); !ok || m.SameAs != "" || !slices.Contains(m.Sources, catalog.Logs) {
			t.Errorf("%s comes from request logs, and the catalogue says %+v", name, m)
		}
	}
	for _, m := range c.Metrics {
		if slices.Contains(m.Sources, catalog.Logs) && !made[m.Name] {
			t.Errorf("%s is said to come from request logs, and does not", m.Name)
		}
	}
}
