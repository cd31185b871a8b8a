package main

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"llmops/analysis/compare"
	"llmops/probes/snapshot"
)

// What comparisons come to holds the schema, which in its strict form knows every key.
func TestCompareSchema(t *testing.T) {
	load := func(seed uint64, factor float64) compare.Run {
		rng, b := rand.New(rand.NewPCG(seed, 1)), &compare.Builder{}
		for i := range 300 {
			b.Add(compare.Request{Place: int64(i), Values: map[string]float64{"latency_ms": factor * (100 + 10*rng.NormFloat64())}})
		}
		return b.Run("run")
	}
	worse, err := compare.Runs([]compare.Run{load(1, 1)}, []compare.Run{load(2, 1.5)}, compare.Options{Limits: map[string]float64{"p50_latency_ms": 0.05}})
	if err != nil {
		t.Fatal(err)
	}
	drift := compare.Configuration(snapshot.Snapshot{Host: &snapshot.Host{Kernel: "6.1"}}, snapshot.Snapshot{Host: &snapshot.Host{Kernel: "6.8"}, Errors: []snapshot.Problem{{Source: "nvml"}}})
	worse.Baseline, worse.Candidate, worse.Target, worse.Invalid = []string{"a"}, []string{"b"}, "http://x", []string{"no processor"}
	drift.Baseline, drift.Candidate = []string{"a"}, []string{"b"}
	if worse.Verdict != compare.Fail || len(drift.Drift) != 1 || len(drift.Warnings) != 1 {
		t.Fatalf("%+v\n%+v", worse, drift)
	}
	for _, strict := range []bool{true, false} {
		schema := compile(t, strict, compareSchema)
		for _, c := range []compare.Comparison{worse, drift} {
			if err := check(t, schema, c); err != nil {
				t.Errorf("%s: %v", c.Kind, err)
			}
		}
		for what, spoil := range map[string]func(map[string]any){
			"another schema":     func(d map[string]any) { d["schema"] = "llmops.compare/v9" },
			"no verdict":         func(d map[string]any) { delete(d, "verdict") },
			"an unknown verdict": func(d map[string]any) { d["verdict"] = "fine" },
			"an unknown kind":    func(d map[string]any) { d["kind"] = "traces" },
			"null for unknown":   func(d map[string]any) { d["metrics"].([]any)[0].(map[string]any)["p"] = nil },
			"metrics by name":    func(d map[string]any) { d["metrics"] = map[string]any{} },
		} {
			var doc map[string]any
			text, err := json.Marshal(worse)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			spoil(doc)
			if check(t, schema, doc) == nil {
				t.Errorf("%s passes", what)
			}
		}
	}
}
