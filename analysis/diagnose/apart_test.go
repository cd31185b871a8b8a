package diagnose

import (
	"slices"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// later is what happens from a part of the time on.
func later(from float64, c change) change {
	return change{words: c.words, stays: c.stays, set: func(v, p float64) float64 {
		if p < from {
			return v
		}
		return c.set(v, p)
	}}
}

// Faults that look alike but for one thing are told apart by it.
func TestToldApart(t *testing.T) {
	c := shipped(t)
	full := []change{{words: "kv_cache", stays: true, set: func(v, p float64) float64 {
		if p < 0.7 {
			return v + 0.2*p // a little busier, by chance
		}
		return 0.9 + 0.02*p
	}}}
	for _, x := range []change{set("preemptions", 0.3), times("generation_tokens_total", 0.7), set("num_requests_waiting{", 60)} {
		x.stays = true
		full = append(full, later(0.7, x))
	}
	overload := []change{times(`code="200" local`, 2), times("request_success", 2), set("num_requests_running", 64), set("num_requests_waiting{", 90),
		later(0.5, set(`code="504"`, 20)), later(0.5, times(`code="200" local`, 0.2)), later(0.5, set(`reason="abort"`, 6))}
	for name, tc := range map[string]struct {
		service service
		want    string // answered first
		not     string // and this not at all
	}{
		"a cache that fills up at once is no leak":      {service{changes: full}, "kv_cache_exhaustion", "gpu_memory_leak"},
		"demand that came before the retries made them": {service{changes: overload}, "demand_overload", "retry_storm"},
		"adapters that wait for a slot are no cap": {service{changes: together(
			[]change{gone(`running_lora_adapters="a,b",`), set(`running_lora_adapters="a,b,c,d"`, 1)}, wait("", 40))}, "lora_thrash", "concurrency_cap"},
		"a replica that nobody asks does not hang": {service{changes: []change{times("generation_tokens_total llm-1", 0.04), times("prompt_tokens_total llm-1", 0.04), times("request_success llm-1", 0.04),
			set("num_requests_running llm-1", 1), times("POWER_USAGE llm-1", 0.5), times("GPU_UTIL llm-1", 0.6),
			times("prompt_tokens_total llm-0", 1.9), times("generation_tokens_total llm-0", 1.5), set("num_requests_running llm-0", 60), set("num_requests_waiting{ llm-0", 60), times("first_token_seconds_sum llm-0", 10)}},
			"load_imbalance", "collective_hang"},
		"engines that do not tell the time to first token": {service{without: []string{"vllm:time_to_first_token"},
			changes: []change{set("process_cpu llm-1", 1), times("GPU_UTIL llm-1", 0.6), times("gateway_time_to_first_token_seconds_sum", 4)}}, "cpu_bottleneck", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(t.Context(), tc.service.store(t), Options{Faults: c})
			if err != nil {
				t.Fatal(err)
			}
			if tc.want != "" && (len(r.Incidents) != 1 || r.Incidents[0].Diagnoses[0].Fault != tc.want) {
				t.Errorf("want %s", tc.want)
				show(t, tc.want, label{}, r)
			}
			for _, in := range r.Incidents {
				for _, d := range in.Diagnoses {
					if d.Fault == tc.not && d.score >= threshold && d.Explained == "" {
						t.Errorf("%s is an answer: %+v", tc.not, d)
					}
				}
			}
		})
	}
}

// Gateways have their own words for whom they ask, and Prometheus keeps them apart from its
// words for the gateway.
func TestUpstreamOfEachGateway(t *testing.T) {
	c := shipped(t)
	limited := service{changes: []change{set(`code="429" openai`, 0.7)}}
	for _, x := range []struct{ name, code, upstream, target string }{
		{"http_requests_total", "code", "upstream", "job"},
		{"http_requests_total", "code", "exported_upstream", "upstream"},
		{"nginx_ingress_controller_requests", "status", "ingress", "service"},
		{"traefik_service_requests_total", "code", "service", "job"},
		{"traefik_service_requests_total", "code", "exported_service", "service"},
		{"istio_requests_total", "response_code", "destination_service_name", "service"},
		{"envoy_cluster_upstream_rq", "envoy_response_code", "envoy_cluster_name", "service"},
		{"litellm_proxy_total_requests_metric_total", "status_code", "api_provider", "service"},
	} {
		t.Run(x.name+"/"+x.upstream, func(t *testing.T) {
			s := sameness{series: func(ls labels.Labels) labels.Labels {
				if ls.Get(model.MetricNameLabel) != "http_requests_total" {
					return ls
				}
				return labels.FromStrings(model.MetricNameLabel, x.name, "instance", ls.Get("instance"), x.target, "gateway", x.code, ls.Get("code"), x.upstream, ls.Get("upstream"))
			}}.of(limited.store(t))
			r, err := Run(t.Context(), s, Options{Faults: c})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Incidents) != 1 || r.Incidents[0].Diagnoses[0].Fault != "upstream_rate_limit" || r.Incidents[0].Diagnoses[0].Entity != "upstream=openai" {
				show(t, "upstream_rate_limit", label{}, r)
				t.Error("want upstream_rate_limit of openai")
			}
		})
	}
}

// An engine that does not tell the time to first token and uses more CPU, as more is asked
// of it, has no bottleneck there: nobody waits.
func TestMoreOfTheCPU(t *testing.T) {
	c := shipped(t)
	s := service{without: []string{"vllm:time_to_first_token"}}
	for _, x := range []string{`code="200" local`, "request_success", "generation_tokens_total", "prompt_tokens_total", "num_requests_running"} {
		s.changes = append(s.changes, times(x, 2))
	}
	for _, cores := range []float64{1, 4} {
		busy := s
		busy.changes = append(slices.Clone(s.changes), set("process_cpu", cores))
		r, err := Run(t.Context(), busy.store(t), Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != OK {
			show(t, "nothing", label{}, r)
			t.Errorf("%v cores: %s", cores, r.Verdict)
		}
	}
}

// Most requests refused is no fault of the catalogue, and hurts; a few are their callers'.
func TestRefusals(t *testing.T) {
	c := shipped(t)
	for rate, want := range map[float64]string{5: IncidentSeen, 0.2: OK} {
		r, err := Run(t.Context(), service{changes: []change{set(`code="400"`, rate), times(`code="200" local`, 7.5/(7.5+rate))}}.store(t), Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != want || want == IncidentSeen && r.Incidents[0].Diagnoses[0].Fault != Unknown {
			show(t, want, label{}, r)
			t.Errorf("%v a second refused: %s, want %s", rate, r.Verdict, want)
		}
	}
}

// An engine that counts prompts when they are answered counts few of a replica that gets
// more than it can answer.
func TestImbalanceByArrivals(t *testing.T) {
	names := map[string]string{
		"vllm:num_requests_running": "tgi_batch_current_size", "vllm:num_requests_waiting": "tgi_queue_size", "vllm:prompt_tokens_total": "tgi_request_input_length_sum",
		"vllm:generation_tokens_total": "tgi_request_generated_tokens_sum", "vllm:request_success_total": "tgi_request_count",
	}
	s := service{
		without: []string{"time_to_first", "inter_token", "e2e_request", "request_queue", "request_prefill", "request_decode", "request_prompt", "request_generation",
			"by_reason", "preemptions", "prefix_cache", "spec_decode", "lora", "kv_cache", "admission", "corrupted", `reason="length"`, `reason="abort"`, `reason="error"`},
		changes: []change{times("request_success llm-1", 3), times("request_success llm-0", 0.2), times("request_success llm-2", 0.2),
			times("prompt_tokens_total llm-1", 0.9), times("prompt_tokens_total llm-0", 0.2), times("prompt_tokens_total llm-2", 0.2),
			times("generation_tokens_total llm-0", 0.2), times("generation_tokens_total llm-2", 0.2), times("generation_tokens_total llm-1", 0.6),
			set("num_requests_running llm-0", 4), set("num_requests_running llm-2", 4), set("num_requests_running llm-1", 40), set("num_requests_waiting llm-1", 300),
			set(`code="504"`, 3), times(`code="200" local`, 0.6)},
	}
	engine := sameness{series: func(ls labels.Labels) labels.Labels {
		name, ok := names[ls.Get(model.MetricNameLabel)]
		if !ok {
			return ls
		}
		return labels.NewBuilder(ls).Set(model.MetricNameLabel, name).Del("finished_reason").Labels()
	}}
	r, err := Run(t.Context(), engine.of(s.store(t)), Options{Faults: shipped(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Incidents) != 1 || r.Incidents[0].Diagnoses[0].Fault != "load_imbalance" || r.Incidents[0].Diagnoses[0].Entity != "replica=llm-1" {
		show(t, "load_imbalance", label{}, r)
		t.Error("want load_imbalance of llm-1")
	}
}
