package diagnose

import (
	"math"
	"testing"
)

// Exporters break in many ways; each is one incident of the measurement. What a broken
// engine or a harmless event does to series is none.
func TestTelemetry(t *testing.T) {
	c := shipped(t)
	for _, tt := range []struct {
		name, entity string
		service      service
	}{
		{"the engine's series stop", "replica=llm-2", service{changes: []change{gone("vllm: llm-2"), gone("process_ llm-2")}}},
		{"the host's series stop", "replica=llm-0", service{changes: []change{gone("node_ node-0")}}},
		{"the GPUs' series stop", "replica=llm-0", service{changes: []change{gone("DCGM_ llm-0")}}},
		{"the engine's series stand still", "replica=llm-1", service{frozen: []string{"10.0.0.1:8000"}}},
		{"the GPUs' series stand still", "replica=llm-1", service{frozen: []string{"10.1.0.1:9400"}}},
		{"counters of the engine start again and again", "replica=llm-1", service{resets: []int{72, 78, 85, 92}, resetOf: "10.0.0.1:8000"}},
		{"counters of the host start again and again", "replica=llm-1", service{resets: []int{72, 78, 85, 92}, resetOf: "10.1.0.1:9100"}},
		{"counters start again once", "", service{resets: []int{80}, resetOf: "10.1.0.1:9100"}},
		{"a few scrapes are missed", "", service{changes: []change{{words: "llm-1", set: func(v, p float64) float64 {
			if p > 0.3 && p < 0.36 || p > 0.7 && p < 0.74 {
				return math.NaN()
			}
			return v
		}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Run(t.Context(), tt.service.store(t), Options{Faults: c})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if len(r.Incidents) == 1 && r.Incidents[0].Diagnoses[0].Fault == "telemetry_fault" {
				got = r.Incidents[0].Diagnoses[0].Entity
				if s := r.Incidents[0].Severity; s != "low" && s != "medium" {
					t.Errorf("severity %s", s)
				}
			}
			if got != tt.entity || len(r.Incidents) > 1 || tt.entity == "" && len(r.Incidents) > 0 {
				show(t, tt.name, label{}, r)
				t.Errorf("want %q", tt.entity)
			}
		})
	}
}

// What happens every day is no incident.
func TestHarmless(t *testing.T) {
	c := shipped(t)
	between := func(from, to float64, words string, f func(v float64) float64) change {
		return change{words: words, set: func(v, p float64) float64 {
			if p >= from && p <= to {
				return f(v)
			}
			return v
		}}
	}
	nan := func(float64) float64 { return math.NaN() }
	to := func(x float64) func(float64) float64 { return func(float64) float64 { return x } }
	by := func(k float64) func(float64) float64 { return func(v float64) float64 { return v * k } }
	var deploy []change
	for i, r := range []string{"llm-0", "llm-1", "llm-2"} {
		at := 0.1 + 0.25*float64(i)
		deploy = append(deploy, restarted(r, at),
			between(at, at+0.09, "vllm: "+r, nan), between(at, at+0.09, "up{ "+r, to(0)), between(at, at+0.09, "GPU_UTIL "+r, to(0)),
			between(at, at+0.09, "FB_USED "+r, to(20000)), between(at, at+0.09, "FB_FREE "+r, to(60000)))
	}
	for name, changes := range map[string][]change{
		"a rolling deploy":    deploy,
		"a spike":             {between(0.3, 0.4, "num_requests_waiting{", to(30)), between(0.3, 0.4, "first_token_seconds_sum", by(3)), between(0.3, 0.4, `code="200" local`, by(1.6))},
		"a daily peak":        {grow(`code="200" local`, 3), grow(`reason="stop"`, 0.8), grow("num_requests_running", 8), times("inter_token_latency_seconds_sum", 1.1)},
		"a batch job":         {set("node_cpu node-1 user", 9), set("node_cpu node-1 idle", 7), times("disk_read node-1", 30)},
		"a harmless XID":      {set(`XID llm-1 gpu="0"`, 31), set(`XID llm-2 gpu="1"`, 45)},
		"a full cache":        {set("kv_cache", 0.97)},
		"a few client errors": {set(`code="504"`, 0.01)},
	} {
		r, err := Run(t.Context(), service{changes: changes}.store(t), Options{Faults: c})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Incidents) > 0 {
			show(t, name, label{}, r)
			t.Errorf("%s is taken for an incident", name)
		}
	}
}
