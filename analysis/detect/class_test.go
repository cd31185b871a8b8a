package detect

import (
	"math"
	"testing"
)

func TestClassOf(t *testing.T) {
	for name, want := range map[string]Class{
		"value": Auto, "requests_per_second": Auto, "queue_length": Auto, "": Auto,
		`vllm:generation_tokens_total{model="m"}`: Counter, "http_request_duration_seconds_bucket": Bucket, "x_sum": Counter, "sum": Auto, "count": Auto,
		"connection_count": Auto, "instance_count": Auto, "queue_time_sum": Auto, "e2e_latency_seconds_count": Counter, `X_sum{a="b"}`: Auto, "prompt_tokens_sum": Counter,
		"ȺȺȺȺȺȺȺȺ_count": Auto, // 2 bytes a letter, 3 in lower case
		"p95_latency_ms": Latency, "p95_ttft_ms": Latency, "request_duration_seconds": Latency, "queue_time_seconds": Latency, "time": Auto,
		"gpu_utilization": Ratio, `gpu_utilization{gpu="0"}`: Ratio, "success_rate": Ratio, "vllm:kv_cache_usage_perc": Ratio,
		"error_rate": Counts, "timeout_rate": Counts, "app crash": Counts,
	} {
		if got := ClassOf(name, func(other string) bool { return other == "x_count" }); got != want {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
}

func TestJudged(t *testing.T) {
	c := judged{class: Counter}
	for i, want := range []struct {
		t          int64
		v, x       float64
		reset, has bool
	}{
		{0, 100, 0, false, false},
		{10_000, 150, 5, false, true},
		{20_000, 20, 0, true, false}, // began again: what it had before is not known
		{20_000, 30, 0, false, false},
		{30_000, 30, 0, false, true},
		{40_000, -1.7e308, 0, true, false},
		{40_001, 1.7e308, 0, false, false}, // no float64 holds this rate
	} {
		x, reset, ok := c.next(want.t, want.v)
		if x != want.x || reset != want.reset || ok != want.has {
			t.Errorf("row %d: %v, %v, %v; want %+v", i, x, reset, ok, want)
		}
	}
	l := judged{class: Latency}
	if x, _, ok := l.next(0, math.E); !ok || math.Abs(x-1) > 1e-15 || math.Abs(l.shown(x)-math.E) > 1e-15 {
		t.Errorf("latency e is %v", x)
	}
	if _, _, ok := l.next(0, 0); ok {
		t.Error("a latency of 0 is judged")
	}
}
