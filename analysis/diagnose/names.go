package diagnose

import (
	"maps"
	"slices"
)

// Computed are the signals that are not made of PromQL.
func Computed() []string { return slices.Sorted(maps.Keys(computed())) }

// Made are the names of series that the expressions of signals may ask for although no
// exporter has them: one for what several call differently, and numbers that an engine
// says in labels.
func Made() []string {
	names := []string{"lora_adapters_running", "lora_adapters_waiting", "lora_slots"}
	for _, name := range metricNames {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
