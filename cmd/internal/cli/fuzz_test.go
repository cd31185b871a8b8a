package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// FuzzConfig feeds any bytes as a configuration file: the outcome is settings
// or an error of usage that names the file, never a panic.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"color: never\n", "probe:\n  count: 3\n", "probe: {slo: [a, b]}\n", "probe:\n", "",
		"a: &x [1]\nb: *x\n", "probe: &p\n  count: *p\n", "? [a]\n: b\n", "!!binary x: 1\n", "--- a\n--- b\n", "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "llmops.yaml")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		app := &App{configFile: name}
		root := Root(app, func(*App) *cobra.Command {
			cmd := &cobra.Command{Use: "probe", RunE: func(*cobra.Command, []string) error { return nil }}
			cmd.Flags().Int("count", 1, "")
			cmd.Flags().StringArray("slo", nil, "")
			return cmd
		})
		app.configFile = name
		_, err := Settings(app, root)
		if err == nil {
			return
		}
		if CodeOf(err) != CodeUsage || !strings.Contains(err.Error(), name) {
			t.Errorf("code %d, error %q", CodeOf(err), err)
		}
	})
}
