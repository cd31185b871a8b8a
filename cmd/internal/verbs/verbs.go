// Package verbs is the registry of commands: one line a verb. It holds no
// other code, so that adding a verb is adding a line.
package verbs

import (
	"context"

	"llmops/cmd/internal/alertscmd"
	"llmops/cmd/internal/budgetcmd"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/comparecmd"
	"llmops/cmd/internal/configcmd"
	"llmops/cmd/internal/democmd"
	"llmops/cmd/internal/detectcmd"
	"llmops/cmd/internal/diagnosecmd"
	"llmops/cmd/internal/initcmd"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/metricscmd"
	"llmops/cmd/internal/reportcmd"
	"llmops/cmd/internal/rulescmd"
	"llmops/cmd/internal/simcmd"
	"llmops/cmd/internal/snapshotcmd"
	"llmops/cmd/internal/versioncmd"
)

// All is every verb. Help sorts them by name.
func All() []cli.Verb {
	return []cli.Verb{
		alertscmd.New,
		budgetcmd.New,
		comparecmd.New,
		configcmd.New,
		democmd.New,
		diagnosecmd.New,
		detectcmd.New,
		initcmd.New,
		loadtestcmd.New,
		metricscmd.New,
		reportcmd.New,
		rulescmd.New,
		simcmd.New,
		snapshotcmd.New,
		versioncmd.New,
	}
}

// Main runs a command line with every verb and returns its exit code.
func Main(ctx context.Context, app *cli.App, args []string) cli.Code {
	return cli.Main(ctx, app, args, All()...)
}
