package budgetcmd

import (
	"math/big"
	"time"

	"github.com/spf13/cobra"

	"llmops/analysis/accesslog"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/objectives"
	"llmops/cmd/internal/render"
	"llmops/rules/slo"
)

type options struct {
	objectives   objectives.Flags
	format       string
	fields       map[string]string
	maxMalformed string
	window, at   string
	by           []string
	explain      bool
	report       string
	output       cli.Output
	clickhouse   clickhouseOptions
	prometheus   prometheusOptions
	server       serverOptions

	tolerated *big.Rat // share of malformed rows
	override  time.Duration
	atMS      *int64
}

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.objectives.AddFlags(cmd)
	cli.Enum(cmd, &o.format, "format", "f", append([]string{"auto"}, accesslog.FormatNames()...), "format of the logs")
	f.StringToStringVar(&o.fields, "map", nil, "fields of generic logs, or columns of --table, such as time=ts,status=code,latency=took:ms (units of durations: ns, us, ms, s)")
	f.StringVar(&o.maxMalformed, "max-malformed", "1%", "share of rows that may be unreadable")
	f.StringVar(&o.window, "window", "", "window in place of that of every objective, such as 7d")
	f.StringVar(&o.at, "at", "", "judge as of this time (default: the newest event)")
	f.StringSliceVar(&o.by, "by", nil, "contributors to list beside error: model, route, key")
	f.BoolVar(&o.explain, "explain", false, "say how each number comes about")
	f.StringVar(&o.report, "report", "", "write an offline HTML report with charts to `FILE`")
	_ = cmd.MarkFlagFilename("report", "html") // only an unknown name is an error
	o.addEngineFlags(cmd)
	o.output.AddFlags(cmd, append(render.Formats(), "prom")...)
}

func (o *options) check() error {
	var err error
	if o.tolerated, err = cli.ParseShare(o.maxMalformed); err != nil {
		return cli.WithHint(cli.Usagef("--max-malformed %q: %w", o.maxMalformed, err), "such as 1%% or 0.01")
	}
	if o.window != "" {
		if o.override, err = slo.ParseDuration(o.window); err != nil {
			return cli.Usagef("--window %q: %w", o.window, err)
		}
	}
	if o.at != "" {
		at, err := cli.ParseTime(o.at)
		if err != nil {
			return cli.WithHint(cli.Usagef("--at %q: %w", o.at, err), "such as 2026-03-01T12:00:00Z, '2026-03-01 12:00:00' (UTC) or 1772366400")
		}
		o.atMS = new(at.UnixMilli())
	}
	return nil
}
