package serving

import (
	"context"
	"encoding/json"

	"llmops/probes/snapshot"
)

// triton shows its metrics on a port of its own, 8002 unless set otherwise. Its
// counters are for each model, and an ensemble counts a request once more for each
// of its steps. So with several models only the one that TensorRT-LLM runs counts.
func triton() *engine {
	batcher := func(kind string) []metric {
		return []metric{{name: "nv_trt_llm_request_metrics", label: "request_type", value: kind}}
	}
	return &engine{
		name:     "triton",
		prefixes: []string{"nv_"},
		models:   []string{"model"},
		rank:     "version",

		running: batcher("scheduled"),
		waiting: append(batcher("waiting"), metric{name: "nv_inference_pending_request_count"}),
		slots:   batcher("max"),
		kv:      []metric{{name: "nv_trt_llm_kv_cache_block_metrics", label: "kv_cache_block_type", value: "fraction"}},

		requests: named("nv_inference_request_success"),
		failed: []failure{{metric: metric{name: "nv_inference_request_failure"}, by: "reason", class: func(reason string) string {
			if reason == "" {
				return "failure"
			}
			return reason
		}}},
		ended: func(p page) (all, failed *float64) {
			sum := func(name string) *float64 { return (&engine{}).sum(p, named(name)) }
			good, bad := sum("nv_inference_request_success"), sum("nv_inference_request_failure")
			if good == nil || bad == nil {
				return nil, nil
			}
			return new(*good + *bad), bad
		},
		// The histogram is in ms, and there only when it was switched on.
		ttft:   named("nv_inference_first_response_histogram_ms"),
		only:   oneOfTriton,
		derive: deriveTriton,
		ask: func(ctx context.Context, t *Target, s *snapshot.Server) []snapshot.Problem {
			var v map[string]json.RawMessage // only where it is the inference port
			if t.json(ctx, "/v2", &v) == nil && text(v["name"]) == "triton" {
				s.Version = t.client.clean(text(v["version"]))
				t.settings(s, "", v, "name", "version")
			}
			return nil
		},
		off: "the inference port has no metrics", hint: "give the URL of Triton's metrics port, 8002 unless --metrics-port says otherwise",
	}
}

// oneOfTriton keeps the models whose requests may be added up.
func oneOfTriton(p page) page {
	models, llms := map[string]bool{}, map[string]bool{}
	for name, list := range p.series {
		for _, s := range list {
			model := s.labels.Get("model")
			switch {
			case model == "":
			case name == "nv_trt_llm_request_metrics":
				llms[model] = true
			case name == "nv_inference_request_success":
				models[model] = true
			}
		}
	}
	if len(models) <= 1 {
		return p
	}
	out := page{at: p.at, declared: p.declared, series: map[string][]series{}}
	for name, list := range p.series {
		for _, s := range list {
			if model := s.labels.Get("model"); model == "" || llms[model] {
				out.series[name] = append(out.series[name], s)
			}
		}
	}
	if len(llms) == 0 {
		// Declared counters without series would read as 0.
		out.declared = nil
	}
	return out
}

// deriveTriton reads the means of times, which Triton counts in µs, and the share of
// blocks where it does not show that by itself.
func deriveTriton(now, counted page, _ float64, s *snapshot.Server) {
	e := &engine{}
	n := e.sum(counted, named("nv_inference_request_success"))
	mean := func(name string) *snapshot.Distribution {
		us := e.sum(counted, named(name))
		if n == nil || us == nil {
			return nil
		}
		d := &snapshot.Distribution{Count: *n}
		if *n > 0 {
			d.Mean = finite(*us / *n / 1000)
		}
		return d
	}
	s.Latency = mean("nv_inference_request_duration_us")
	s.Queue = mean("nv_inference_queue_duration_us")
	blocks := func(kind string) *float64 {
		return e.sum(now, []metric{{name: "nv_trt_llm_kv_cache_block_metrics", label: "kv_cache_block_type", value: kind}})
	}
	if s.KVCacheUtilization == nil {
		s.KVCacheUtilization = ratio(blocks("used"), blocks("max"))
	}
}
