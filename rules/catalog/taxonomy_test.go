package catalog

import (
	"strings"
	"testing"
)

// The names that the catalogue promises, by category: whatever else changes,
// they stay, since rules and recordings of users hold them.
var promised = map[string]string{
	Performance: `
		p50_latency_ms p95_latency_ms p99_latency_ms max_latency_ms min_latency_ms avg_latency_ms
		requests_per_second requests_per_minute tokens_per_second concurrent_requests queue_length
		success_rate error_rate timeout_rate quality_score output_quality_score availability
		successful_requests total_requests errors_per_minute error_types
		remaining_budget budget_consumption budget_consumption_rate
		deployment_event instance_count_change
		p95_ttft_ms p95_tpot_ms p99_itl_ms goodput
		p95_prompt_tokens p95_output_tokens queue_length_by_reason grammar_queue_length
		requests_rejected_total corrupted_requests_total retries_total retries_per_second
		instance_count instance_count_wanted container_restarts_total`,
	Resource: `
		gpu_utilization gpu_memory_usage gpu_memory_utilization cpu_utilization cpu_count load_average
		memory_usage memory_utilization memory_total_gb memory_used_gb memory_available_gb memory_trend
		disk_usage disk_utilization disk_total_gb disk_used_gb disk_free_gb io_wait
		cache_hit_rate cache_memory_usage kv_cache_utilization preemptions_total
		network_in_bytes network_out_bytes network_bytes_sent network_bytes_recv network_packets_sent network_packets_recv
		connection_count packet_loss_rate model_load_time_ms model_memory_usage_gb
		lora_slots lora_slots_used lora_adapters_running lora_adapters_waiting
		spec_decode_drafts_total spec_decode_draft_tokens_total spec_decode_accepted_tokens_total
		spec_decode_acceptance_rate spec_decode_acceptance_length
		cached_prompt_tokens_total kv_cache_used_tokens kv_transfer_ms kv_transfer_failures_total
		process_cpu_used_cores process_memory_used_bytes process_open_files`,
	Business: `
		user_satisfaction_score session_duration bounce_rate conversion_rate complaint_rate
		active_users new_users user_retention_rate
		cost_per_request cost_per_request_usd cost_per_token hourly_cost_usd
		resource_efficiency cost_efficiency_score cost_trend`,
}

// Fields of a GPU that mean a metric only within one.
var promisedOfGPU = map[string]string{
	"utilization":        "gpu_utilization",
	"memory_utilization": "gpu_memory_utilization",
	"memory_total_mb":    "gpu_memory_total_bytes",
	"memory_used_mb":     "gpu_memory_used_bytes",
	"temperature":        "gpu_temperature_c",
}

func TestPromisedNames(t *testing.T) {
	c := load(t)
	for category, names := range promised {
		for name := range strings.FieldsSeq(names) {
			m, ok := c.Lookup(name)
			if !ok {
				t.Errorf("the catalogue has no %s", name)
				continue
			}
			if m.Category != category {
				t.Errorf("%s is of category %s, want %s", name, m.Category, category)
			}
			if _, _, ok := c.Resolve(name); !ok {
				t.Errorf("%s does not resolve", name)
			}
		}
	}
	for field, name := range promisedOfGPU {
		m, _ := c.Lookup(name)
		found := false
		for _, a := range m.Aliases {
			found = found || a.Bare && a.Name == field
		}
		if !found {
			t.Errorf("%s does not know that %s of a GPU means it", name, field)
		}
	}
}
