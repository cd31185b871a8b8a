// Package rulescmd is "llmops rules": it checks, tests, lists, shows and exports rule
// files for Prometheus. It reads files and flags; what rules say is rules/alert's, what
// is wrong with them analysis/rulelint's, and what they do analysis/alerting's.
package rulescmd

import (
	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "check, test, list and export rules for Prometheus",
		Long: `Works on alerting and recording rules as Prometheus reads them: finds what is
wrong with them, runs their unit tests, explains them, and writes those that ship
with llmops, or that watch your objectives, as files for Prometheus.`,
		Example: `  llmops rules check rules/
  llmops rules test rules/*_test.yaml
  llmops rules list
  llmops rules export --output llmops-rules.yaml`,
	}
	cmd.AddCommand(newCheck(app), newExport(app), newList(app), newShow(app), newTest(app))
	return cmd
}
