package serving

import (
	"slices"
	"strconv"
	"strings"

	"llmops/probes/snapshot"
)

// vllmLoRA reads what vLLM says of adapters by the labels of one gauge, whose value is
// when they were so: labels that have changed stay on the page, and the newest count.
func vllmLoRA(now, _ page, _ float64, s *snapshot.Server) {
	var newest *series
	for i, x := range now.series["vllm:lora_requests_info"] {
		if newest == nil || x.value > newest.value {
			newest = &now.series["vllm:lora_requests_info"][i]
		}
	}
	if newest == nil {
		return
	}
	x := &snapshot.LoRA{Running: adapters(newest.labels.Get("running_lora_adapters")), Waiting: adapters(newest.labels.Get("waiting_lora_adapters"))}
	x.RunningCount, x.WaitingCount = new(float64(len(x.Running))), new(float64(len(x.Waiting)))
	if n, err := strconv.ParseUint(newest.labels.Get("max_lora"), 10, 32); err == nil {
		x.Slots = new(float64(n))
	}
	s.LoRA = x
}

// adapters splits a list of names, each of them once.
func adapters(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sglangLoRA reads the slots for adapters in GPU memory, of which each rank has its own.
func sglangLoRA(now, _ page, _ float64, s *snapshot.Server) {
	e := &engine{}
	used, slots := e.fullest(now, named("sglang:lora_pool_slots_used")), e.fullest(now, named("sglang:lora_pool_slots_total"))
	if used != nil || slots != nil {
		s.LoRA = &snapshot.LoRA{Slots: slots, SlotsUsed: used}
	}
}
