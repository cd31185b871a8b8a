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
	"llmops/probes/prometheus"
	"llmops/probes/remote"
	"llmops/rules/alert"
)

// prometheusOptions say which counters are read, in the words of "rules export".
type prometheusOptions struct {
	url      string
	counters alert.Options
}

// counterFlags are those beside --prometheus.
func counterFlags() []string {
	return []string{"engine", "match", "only", "good", "bad", "total", "latency-histogram", "latency-unit", "round-to-bucket"}
}

func (p *prometheusOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.url, "prometheus", "", "read the counters of the Prometheus-compatible server at `URL`, such as http://127.0.0.1:9090, in place of logs")
	cli.Enum(cmd, &p.counters.Engine, "engine", "", append([]string{"none"}, alert.Engines()...), "whose metrics count the requests, of --prometheus")
	f.StringVar(&p.counters.Match, "match", "", "label `MATCHERS` for the metrics of --engine and --latency-histogram, such as 'job=\"vllm\"'")
	f.StringArrayVar(&p.counters.Only, "only", nil, "only the objective called `NAME`, of --prometheus; may be repeated")
	f.StringVar(&p.counters.Good, "good", "", "`COUNTER` of good events, of --prometheus")
	f.StringVar(&p.counters.Bad, "bad", "", "`COUNTER` of bad events")
	f.StringVar(&p.counters.Total, "total", "", "`COUNTER` of all events")
	f.StringVar(&p.counters.Histogram, "latency-histogram", "", "`NAME` of a classic histogram of the time that the objectives limit")
	cli.Enum(cmd, &p.counters.Unit, "latency-unit", "", []string{"auto", "s", "ms"}, "unit of --latency-histogram; auto takes it from the name")
	f.BoolVar(&p.counters.RoundToBucket, "round-to-bucket", false, "where a limit is no bucket of the histogram, take the next stricter one and warn")
	cli.Depends(cmd, "prometheus", counterFlags()...)
	cmd.MarkFlagsMutuallyExclusive("prometheus", "map")
}

// fromPrometheus reads the counters of a server.
func (o *options) fromPrometheus(ctx context.Context, app *cli.App, cfg budget.Config) (budget.Report, error) {
	counters, warnings, err := o.counters(cfg)
	if err != nil {
		return budget.Report{}, err
	}
	to, err := o.server.access(app, "")
	if err != nil {
		return budget.Report{}, cli.Usage(err)
	}
	client, err := prometheus.New(prometheus.Config{URL: o.prometheus.url, Access: to, Timeout: o.server.timeout})
	if err != nil {
		return budget.Report{}, cli.WithHint(cli.Usagef("--prometheus: %w", err), credentialHint)
	}
	defer client.Close()
	ask := func(ctx context.Context, expr string, start, end, step int64, series func(map[string]string, []int64, []float64) error) ([]string, error) {
		app.Verbosef("asking Prometheus: %s from %s to %s", expr, budget.Time(start), budget.Time(end))
		warnings, err := client.Range(ctx, expr, start, end, step, func(s prometheus.Series) error { return series(s.Labels, s.Times, s.Values) })
		if e, ok := errors.AsType[*remote.Error](err); ok && tooMuch(e) {
			err = fmt.Errorf("%w: %w", err, pushdown.ErrTooMuch)
		}
		for i, w := range warnings {
			warnings[i] = client.Host() + ": " + w
		}
		return warnings, err
	}
	report, more, err := pushdown.Prometheus(ctx, ask, counters, cfg, app.Now().UnixMilli())
	if err != nil {
		return report, o.prometheusError(ctx, err)
	}
	for _, w := range append(warnings, more...) {
		app.Warnf("%s", w)
	}
	return report, nil
}

// counters finds those of the objectives.
func (o *options) counters(cfg budget.Config) ([]alert.Counters, []string, error) {
	opt := o.prometheus.counters
	opt.ExcludeStatus = cfg.ExcludeStatus
	if opt.Engine == "none" {
		opt.Engine = ""
	}
	if opt.Unit == "auto" {
		opt.Unit = ""
	}
	counters, warnings, err := alert.CountersOf(cfg.Objectives, opt)
	if e, ok := errors.AsType[*alert.Error](err); ok && e.Hint != "" {
		return nil, nil, cli.WithHint(cli.Usage(err), "%s", e.Hint)
	}
	return counters, warnings, cli.Usage(err)
}

// tooMuch tells whether the server might answer for a shorter time.
func tooMuch(e *remote.Error) bool {
	return e.Kind == remote.TooLarge || e.Kind == remote.TimedOut || e.Kind == remote.Refused && e.Status == 422
}

func (o *options) prometheusError(ctx context.Context, err error) error {
	e, ok := errors.AsType[*remote.Error](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !ok:
		return cli.Usage(err)
	}
	hint := "is it the address of a server with Prometheus's HTTP API, such as http://127.0.0.1:9090? Thanos, Mimir and VictoriaMetrics may need a prefix of the path"
	switch e.Kind {
	case remote.Denied:
		hint = "put a token into $" + access.TokenVariable + " or --token-file, or name --user and put the password into $" + access.PasswordVariable + " or --password-file"
	case remote.Refused:
		hint = "-v shows the queries; narrow them with --match, or judge a shorter --window"
	case remote.TimedOut, remote.TooLarge:
		hint = "narrow the counters with --match, judge a shorter --window, or raise --server-timeout"
	case remote.Broken:
		hint = "try again later; if it is overloaded, narrow the counters with --match or judge a shorter --window"
	}
	return cli.WithHint(cli.Failed(fmt.Errorf("--prometheus: %w", e)), "%s", hint)
}
