package budgetcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"llmops/analysis/budget"
	"llmops/analysis/pushdown"
	"llmops/cmd/internal/access"
	"llmops/cmd/internal/cli"
	"llmops/probes/clickhouse"
	"llmops/probes/remote"
)

type clickhouseOptions struct{ url, table string }

func (c *clickhouseOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.url, "clickhouse", "", "count the rows of a table of the ClickHouse server at `URL`, such as http://127.0.0.1:8123, in place of logs")
	f.StringVar(&c.table, "table", "", "`TABLE` or DATABASE.TABLE of --clickhouse, one row a request; --map names its columns")
	cli.Depends(cmd, "clickhouse", "table")
}

// fromClickHouse has a server count the rows of a table.
func (o *options) fromClickHouse(ctx context.Context, app *cli.App, cfg budget.Config) (budget.Report, error) {
	if o.clickhouse.table == "" {
		return budget.Report{}, cli.WithHint(cli.Usagef("--clickhouse: no table is named"), "add --table TABLE or --table DATABASE.TABLE")
	}
	to, err := o.server.access(app, "default")
	if err != nil {
		return budget.Report{}, cli.Usage(err)
	}
	client, err := clickhouse.New(clickhouse.Config{URL: o.clickhouse.url, Access: to, Timeout: o.server.timeout})
	if err != nil {
		return budget.Report{}, cli.WithHint(cli.Usagef("--clickhouse: %w", err), credentialHint)
	}
	defer client.Close()
	ask := func(ctx context.Context, q pushdown.Query, row func([]string) error) error {
		app.Verbosef("asking ClickHouse: %s", q.SQL)
		return client.Query(ctx, q.SQL, q.Params, row)
	}
	report, err := pushdown.ClickHouse(ctx, ask, pushdown.Table{Name: o.clickhouse.table, Map: o.fields}, cfg)
	if err == nil || ctx.Err() != nil {
		return report, err
	}
	failed, ok := errors.AsType[*remote.Error](err)
	switch {
	case ok:
		return report, cli.WithHint(cli.Failed(fmt.Errorf("--clickhouse: %w", failed)), "%s", clickhouseHint(failed.Kind))
	case errors.Is(err, pushdown.ErrAnswer):
		return report, cli.WithHint(cli.Failed(fmt.Errorf("--clickhouse: %w", err)), "%s", clickhouseHint(remote.BadReply))
	}
	return report, cli.Usage(err)
}

func clickhouseHint(kind remote.Kind) string {
	switch kind {
	case remote.Denied:
		return "name the user with --user, and put the password into $" + access.PasswordVariable + " or --password-file"
	case remote.Refused:
		return "is --table right? -v shows the queries; servers from before 2021 may not know all that is in them"
	case remote.TimedOut, remote.Broken, remote.TooLarge:
		return "try again, judge a shorter --window, or raise --server-timeout"
	}
	return "is it the address of ClickHouse's HTTP interface, such as http://127.0.0.1:8123?"
}
