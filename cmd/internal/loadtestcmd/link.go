package loadtestcmd

import (
	"github.com/spf13/cobra"

	"llmops/cmd/internal/access"
)

// link is how to reach the endpoint.
type link struct {
	headers   access.Headers
	key       access.Key
	transport access.Transport
}

func (l *link) addFlags(cmd *cobra.Command) {
	l.headers.AddFlags(cmd)
	l.key.FileFirst = true
	l.key.AddFlags(cmd, "environment variable that holds the API key", "file that holds the API key")
	l.transport.AddAllFlags(cmd, "the server's certificate")
}
