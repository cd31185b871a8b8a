package serving

import (
	"encoding/json"
	"strings"

	"llmops/probes/snapshot"
)

// tensorrtLLM is trtllm-serve. Its Prometheus metrics are at /prometheus/metrics,
// and there only with return_perf_metrics; /metrics is a queue of JSON that reading
// empties.
func tensorrtLLM() *engine {
	failed := failure{metric: metric{name: "trtllm_request_error_total"}, by: "http_code", class: httpStatus}
	return &engine{
		name:     "tensorrt_llm",
		prefixes: []string{"trtllm_", "trtllm:"},
		owner:    "tensorrt_llm",
		models:   []string{"model_name"},
		rank:     "rank",

		running: named("trtllm_num_requests_running"),
		waiting: named("trtllm_num_requests_waiting"),
		slots:   named("trtllm_max_num_active_requests"),
		kv:      named("trtllm_kv_cache_utilization"),

		requests:  named("trtllm_request_success_total"),
		prompt:    named("trtllm_prompt_tokens_total"),
		generated: named("trtllm_generation_tokens_total"),
		hits:      named("trtllm_prompt_cached_tokens_total"),
		lookups:   named("trtllm_prompt_tokens_total"),
		hitRate:   named("trtllm_kv_cache_hit_rate"),
		finished:  []metric{{name: "trtllm_request_success_total", label: "finished_reason"}},
		failed:    []failure{failed},
		ended: func(p page) (all, bad *float64) {
			e := &engine{}
			good := e.sum(p, named("trtllm_request_success_total"))
			found, _, ok := p.find([]metric{failed.metric})
			if good == nil || !ok {
				return nil, nil
			}
			bad = new(0.0)
			for _, s := range found {
				if strings.HasPrefix(s.labels.Get(failed.by), "5") {
					*bad += s.value
				}
			}
			return new(*good + *bad), bad
		},

		ttft:    seconds("trtllm_time_to_first_token_seconds"),
		tpot:    seconds("trtllm_time_per_output_token_seconds"),
		latency: seconds("trtllm_e2e_request_latency_seconds"),
		queue:   seconds("trtllm_request_queue_time_seconds"),
		prefill: seconds("trtllm_request_prefill_time_seconds"),
		decode:  seconds("trtllm_request_decode_time_seconds"),

		derive: func(_, counted page, _ float64, s *snapshot.Server) {
			if s.PrefixCacheHitRate == nil { // versions that count blocks rather than tokens
				e := &engine{}
				hit, missed := e.sum(counted, named("trtllm_kv_cache_reused_blocks_total")), e.sum(counted, named("trtllm_kv_cache_missed_blocks_total"))
				if hit != nil && missed != nil {
					s.PrefixCacheHitRate = ratio(hit, new(*hit+*missed))
				}
			}
		},
		ask:    askVersion("/version"),
		steady: true,
		off:    "Prometheus metrics are not enabled", hint: "set return_perf_metrics: true in the options of trtllm-serve",
	}
}

// readIterations takes the newest of the iterations in the JSON of trtllm-serve.
// There are none when nothing ran since the last reading: then nothing is known.
func readIterations(body []byte, s *snapshot.Server) error {
	var list []struct {
		Active *float64 `json:"numActiveRequests"`
		Queued *float64 `json:"numQueuedRequests"`
		Max    *float64 `json:"maxNumActiveRequests"`
		KV     struct {
			Max     *float64 `json:"maxNumBlocks"`
			Used    *float64 `json:"usedNumBlocks"`
			HitRate *float64 `json:"cacheHitRate"`
		} `json:"kvCacheStats"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return err
	}
	if len(list) == 0 {
		return nil
	}
	last := list[len(list)-1]
	s.Running, s.Waiting, s.Slots = count(last.Active), count(last.Queued), count(last.Max)
	s.KVCacheUtilization = ratio(count(last.KV.Used), count(last.KV.Max))
	s.PrefixCacheHitRate, s.Basis = share(last.KV.HitRate), snapshot.SinceStart
	return nil
}

// count is absent for what is no number of things.
func count(v *float64) *float64 {
	if v == nil || *v < 0 {
		return nil
	}
	return v
}
