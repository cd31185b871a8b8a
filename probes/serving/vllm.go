package serving

import (
	"context"

	"llmops/probes/snapshot"
)

// vllm knows the names of both generations of the engine, of releases before and
// after "gpu_cache_usage_perc" and "time_per_output_token_seconds" were renamed, and
// of Ray Serve, which puts a prefix before them.
func vllm() *engine {
	http := failure{
		metric: metric{name: "http_requests_total"}, by: "status", class: httpStatus,
		where: map[string]string{"handler": "/v1/", "method": "POST"},
	}
	return &engine{
		name:     "vllm",
		prefixes: []string{"vllm:", "vllm_", "ray_vllm:", "ray_vllm_"},
		owner:    "vllm",
		models:   []string{"model_name"},
		rank:     "engine",

		running: named("vllm:num_requests_running"),
		waiting: named("vllm:num_requests_waiting"),
		// A share from 0 to 1, whatever the name says.
		kv: named("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),

		requests:    named("vllm:request_success_total"),
		prompt:      named("vllm:prompt_tokens_total"),
		generated:   named("vllm:generation_tokens_total"),
		preemptions: named("vllm:num_preemptions_total"),
		hits:        named("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
		lookups:     named("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
		hitRate:     named("vllm:gpu_prefix_cache_hit_rate"),
		config:      named("vllm:cache_config_info", "vllm:vllm_config_info"),
		drafts:      named("vllm:spec_decode_num_drafts_total"),
		drafted:     named("vllm:spec_decode_num_draft_tokens_total"),
		accepted:    named("vllm:spec_decode_num_accepted_tokens_total"),
		finished:    []metric{{name: "vllm:request_success_total", label: "finished_reason"}},
		failed: []failure{http, {
			metric: metric{name: "vllm:request_success_total"}, by: "finished_reason",
			class: func(reason string) string {
				if reason == "abort" || reason == "error" {
					return reason
				}
				return ""
			},
		}},
		ended: httpEnded(http),

		ttft:    seconds("vllm:time_to_first_token_seconds"),
		itl:     seconds("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
		tpot:    seconds("vllm:request_time_per_output_token_seconds"),
		latency: seconds("vllm:e2e_request_latency_seconds"),
		queue:   seconds("vllm:request_queue_time_seconds"),
		prefill: seconds("vllm:request_prefill_time_seconds"),
		decode:  seconds("vllm:request_decode_time_seconds"),

		derive: vllmLoRA,
		ask:    askVersion("/version"),
		steady: true,
		off:    "the server shows no metrics", hint: "start vLLM without --disable-log-stats, and ask its own port rather than a proxy's",
	}
}

// askVersion reads {"version": …} from the first of paths that has it.
func askVersion(paths ...string) func(context.Context, *Target, *snapshot.Server) []snapshot.Problem {
	return func(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem {
		for _, path := range paths {
			var v struct{ Version string }
			if t.json(ctx, path, &v) == nil && v.Version != "" {
				s.Version = t.client.clean(v.Version)
				return nil
			}
		}
		return nil
	}
}
