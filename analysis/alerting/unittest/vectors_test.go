package unittest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The unit-test files in Prometheus's own source pass and fail as its tests have it
// (cmd/promtool/unittest_test.go), but for native histograms and experimental
// functions, which are not read here.
func TestPrometheusVectors(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "cmd", "promtool", "testdata")
	if _, missing := os.Stat(dir); err != nil || missing != nil {
		t.Skipf("the source of Prometheus is not here: %v, %v", err, missing)
	}
	for name, want := range map[string]string{
		"long-period.yml":                 "",
		"no-test-group-interval.yml":      "",
		"start-time-test.yml":             "",
		"at-modifier-test.yml":            "",
		"negative-offset-test.yml":        "",
		"bad-input-series.yml":            "input series",
		"bad-promql.yml":                  "many-to-many matching not allowed",
		"bad-rules-syntax-test.yml":       "bad-rules-syntax.yml:",
		"bad-rules-error-test.yml":        "many-to-many matching not allowed",
		"failing.yml":                     "InstanceDown",
		"rules_run.yml":                   "test",
		"rules_run_fuzzy.yml":             "2.9999999999999987",
		"rules_run_no_fuzzy.yml":          "2.9999999999999996",
		"unittest.yml":                    "native histogram",
		"experimental-functions-test.yml": "experimental",
	} {
		why, ok := ours(t, dir, name)
		if ok != (want == "") || !strings.Contains(why, want) {
			t.Errorf("%s: passes %v; %q is not in\n%s", name, ok, want, why)
		}
	}
}
