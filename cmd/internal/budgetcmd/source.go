package budgetcmd

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
)

// An engine counts requests in place of logs.
type engine struct {
	flag   string  // that holds its address
	url    *string // what the flag says
	report func(ctx context.Context, app *cli.App, cfg budget.Config) (budget.Report, error)
	own    []string // flags that say what of it is counted
}

// engines are all that there are.
func (o *options) engines() []engine {
	return []engine{
		{"clickhouse", &o.clickhouse.url, o.fromClickHouse, []string{"table"}},
		{"prometheus", &o.prometheus.url, o.fromPrometheus, counterFlags()},
	}
}

// addEngineFlags adds the flags of all engines, and what they share.
func (o *options) addEngineFlags(cmd *cobra.Command) {
	o.clickhouse.addFlags(cmd)
	o.prometheus.addFlags(cmd)
	o.server.addFlags(cmd)
	var flags []string
	for _, e := range o.engines() {
		flags = append(flags, e.flag)
	}
	for _, logsOnly := range []string{"format", "max-malformed"} {
		for _, flag := range flags {
			cmd.MarkFlagsMutuallyExclusive(flag, logsOnly)
		}
	}
	if len(flags) > 1 {
		cmd.MarkFlagsMutuallyExclusive(flags...)
	}
}

// source decides between logs and an engine: what the command line names, else
// what the environment or the configuration file does. nil: logs.
func (o *options) source(cmd *cobra.Command, logs []string) (*engine, error) {
	typed := func(name string) bool { return cli.Origin(cmd.Flags().Lookup(name)) == "flag" }
	var flags []string
	for _, e := range o.engines() {
		flags = append(flags, "--"+e.flag)
		switch {
		case typed(e.flag) && *e.url == "":
			return nil, cli.Usagef("--%s: the URL is missing", e.flag)
		case typed(e.flag) && len(logs) > 0:
			return nil, cli.WithHint(cli.Usagef("--%s and %s exclude each other", e.flag, logs[0]), "judge the logs or the server, one at a time")
		case *e.url != "" && len(logs) == 0:
			return &e, nil
		}
	}
	orphan := func(names []string, parents ...string) error {
		for _, name := range names {
			if typed(name) {
				return cli.Usagef("--%s says how to ask a server, but no %s names one", name, strings.Join(parents, " or "))
			}
		}
		return nil
	}
	for _, e := range o.engines() {
		if err := orphan(e.own, "--"+e.flag); err != nil {
			return nil, err
		}
	}
	if err := orphan(serverFlags(), flags...); err != nil {
		return nil, err
	}
	if len(logs) == 0 {
		return nil, cli.WithHint(cli.Usagef("nothing to read: name logs, or a server with %s", strings.Join(flags, " or ")), "the form is: %s", cmd.UseLine())
	}
	return nil, nil
}

// count has an engine count, and shows what that comes to.
func (o *options) count(ctx context.Context, app *cli.App, e *engine, cfg budget.Config) error {
	stop := app.Progress(func() string { return "waiting for the answer of " + e.flag })
	report, err := e.report(ctx, app, cfg)
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if report.Now != nil {
		app.Notef("now is rounded down to the minute, %s: only counts by the minute are asked for", clock(*report.Now))
	}
	return o.show(app, report)
}
