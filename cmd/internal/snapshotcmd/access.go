package snapshotcmd

import (
	"github.com/spf13/cobra"

	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/probes/serving"
)

// link is how to reach servers: the same flags and variables as "llmops loadtest".
type link struct {
	key            access.Key
	transport      access.Transport
	iterationStats bool
}

func (l *link) addFlags(cmd *cobra.Command) {
	l.key.AddFlags(cmd, "environment variable that holds the API key of the servers", "`FILE` that holds the API key")
	l.transport.AddFlags(cmd, "the servers' certificates")
	cmd.Flags().BoolVar(&l.iterationStats, "iteration-stats", false, "read the JSON metrics of TensorRT-LLM, which takes them from other readers")
}

// config is what the client of servers needs.
func (l *link) config(app *cli.App) (serving.Config, error) {
	key, err := l.key.Read(app)
	if err != nil {
		return serving.Config{}, err
	}
	var authorization string
	var secrets []string
	if key != "" {
		authorization, secrets = "Bearer "+key, []string{key}
	}
	to, err := l.transport.Access(app, authorization, secrets)
	return serving.Config{Access: to, IterationStats: l.iterationStats}, err
}
