package cli_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

func TestMisspeltVariables(t *testing.T) {
	verb := func(app *cli.App) *cobra.Command {
		cmd := &cobra.Command{Use: "measure", RunE: func(*cobra.Command, []string) error { return nil }}
		cmd.Flags().Int("concurrency", 1, "")
		cmd.Flags().String("api-key-env", "LLMOPS_API_KEY", "")
		return cmd
	}
	const did = "llmops: warning: the variable %s sets nothing; did you mean %s?\n"
	says := func(name, likely string) string {
		return strings.Replace(strings.Replace(did, "%s", name, 1), "%s", likely, 1)
	}
	for _, tc := range []struct {
		name string
		vars map[string]string
		args []string
		want string
	}{
		{"none", map[string]string{"HOME": "x", "LLMOP_MEASURE": "x"}, nil, ""},
		{"right", map[string]string{"LLMOPS_MEASURE_CONCURRENCY": "2", "LLMOPS_QUIET": "false", "LLMOPS_API_KEY": "k", "LLMOPS_DATA": "d"}, nil, ""},
		{"a letter off", map[string]string{"LLMOPS_MEASURE_CONCURENCY": "2"}, nil, says("LLMOPS_MEASURE_CONCURENCY", "LLMOPS_MEASURE_CONCURRENCY")},
		{"without the command", map[string]string{"LLMOPS_CONCURRENCY": "2"}, nil, says("LLMOPS_CONCURRENCY", "LLMOPS_MEASURE_CONCURRENCY")},
		{"a credential", map[string]string{"LLMOPS_APIKEY": "secret"}, nil, says("LLMOPS_APIKEY", "LLMOPS_API_KEY")},
		{"empty", map[string]string{"LLMOPS_APIKEY": ""}, nil, ""},
		{"a name of others", map[string]string{"LLMOPS_SERVICE_HOST": "10.0.0.1", "LLMOPS_PORT_8000_TCP": "x"}, nil, ""},
		{"named by a flag", map[string]string{"LLMOPS_API_KEYS": "k"}, []string{"--api-key-env", "LLMOPS_API_KEYS"}, ""},
		{"also when quiet", map[string]string{"LLMOPS_COLOUR": "never"}, []string{"-q"}, says("LLMOPS_COLOUR", "LLMOPS_COLOR")},
	} {
		app := &cli.App{Getenv: clitest.Env(tc.vars), Environ: func() (list []string) {
			for name, value := range maps.All(tc.vars) {
				list = append(list, name+"="+value)
			}
			return list
		}}
		r := clitest.Run(t, app, []cli.Verb{verb}, append([]string{"measure"}, tc.args...)...)
		if diff := cmp.Diff(tc.want, r.Err); diff != "" || r.Code != 0 {
			t.Errorf("%s: exit %d: %s", tc.name, r.Code, diff)
		}
		if strings.Contains(r.Err, "secret") {
			t.Errorf("%s: it shows a value", tc.name)
		}
	}
}
