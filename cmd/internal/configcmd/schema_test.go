package configcmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/configcmd"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/snapshotcmd"
	"llmops/cmd/internal/versioncmd"
	"llmops/rules/fault"
	"llmops/rules/slo"
)

var verbs = []cli.Verb{configcmd.New, loadtestcmd.New, snapshotcmd.New, versioncmd.New}

const root = "../../.."

// schema compiles what "llmops config schema KIND" prints.
func schema(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	r := clitest.Run(t, nil, verbs, "config", "schema", kind)
	if r.Code != 0 {
		t.Fatalf("exit %d: %s", r.Code, r.Err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(r.Out))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds a YAML text to a schema, as an editor does.
func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// What ships, and what the tests of other commands read, is valid.
func TestShippedFilesAreValid(t *testing.T) {
	for kind, patterns := range map[string][]string{
		configcmd.SLOSchema:    {"rules/defaults/objectives.yaml", "rules/defaults/budget.yaml", "fixtures/slo/chat.yaml"},
		configcmd.RulesSchema:  {"rules/defaults/burn-rate.yaml", "rules/defaults/engines.yaml", "rules/defaults/gpu.yaml", "rules/defaults/health.yaml", "rules/defaults/host.yaml", "rules/defaults/service.yaml"},
		configcmd.FaultsSchema: {"rules/defaults/faults/*.yaml"},
	} {
		s := schema(t, kind)
		for _, pattern := range patterns {
			files, err := filepath.Glob(filepath.Join(root, pattern))
			if err != nil || len(files) == 0 {
				t.Errorf("%s: no files, %v", pattern, err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := validate(t, s, text); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
}

// Schema and reader agree: what one refuses the other refuses.
func TestSchemasAgreeWithReaders(t *testing.T) {
	readers := map[string]func(string) error{
		configcmd.SLOSchema:    func(s string) error { _, err := slo.Load("x", strings.NewReader(s)); return err },
		configcmd.FaultsSchema: func(s string) error { _, err := fault.Read("x", strings.NewReader(s)); return err },
		configcmd.ConfigSchema: func(s string) error {
			name := filepath.Join(t.TempDir(), "llmops.yaml")
			if err := os.WriteFile(name, []byte(s), 0o600); err != nil {
				return err
			}
			if r := clitest.Run(t, nil, verbs, "config", "show", "--config", name); r.Code != 0 {
				return os.ErrInvalid
			}
			return nil
		},
	}
	const fine = "signals: [{name: a, from: [x]}]\nfaults: [{id: f, en: f, cause: c, symptoms: [{name: s, expr: a, above: 1, required: true"
	for kind, cases := range map[string]map[string]bool{
		configcmd.SLOSchema: {
			"slos: [{sli: p95_latency_ms < 500}]": true,
			"slos: [{name: a, sli: availability, target: 99.9%, window: 7d, min_events: 3, method: ratio_timeslices, slice: 1m}]": true,
			"slos: [{sli: latency_ms < 5, target: 0.9, errors: bad, alerts: [{severity: p, long: 1h, short: 5m, threshold: 2}]}]": true,
			"slos: [{sli: availability, target: 0.9, method: timeslices, slice_target: 0.5}]":                                     true,
			"exclude_status: [400]\nslos: [{sli: availability, target: 1}]":                                                       true,
			"exclude_status: [40]\nslos: [{sli: availability, target: 0.9}]":                                                      false,
			"slos: []":                                 false,
			"slo: [{sli: p95_latency_ms < 500}]":       false,
			"slos: [{sli: availability, target: 1.5}]": false,
			"slos: [{sli: availability, target: 0.9, window: 30 fortnights}]":                         false,
			"slos: [{sli: latency_ms < 5, target: 0.9, errors: ignore}]":                              false,
			"slos: [{sli: availability, target: 0.9, alerts: [{long: 1h, short: 5m, threshold: 2}]}]": false,
			"slos: [{name: a, target: 0.9}]":                                                          false,
			"slos: [{sli: availability, target: 0.9, methods: timeslices}]":                           false,
		},
		configcmd.FaultsSchema: {
			fine + "}]}]": true,
			fine + ", rises: [1, 2], weight: 2}], severity: high, scope: gpu, hold_s: 60, actions: [{do: look, risk: safe, kind: restart, run: {plain: ls}}]}]": true,
			fine + "}], severity: terrible}]":      false,
			fine + "}], actions: [{risk: safe}]}]": false,
			fine + ", sideways: 1}]}]":             false,
			fine + ", rises: [1, 2, 3]}]}]":        false,
			"signals: [{name: A, from: [x]}]":      false,
			"signals: [{name: a}]":                 false,
		},
		configcmd.ConfigSchema: {
			"loadtest: {concurrency: 4, slo: ['p95_ttft_ms < 1'], prompt-tokens: 128, api: chat}": true,
			"loadtest: {slo: 'p95_ttft_ms < 1', no-stream: true}\ncolor: never":                   true,
			"config: {show: {changed: true}}\nversion:":                                           true,
			"loadtest: {concurency: 4}":                                                           false,
			"loadtest: {concurrency: many}":                                                       false,
			"loadtest: {api: telepathy}":                                                          false,
			"loadtest: {no-stream: perhaps}":                                                      false,
			"color: mauve":                                                                        false,
			"loadtest: [4]":                                                                       false,
			"launch: {x: 1}":                                                                      false,
		},
	} {
		s := schema(t, kind)
		for text, ok := range cases {
			if err := readers[kind](text); (err == nil) != ok {
				t.Errorf("%s: the reader of %s says %v, want ok %v", text, kind, err, ok)
			}
			if err := validate(t, s, []byte(text)); (err == nil) != ok {
				t.Errorf("%s: the schema of %s says %v, want ok %v", text, kind, err, ok)
			}
		}
	}
}

// The keys that the reader of faults names are those of the schema.
func TestFaultsSchemaHasEveryKey(t *testing.T) {
	text, err := configcmd.Schema(nil, configcmd.FaultsSchema)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Defs map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	for kind, file := range map[string]string{
		"signal":  "signals: [{qqqqqqqq: 1}]",
		"fault":   "faults: [{qqqqqqqq: 1}]",
		"symptom": "faults: [{symptoms: [{qqqqqqqq: 1}]}]",
		"action":  "faults: [{actions: [{qqqqqqqq: 1}]}]",
	} {
		_, err := fault.Read("x", strings.NewReader(file))
		problems, ok := errors.AsType[fault.Problems](err)
		if !ok {
			t.Fatalf("%s: %v", kind, err)
		}
		want := ""
		for _, p := range problems {
			if keys, ok := strings.CutPrefix(p.Hint, "the keys are "); ok {
				want = keys
			}
		}
		if got := strings.Join(slices.Sorted(maps.Keys(s.Defs[kind].Properties)), ", "); got != want {
			t.Errorf("%s: the schema has %s, the reader %s", kind, got, want)
		}
	}
}

// Every key that may stand in the file stands in the schema, and the other way round.
func TestConfigSchemaHasEveryFlag(t *testing.T) {
	list, err := cli.Settings(&cli.App{}, cli.Root(&cli.App{}, verbs...))
	if err != nil {
		t.Fatal(err)
	}
	r := clitest.Run(t, nil, verbs, "config", "schema")
	type node struct {
		Properties map[string]node `json:"properties"`
	}
	var top node
	if err := json.Unmarshal([]byte(r.Out), &top); err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Flag == "config" {
			continue
		}
		at := top
		for _, name := range strings.Fields(s.Command) {
			at = at.Properties[name]
		}
		if _, ok := at.Properties[s.Flag]; !ok {
			t.Errorf("%s --%s is not in the schema", s.Command, s.Flag)
		}
	}
	if len(r.Out) > 200_000 {
		t.Errorf("%d bytes are too many for an editor to read at each key", len(r.Out))
	}
}

func TestSchemaOfWhat(t *testing.T) {
	r := clitest.Run(t, nil, verbs, "config", "schema", "slos")
	if r.Code != cli.CodeUsage || !strings.Contains(r.Err, `invalid argument "slos"`) {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}
