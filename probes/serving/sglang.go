package serving

import (
	"context"
	"encoding/json"

	"llmops/probes/snapshot"
)

// sglang shows metrics only with --enable-metrics. Each of its schedulers shows the
// same gauges once more where --enable-metrics-for-all-schedulers is given, and once
// for each priority, beside the whole, where it schedules by priority.
func sglang() *engine {
	http := failure{
		metric: metric{name: "sglang:http_responses_total"}, by: "status_code",
		class: func(status string) string {
			if status == "499" { // the client went away
				return ""
			}
			return httpStatus(status)
		},
		where: map[string]string{"method": "POST"},
	}
	return &engine{
		name:     "sglang",
		prefixes: []string{"sglang:", "sglang_"},
		owner:    "sglang",
		models:   []string{"model_name"},
		rank:     "dp_rank",
		copies:   []string{"moe_ep_rank", "pp_rank", "priority", "tp_rank"},

		running: named("sglang:num_running_reqs"),
		waiting: named("sglang:num_queue_reqs"),
		kv:      named("sglang:token_usage"),

		requests:    named("sglang:num_requests_total"),
		prompt:      named("sglang:prompt_tokens_total"),
		generated:   named("sglang:generation_tokens_total"),
		preemptions: named("sglang:num_retracted_requests_total", "sglang:num_retracted_reqs_total"),
		hits:        named("sglang:cached_tokens_total"),
		lookups:     named("sglang:prompt_tokens_total"),
		hitRate:     named("sglang:cache_hit_rate"),
		// Averages of the engine's own, over what it decoded last. Its counter of
		// verifications counts neither tokens nor drafts.
		acceptRate:   named("sglang:spec_accept_rate"),
		acceptLength: named("sglang:spec_accept_length"),
		failed: []failure{http, {
			metric: metric{name: "sglang:num_aborted_requests_total"}, class: func(string) string { return "abort" },
		}},
		ended: httpEnded(http),

		ttft:    seconds("sglang:time_to_first_token_seconds"),
		itl:     seconds("sglang:inter_token_latency_seconds"),
		tpot:    seconds("sglang:time_per_output_token_seconds"),
		latency: seconds("sglang:e2e_request_latency_seconds"),
		queue:   seconds("sglang:queue_time_seconds"),

		derive: sglangLoRA,
		ask:    askSGLang,
		steady: true,
		off:    "metrics are not enabled", hint: "start SGLang with --enable-metrics",
	}
}

// askSGLang reads the arguments that the server was started with. Beside them stands
// its state, which is nested but for what is left out here, and the seed, which is
// drawn anew at each start.
func askSGLang(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem {
	for _, path := range []string{"/server_info", "/get_server_info"} {
		var info map[string]json.RawMessage
		if t.json(ctx, path, &info) != nil || text(info["version"]) == "" {
			continue
		}
		s.Version = t.client.clean(text(info["version"]))
		t.settings(s, "", info, "version", "status", "random_seed")
		return nil
	}
	return nil
}
