// Package rulescmd is "llmops rules": rule files for Prometheus. It reads files
// and flags; what the rules say is rules/alert's.
package rulescmd

import (
	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rules",
		Short:   "write rule files for Prometheus",
		Long:    "Writes recording and alerting rules that Prometheus evaluates.",
		Example: "  llmops rules export --from-slo slos.yaml --engine vllm",
	}
	cmd.AddCommand(newExport(app))
	return cmd
}
