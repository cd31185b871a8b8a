package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"llmops/probes/snapshot"
	"llmops/rules/catalog"
)

// Every number of a snapshot is in the catalogue, with its kind and labels, and the
// catalogue promises nothing that a snapshot does not have.
func TestCatalogueOfSnapshots(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	f := filler{no: -1}
	whole := f.snapshot()
	whole.Business.Values[0].Name = "active_users"
	whole.Business.Values[0].Labels = nil
	parts := whole
	parts.Servers = slices.Clone(whole.Servers)
	parts.Servers[0].Parts = nil
	seen := map[string]bool{}
	for _, s := range []snapshot.Snapshot{whole, parts} {
		for x := range s.Samples {
			if seen[x.Name] {
				continue
			}
			seen[x.Name] = true
			m, ok := c.Lookup(x.Name)
			if !ok {
				t.Errorf("the catalogue has no %s", x.Name)
				continue
			}
			if m.SameAs != "" {
				t.Errorf("%s is a second name of %s", x.Name, m.SameAs)
			}
			if m.Kind != string(x.Kind) {
				t.Errorf("%s is a %s, in the catalogue a %s", x.Name, x.Kind, m.Kind)
			}
			for _, l := range x.Labels {
				if !slices.Contains(m.Labels, l.Name) {
					t.Errorf("%s has a label %s, in the catalogue only %q", x.Name, l.Name, m.Labels)
				}
			}
		}
	}
	for _, m := range c.Metrics {
		if slices.Contains(m.Sources, catalog.Snapshot) && !seen[m.Name] {
			t.Errorf("%s is said to come from a snapshot, and does not", m.Name)
		}
	}
	if len(seen) < 150 {
		t.Errorf("a whole snapshot has only %d names", len(seen))
	}
}

// The unit in a key of the JSON is that of the series.
func TestUnitsOfSeries(t *testing.T) {
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	series := snapshotSeries()
	for _, n := range series {
		m, _ := c.Lookup(n.Name)
		key := n.Path[strings.LastIndex(n.Path, ".")+1:]
		for _, e := range []struct{ end, unit string }{
			{"_bytes", "bytes"}, {"_bytes_total", "bytes"}, {"_ms", "ms"}, {"_c", "°C"}, {"_w", "W"}, {"_mhz", "MHz"},
			{"utilization", "ratio"}, {"_rate", "ratio"}, {"bytes_per_second", "bytes/s"}, {"bytes_per_s", "bytes/s"}, {"_cores", "cores"}, {"uptime_s", "s"},
		} {
			if strings.HasSuffix(key, e.end) && m.Unit != e.unit {
				t.Errorf("%s is %s in %q", n.Path, n.Name, m.Unit)
			}
		}
	}
	for path, want := range map[string]string{
		"gpus[].memory.used_bytes":                 "gpu_memory_used_bytes",
		"gpus[].mig.instances[].memory.free_bytes": "gpu_mig_memory_free_bytes",
		"host.filesystems[].read_only":             "disk_read_only",
		"host.memory.utilization":                  "memory_utilization",
		"servers[].up":                             "server_up",
		"servers[].running":                        "concurrent_requests",
		"servers[].parts[].running":                "concurrent_requests",
		"servers[].ttft_ms.p95":                    "p95_ttft_ms",
		"timings_ms.*":                             "probe_duration_ms",
	} {
		if series[path].Name != want {
			t.Errorf("%s is the series %q, want %q", path, series[path].Name, want)
		}
	}
	if got := series["gpus[].throttle.seconds_total.*"]; !slices.Equal(got.Labels, []string{"gpu", "reason", "uuid"}) {
		t.Errorf("%+v", got)
	}
}

func compile(t *testing.T, strict bool, schemaOf func(root string, strict bool) (string, error)) *jsonschema.Schema {
	t.Helper()
	text, err := schemaOf(root, strict)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("x.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("x.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func check(t *testing.T, schema *jsonschema.Schema, doc any) error {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(v)
}

// What the program writes holds the schema: a snapshot with everything, and one with
// nothing. The strict form shows that the schema knows every key.
func TestSnapshotSchema(t *testing.T) {
	f := filler{no: -1}
	whole := f.snapshot()
	for _, strict := range []bool{true, false} {
		schema := compile(t, strict, snapshotSchema)
		if err := check(t, schema, whole); err != nil {
			t.Errorf("a whole snapshot: %v", err)
		}
		if err := check(t, schema, snapshot.Snapshot{Schema: snapshot.Schema}); err != nil {
			t.Errorf("an empty snapshot: %v", err)
		}
		var doc map[string]any
		text, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		for what, break_ := range map[string]func(map[string]any){
			"another schema":  func(d map[string]any) { d["schema"] = "llmops.snapshot/v9" },
			"no time":         func(d map[string]any) { delete(d, "at") },
			"a time in words": func(d map[string]any) { d["at"] = "yesterday" },
			"a number as text": func(d map[string]any) {
				d["host"].(map[string]any)["memory"].(map[string]any)["utilization"] = "90%"
			},
			"less than nothing": func(d map[string]any) {
				d["host"].(map[string]any)["memory"].(map[string]any)["total_bytes"] = -1
			},
			"an unknown status": func(d map[string]any) { d["errors"].([]any)[0].(map[string]any)["status"] = "odd" },
			"null for unknown":  func(d map[string]any) { d["window_s"] = nil },
		} {
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			break_(doc)
			if check(t, schema, doc) == nil {
				t.Errorf("%s passes", what)
			}
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		doc["added_later"] = 1
		if err := check(t, schema, doc); (err == nil) == strict {
			t.Errorf("a key that was added later, strict %v: %v", strict, err)
		}
	}
}
