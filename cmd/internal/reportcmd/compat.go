package reportcmd

import (
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/runfolder"
)

// translate prints a single run as another tool would have.
func translate(app *cli.App, o *options, r *replay, groups [][]*runfolder.Folder, files []string) error {
	if len(groups) != 1 || len(files) > 0 {
		return cli.WithHint(cli.Usagef("--compat is for one run: here are %d and %d other results", len(groups), len(files)), "name one run folder, or those of the shards of one run")
	}
	for _, f := range groups[0] {
		if f.Facts == nil {
			return cli.WithHint(cli.Usagef("%s holds no %s: what other tools count is not known", f.Dir, runfolder.Events), "load tests of this version write it: measure again")
		}
	}
	r.compat = o.compat.Collector()
	shown, err := r.show(groups[0])
	if err != nil {
		return err
	}
	if err := loadtestcmd.PrintCompat(app, &o.output, r.compat, shown.Summary, shown.Aggregator.Limits(), shown.Interrupted); err != nil {
		return err
	}
	shown.Tell(app)
	return shown.Outcome()
}
