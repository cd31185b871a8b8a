package rulescmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llmops/analysis/diagnose"
	"llmops/analysis/rulelint"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/catalog"
	"llmops/rules/fault"
)

func rules(t *testing.T, want cli.Code, args ...string) clitest.Result {
	t.Helper()
	r := clitest.Run(t, nil, []cli.Verb{New}, append([]string{"rules"}, args...)...)
	if r.Code != want {
		t.Fatalf("%q exits %d:\n%s%s", args, r.Code, r.Out, r.Err)
	}
	return r
}

const mine = `signals:
  - {name: heat, unit: °C, from: ['max by (replica) (rack_heat_celsius)']}
faults:
  - id: too_hot
    en: Too hot
    zh: 过热
    cause: the room is too warm
    severity: medium
    symptoms:
      - {name: it is hot, expr: heat, above: [75, 80], weight: 5, required: true}
    explains: [thermal_throttling]
    actions:
      - {do: look at the air conditioning}
    runbook: https://example.com/heat
`

const mineTest = `fault_files: [mine.yaml]
fault_tests:
  - name: the room is warm
    interval: 30s
    input_series:
      - {series: 'rack_heat_celsius{replica="a"}', values: 30x59 90x59}
      - {series: 'vllm:generation_tokens_total{replica="a"}', values: 0+9000x119}
    first: too_hot
`

// All that is wrong with a file of faults is told with its place, in every format.
func TestCheckFaults(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "mine.yaml", mine)
	r := rules(t, cli.CodeOK, "check", good)
	if !strings.Contains(r.Out, "mine.yaml:2:35: warning: nobody knows a metric called rack_heat_celsius") || !strings.Contains(r.Out, "1 file, 1 fault: 0 errors, 1 warning, 0 remarks") {
		t.Error(r.Out)
	}
	for _, tt := range []struct {
		old, new string
		code     cli.Code
		want     []string
	}{
		{"expr: heat", "expr: heet", cli.CodeGate, []string{"mine.yaml:10:33: error: no signal is called heet [unknown-signal]", "did you mean heat?"}},
		{"[75, 80]", "[80, 75]", cli.CodeGate, []string{"mine.yaml:10:9: error: above: [80, 75] begins where it should be full [never-seen]"}},
		{"weight: 5", "weight: 2", cli.CodeGate, []string{"mine.yaml:4:5: error: fault too_hot: the prior and all weights together are -1"}},
		{"[thermal_throttling]", "[thermal_throtling]", cli.CodeUsage, []string{`explains "thermal_throtling", which is no fault [syntax]`, "did you mean thermal_throttling?"}},
		{"rack_heat_celsius", "DCGM_FI_DEV_GPU_TMP", cli.CodeOK, []string{"did you mean DCGM_FI_DEV_GPU_TEMP?"}},
		{"max by (replica) (rack_heat_celsius)", "max by (replica) (rate(DCGM_FI_DEV_GPU_TEMP[1m]))", cli.CodeOK, []string{"[rate-of-gauge]"}},
		{"    severity: medium\n", "    severty: medium\n    prior: high\n", cli.CodeUsage, []string{`mine.yaml:8:5: error: unknown key "severty" [syntax]`, `mine.yaml:9:12: error: want a number, not "high" [syntax]`}},
		{"max by (replica) (rack", "max by (replica (rack", cli.CodeUsage, []string{"mine.yaml:2:", "[syntax]"}},
	} {
		text := strings.Replace(mine, tt.old, tt.new, 1)
		if text == mine {
			t.Fatalf("%q is not there", tt.old)
		}
		bad := write(t, t.TempDir(), "mine.yaml", text)
		r := rules(t, tt.code, "check", bad)
		for _, want := range tt.want {
			if !strings.Contains(r.Out, want) {
				t.Errorf("%s:\n%s\nwant %s", tt.new, r.Out, want)
			}
		}
		for format, want := range map[string]string{"json": `"kind":"faults"`, "sarif": `"version"`, "junit": "<testsuite", "github": "::"} {
			if r := rules(t, tt.code, "check", bad, "-o", format); !strings.Contains(strings.ReplaceAll(r.Out, `": "`, `":"`), want) {
				t.Errorf("%s of %s:\n%s", format, tt.new, r.Out)
			}
		}
	}
}

// What ships has nothing that is wrong, and asks for metrics that the catalogue knows.
func TestCheckShippedFaults(t *testing.T) {
	r := rules(t, cli.CodeOK, "check", "@defaults/faults", "../../../rules/defaults/faults/tests", "--fail-on", "warning")
	if !strings.Contains(r.Out, "32 faults") || !strings.Contains(r.Out, "tests of faults: 0 errors, 0 warnings") {
		t.Error(r.Out)
	}
	faults, err := shippedFaults()
	if err != nil {
		t.Fatal(err)
	}
	names, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	// Of an application, and a sum that only with the other one makes a mean.
	others := []string{"rag_retrieval_duration_seconds_sum", "rag_retrieval_duration_seconds_count", "llamacpp:prompt_seconds_total"}
	for _, f := range lintSignals(faults, append(diagnose.Made(), others...), rulelint.Options{Catalog: names}) {
		if f.Severity != rulelint.Info {
			t.Errorf("%s: %s: %s", f.Position, f.Check, f.Message)
		}
	}
}

// Faults are tested beside rules, with their own files or those that ship.
func TestTestFaults(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "mine.yaml", mine)
	good := write(t, dir, "mine_test.yaml", mineTest)
	if r := rules(t, cli.CodeOK, "test", dir); !strings.Contains(r.Out, "pass  the room is warm (1 check)") {
		t.Error(r.Out)
	}
	if r := rules(t, cli.CodeOK, "check", good); !strings.Contains(r.Out, "1 test of faults") {
		t.Error(r.Out)
	}
	bad := write(t, dir, "bad_test.yaml", strings.Replace(mineTest, "first: too_hot", "first: gpu_lost", 1))
	r := rules(t, cli.CodeGate, "test", bad)
	if want := `bad_test.yaml:3:5: the first answer is "too_hot", not gpu_lost; found: too_hot of replica=a 0.`; !strings.Contains(strings.Join(strings.Fields(r.Out), " "), want) {
		t.Errorf("%s\nwant %s", r.Out, want)
	}
	if r := rules(t, cli.CodeGate, "test", bad, "-o", "junit"); !strings.Contains(r.Out, `failures="1"`) {
		t.Error(r.Out)
	}
	var doc testReport
	if r := rules(t, cli.CodeGate, "test", bad, "-o", "json"); json.Unmarshal([]byte(r.Out), &doc) != nil || doc.Files[0].Tests[0].Failures[0].Kind != diagnosis || doc.Failed != 1 {
		t.Error(r.Out)
	}
	rules(t, cli.CodeNoVerdict, "test", good, "--run", "nothing")
	for text, want := range map[string]string{
		strings.Replace(mineTest, "mine.yaml", "none.yaml", 1):            "fault_files",
		strings.Replace(mineTest, "first: too_hot", "first: too_cold", 1): `no fault is called "too_cold"`,
		strings.Replace(mineTest, "30x59", "30y59", 1):                    "series rack_heat_celsius",
	} {
		name := write(t, dir, "broken_test.yaml", text)
		if r := rules(t, cli.CodeUsage, "test", name); !strings.Contains(r.Err, want) {
			t.Errorf("%s, want %s", r.Err, want)
		}
		if r := rules(t, cli.CodeUsage, "check", name); !strings.Contains(r.Out, want) {
			t.Errorf("%s, want %s", r.Out, want)
		}
	}
}

// Faults are listed and shown like rules.
func TestListAndShowFaults(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "mine.yaml", mine)
	if r := rules(t, cli.CodeOK, "list", file); !strings.Contains(r.Out, "too_hot") || !strings.Contains(r.Out, "medium") {
		t.Error(r.Out)
	}
	r := rules(t, cli.CodeOK, "list", "--kind", "fault", "-o", "json")
	var doc struct {
		Rules []struct {
			Name, Kind  string
			Labels      map[string]string
			Annotations map[string]string
		}
	}
	if err := json.Unmarshal([]byte(r.Out), &doc); err != nil || len(doc.Rules) != 32 {
		t.Fatalf("%d faults, %v", len(doc.Rules), err)
	}
	for _, f := range doc.Rules {
		if f.Kind != "fault" || !slices.Contains(fault.Severities(), fault.Severity(f.Labels["severity"])) || f.Annotations["summary"] == "" || f.Annotations["summary_zh"] == "" {
			t.Errorf("%+v", f)
		}
	}
	if r := rules(t, cli.CodeOK, "list"); strings.Contains(r.Out, "gpu_memory_leak") {
		t.Error("faults among the rules that ship")
	}
	r = rules(t, cli.CodeOK, "show", "gpu_memory_leak")
	for _, want := range []string{"GPU memory leak", "显存泄漏", "memory grows without a pause", "gpu_memory", "显存使用率", "against", "an answer from a score of 0.8 on"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("no %q in\n%s", want, r.Out)
		}
	}
	if r := rules(t, cli.CodeOK, "show", "too_hot", "--rules", file, "-o", "json"); !strings.Contains(r.Out, `"required"`) || !strings.Contains(r.Out, "过热") {
		t.Error(r.Out)
	}
	if r := rules(t, cli.CodeUsage, "show", "gpu_memory_leek"); !strings.Contains(r.Err, "did you mean gpu_memory_leak") {
		t.Error(r.Err)
	}
}

// Every file of faults has the name under which it can be copied.
func TestShippedFaultFiles(t *testing.T) {
	paths, err := filepath.Glob("../../../rules/defaults/faults/*.yaml")
	if err != nil || len(paths) != len(rulefiles.ShippedFaults()) {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for i, name := range rulefiles.ShippedFaults() {
		data, err := rulefiles.Default(name)
		if err != nil {
			t.Fatal(err)
		}
		if file, err := os.ReadFile(paths[i]); err != nil || string(file) != string(data) || rulefiles.KindOf(data) != rulefiles.Faults {
			t.Errorf("%s, %v", name, err)
		}
	}
}
