package objectives

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/rules/slo"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// parse reads a command line as commands do.
func parse(t *testing.T, args ...string) *Flags {
	t.Helper()
	f, cmd := &Flags{}, &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }}
	f.AddFlags(cmd)
	cmd.SetArgs(args)
	cmd.SetOut(&bytes.Buffer{})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadSeveralFiles(t *testing.T) {
	one := write(t, "one.yaml", "slos: [{name: one, sli: availability, target: 0.9}]")
	two := write(t, "two.yaml", "slos: [{name: two, sli: availability, target: 0.9}]")
	file, err := parse(t, "--slo-file", two, "--slo", "success_rate >= 99%", "--slo-file", "@defaults/budget", "--slo-file", one).Read()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range file.Objectives {
		names = append(names, o.Name)
	}
	if want := []string{"success_rate >= 99%", "two", "availability", "one"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if !slices.Equal(file.ExcludeStatus, slo.DefaultExcludeStatus()) {
		t.Errorf("exclude_status %v", file.ExcludeStatus)
	}

	again := write(t, "again.yaml", "slos:\n  - {name: one, sli: availability, target: 0.5}")
	_, err = parse(t, "--slo-file", one, "--slo-file", again).Read()
	if err == nil || !strings.Contains(err.Error(), again+":2:5: another objective is called \"one\" too, in "+one+":1:8") || cli.CodeOf(err) != cli.CodeUsage {
		t.Errorf("%v", err)
	}
}

func TestMissingFile(t *testing.T) {
	_, err := parse(t, "--slo-file", filepath.Join(t.TempDir(), "none.yaml")).Read()
	if err == nil || !strings.Contains(err.Error(), "no such file") || cli.CodeOf(err) != cli.CodeUsage {
		t.Errorf("%v", err)
	}
}
