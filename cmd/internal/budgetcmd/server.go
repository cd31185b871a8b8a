package budgetcmd

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/probes/remote"
)

// serverOptions say how to reach the server of an engine.
type serverOptions struct {
	login     access.Login
	transport access.Transport
	timeout   time.Duration
}

func (s *serverOptions) addFlags(cmd *cobra.Command) {
	s.login.AddFlags(cmd)
	s.transport.AddFlags(cmd, "the server's certificate")
	cmd.Flags().DurationVar(&s.timeout, "server-timeout", 5*time.Minute, "how long one answer of the server may take")
}

// serverFlags are the flags that say how to reach a server.
func serverFlags() []string {
	return []string{"user", "password-file", "token-file", "tls-ca", "tls-insecure", "server-timeout"}
}

// access reads credentials; see access.Login for fallbackUser.
func (s *serverOptions) access(app *cli.App, fallbackUser string) (remote.Access, error) {
	if s.timeout <= 0 {
		return remote.Access{}, errors.New("--server-timeout: want a time above 0, such as 2m")
	}
	authorization, secrets, err := s.login.Authorization(app, fallbackUser)
	if err != nil {
		return remote.Access{}, err
	}
	return s.transport.Access(app, authorization, secrets)
}

// credentialHint says where a server's credentials come from.
const credentialHint = "credentials come from --user with --password-file or $" + access.PasswordVariable + ", or from --token-file or $" + access.TokenVariable
