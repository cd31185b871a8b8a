package cli_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// load is a verb with flags like those of a load test: seats and pace exclude
// each other, shape and top belong to pace, edge to shape, extra to pace or seats.
func load(run func(*cobra.Command)) []cli.Verb {
	return []cli.Verb{func(*cli.App) *cobra.Command {
		cmd := &cobra.Command{Use: "load", RunE: func(cmd *cobra.Command, _ []string) error { run(cmd); return nil }}
		for _, name := range []string{"seats", "pace", "shape", "edge", "top", "extra"} {
			cmd.Flags().Int(name, 0, "")
		}
		cmd.MarkFlagsMutuallyExclusive("seats", "pace")
		cli.Depends(cmd, "shape", "edge")
		cli.Depends(cmd, "pace", "shape", "top", "extra")
		cli.Depends(cmd, "seats", "extra")
		return cmd
	}}
}

func TestDepends(t *testing.T) {
	t.Chdir(t.TempDir())
	const open = "load: {pace: 5, shape: 2, edge: 3, top: 4}\n"
	for _, tt := range []struct {
		name, file string
		env        map[string]string
		args       []string
		want       string
	}{
		{"all from the file", open, nil, nil, "edge=3 pace=5 shape=2 top=4"},
		{"a rival on the command line", open, nil, []string{"--seats=8"}, "seats=8"},
		{"a rival in the environment", open, map[string]string{"LLMOPS_LOAD_SEATS": "8"}, nil, "seats=8"},
		{"the other way round", "load: {seats: 8}\n", nil, []string{"--pace=5", "--shape=2"}, "pace=5 shape=2"},
		{"dependent in the environment", "load: {pace: 5}\n", map[string]string{"LLMOPS_LOAD_TOP": "6"}, []string{"--seats=8"}, "seats=8"},
		{"dependent in the environment, parent in the file", "load: {pace: 5}\n", map[string]string{"LLMOPS_LOAD_TOP": "6"}, nil, "pace=5 top=6"},
		{"dependent in the file, parent on the command line", "load: {top: 4, edge: 3}\n", nil, []string{"--pace=7"}, "pace=7 top=4"},
		{"dependents without a parent", "load: {shape: 2, edge: 3, top: 4}\n", nil, nil, ""},
		{"a value for the parent keeps them", open, nil, []string{"--pace=9"}, "edge=3 pace=9 shape=2 top=4"},
		{"the command line is for the command to judge", open, nil, []string{"--seats=8", "--shape=1"}, "edge=3 seats=8 shape=1"},
		{"either parent is enough", "load: {seats: 1, extra: 7}\n", nil, nil, "extra=7 seats=1"},
		{"the other parent is enough", "load: {seats: 1, extra: 7}\n", nil, []string{"--pace=2"}, "extra=7 pace=2"},
		{"a bad value that is left out does no harm", "load: {pace: 5, top: x}\n", nil, []string{"--seats=8"}, "seats=8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile("llmops.yaml", []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var set []string
			got := clitest.Run(t, &cli.App{Getenv: clitest.Env(tt.env)}, load(func(cmd *cobra.Command) {
				cmd.Flags().VisitAll(func(f *pflag.Flag) {
					if f.Changed {
						set = append(set, fmt.Sprintf("%s=%s", f.Name, f.Value))
					}
				})
			}), append([]string{"load"}, tt.args...)...)
			if diff := cmp.Diff(tt.want, strings.Join(slices.Sorted(slices.Values(set)), " ")); diff != "" || got.Code != cli.CodeOK || got.Err != "" {
				t.Errorf("%+v, set (-want +got):\n%s", got, diff)
			}
		})
	}
}

// What is left out is said to who asks for more.
func TestDependsSays(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("llmops.yaml", []byte("load:\n  extra: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := clitest.Run(t, nil, load(func(*cobra.Command) {}), "load", "--verbose")
	if want := "llmops: llmops.yaml:2:10: extra is left out: it needs --pace or --seats\n"; got.Err != want || got.Code != cli.CodeOK {
		t.Errorf("%+v, want %q", got, want)
	}
}

// A file can be told from the rest by the colon in its origin.
func TestOriginOfFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("env X", []byte("load: {pace: 5}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := clitest.Run(t, &cli.App{Getenv: clitest.Env(map[string]string{"LLMOPS_LOAD_TOP": "6"})}, load(func(cmd *cobra.Command) {
		for name, want := range map[string]string{"pace": "env X:1:14", "top": "env LLMOPS_LOAD_TOP", "shape": "flag", "seats": "default"} {
			origin := cli.Origin(cmd.Flags().Lookup(name))
			if origin != want || strings.Contains(origin, ":") != (name == "pace") {
				t.Errorf("%s is from %q, want %q", name, origin, want)
			}
		}
	}), "load", "--config", "env X", "--shape=1")
	if got.Code != cli.CodeOK {
		t.Errorf("%+v", got)
	}
}
