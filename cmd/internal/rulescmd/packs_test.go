package rulescmd

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"llmops/cmd/internal/rulefiles"
)

// The rules that ship are files that Prometheus loads, each and together, and no rule
// is lost on the way.
func TestPacksForPrometheus(t *testing.T) {
	dir := t.TempDir()
	rules := 0
	for _, args := range append([]string{""}, rulefiles.Shipped()...) {
		call, name := []string{}, "all.yaml"
		if args != "" {
			call, name = []string{"--pack", args}, args+".yaml"
		}
		text := run(t, 0, call...).Out
		if said, err := promtool(t, dir, "check", "rules", write(t, dir, name, text)); err != nil || !strings.Contains(said, "SUCCESS") {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
		n := strings.Count(text, "      - alert:") + strings.Count(text, "      - record:")
		if args == "" {
			rules = n
		} else {
			rules -= n
		}
	}
	if rules != 0 {
		t.Errorf("all packs together have %d rules more than each of them", rules)
	}
	files, err := rulefiles.Load(filepath.Join(dir, "all.yaml"))
	if err != nil || len(listedRules(files)) < 50 {
		t.Errorf("%d rules, %v", len(listedRules(files)), err)
	}
}

// The routes that ship are a configuration that Alertmanager loads.
func TestRoutesForAlertmanager(t *testing.T) {
	path, err := exec.LookPath("amtool")
	if err != nil {
		t.Skip("amtool is not installed (Debian package prometheus-alertmanager)")
	}
	dir := t.TempDir()
	file := write(t, dir, "alertmanager.yml", run(t, 0, "--format", "alertmanager").Out)
	if said, err := exec.CommandContext(t.Context(), path, "check-config", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
