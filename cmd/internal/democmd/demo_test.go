package democmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/democmd"
)

// Rules of somebody's own are not replaced by those of the demo.
func TestRulesStay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rules.yaml")
	if err := os.WriteFile(file, []byte("groups: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := clitest.Run(t, nil, []cli.Verb{democmd.New}, "demo", "--out", dir)
	if r.Code != cli.CodeUsage || !strings.Contains(r.Err, "rules.yaml is there already") || r.Out != "" {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "groups: []\n" {
		t.Errorf("%q %v", text, err)
	}
}
