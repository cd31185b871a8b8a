package rulescmd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/objectives"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
)

type options struct {
	from   []string
	packs  []string
	format string
	routes string
	rules  alert.Options

	canonical canonicalOptions
	out       cli.Output
}

// What --format may be.
const (
	forPrometheus   = "prometheus"
	forAlertmanager = "alertmanager"
	forPrograms     = "json"
)

// json tells whether it is programs that read what is written.
func (o *options) json() bool { return o.out.Format == "json" || o.format == forPrograms }

func newExport(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "write rules for Prometheus, or routes for Alertmanager",
		Long: `Writes the rules that ship with llmops as one rule file of Prometheus, or those of
--pack only. --format alertmanager writes who is told, --routes, as Alertmanager's
configuration, without secrets.

With --canonical it writes recording rules that give a Prometheus, which scrapes
engines and exporters, the canonical names that these rules look at.

With --from-slo it writes rules that watch objectives: recording rules for the
share of bad events over several windows, and alerts that fire while the error
budget burns too fast over a long and a short one: those of each objective, or
else those of the Site Reliability Workbook.

The objectives come from an SLO file, the short form or OpenSLO v1. The metrics
come from the Prometheus queries of an OpenSLO file, from an engine whose names
are known, or from --good, --bad and --total. Nothing is guessed: an objective
that they cannot serve is an error.`,
		Example: `  llmops rules export --output llmops-rules.yaml
  llmops rules export --pack gpu --pack host
  llmops rules export --canonical --for @defaults/gpu --for @defaults/engines --output llmops-names.yaml
  llmops rules export --format alertmanager --routes routes.yaml --output alertmanager.yml
  llmops rules export --from-slo slos.yaml --engine vllm --match 'job="vllm"' --output slo-rules.yaml
  llmops rules export --from-slo openslo.yaml --output slo-rules.yaml && promtool check rules slo-rules.yaml
  llmops rules export --from-slo slos.yaml --only availability \
    --bad 'http_requests_total{code=~"5.."}' --total http_requests_total`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return export(app, o) },
	}
	f := cmd.Flags()
	cli.Enum(cmd, &o.format, "format", "", []string{forPrometheus, forAlertmanager, forPrograms}, "who reads it; json is the same as -o json")
	f.StringArrayVar(&o.packs, "pack", nil, "only the rules of the pack `NAME`; may be repeated")
	f.StringVar(&o.routes, "routes", "", "routes `FILE` for --format alertmanager; @defaults/routes by default")
	f.BoolVar(&o.canonical.on, "canonical", false, "recording rules for the names of the catalogue")
	f.StringArrayVar(&o.canonical.rules, "for", nil, "only the names that the rules in `FILE` look at; may be repeated; @defaults/NAME too")
	f.StringArrayVar(&o.canonical.systems, "system", nil, "only of the engine or exporter `NAME`, such as vllm or dcgm; may be repeated")
	f.StringArrayVar(&o.from, "from-slo", nil, "objectives from a YAML `FILE`: the short form or OpenSLO v1; may be repeated; @defaults/objectives ships with llmops")
	f.StringArrayVar(&o.rules.Only, "only", nil, "only the objective called `NAME`; may be repeated")
	cli.Enum(cmd, &o.rules.Engine, "engine", "", append([]string{"none"}, alert.Engines()...), "whose metrics count the requests")
	f.StringVar(&o.rules.Match, "match", "", "label `MATCHERS` for the metrics of --engine and --latency-histogram, such as 'job=\"vllm\"'")
	f.StringVar(&o.rules.Good, "good", "", "counter of good events, or a PromQL `QUERY` with {{.window}} for its range")
	f.StringVar(&o.rules.Bad, "bad", "", "counter or `QUERY` of bad events")
	f.StringVar(&o.rules.Total, "total", "", "counter or `QUERY` of all events")
	f.StringVar(&o.rules.Histogram, "latency-histogram", "", "`NAME` of a classic histogram of the time that the objectives limit")
	cli.Enum(cmd, &o.rules.Unit, "latency-unit", "", []string{"auto", "s", "ms"}, "unit of --latency-histogram; auto takes it from the name")
	f.BoolVar(&o.rules.RoundToBucket, "round-to-bucket", false, "where a limit is no bucket of the histogram, take the next stricter one and warn")
	o.out.AddFlags(cmd, "yaml", "json")
	_ = cmd.MarkFlagFilename("from-slo") // only an unknown name is an error
	_ = cmd.RegisterFlagCompletionFunc("pack", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return rulefiles.Shipped(), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// sloOnly tells whether a flag is given that means nothing without objectives.
func (o *options) sloOnly() bool {
	r := o.rules
	return len(r.Only) > 0 || r.Engine != "none" && r.Engine != "" || r.Match+r.Good+r.Bad+r.Total+r.Histogram != "" || r.Unit != "auto" && r.Unit != "" || r.RoundToBucket
}

func export(app *cli.App, o *options) error {
	switch {
	case o.format == forAlertmanager && (len(o.from) > 0 || len(o.packs) > 0 || o.out.Format == "json"):
		return cli.WithHint(cli.Usagef("--format alertmanager writes routes: --from-slo, --pack and -o json are about rules"), "leave them out, or --format")
	case o.format == forAlertmanager:
		return exportRoutes(app, o)
	case !o.canonical.on && len(o.canonical.rules)+len(o.canonical.systems) > 0:
		return cli.WithHint(cli.Usagef("--for and --system say which names --canonical makes"), "add --canonical")
	case o.canonical.on && (len(o.from)+len(o.packs) > 0 || o.sloOnly()):
		return cli.WithHint(cli.Usagef("--canonical writes names: --from-slo and --pack write other rules"), "write two files")
	case o.canonical.on && o.routes == "":
		return exportCanonical(app, o)
	case o.routes != "":
		return cli.WithHint(cli.Usagef("--routes is for --format alertmanager"), "Prometheus knows no routes")
	case len(o.from) > 0 && len(o.packs) > 0:
		return cli.WithHint(cli.Usagef("--pack and --from-slo are two things to export"), "write two files")
	case len(o.from) == 0 && o.sloOnly():
		return cli.WithHint(cli.Usagef("--from-slo is missing: --engine and what goes with it say how objectives are measured"), "llmops rules export --from-slo FILE writes the rules of an SLO file; without any of these flags it writes the packs that ship")
	case len(o.from) == 0:
		return exportPacks(app, o)
	}
	file, err := objectives.Load(o.from...)
	if err != nil {
		return err
	}
	opt := o.rules
	opt.ExcludeStatus = file.ExcludeStatus
	if opt.Engine == "none" {
		opt.Engine = ""
	}
	if opt.Unit == "auto" {
		opt.Unit = ""
	}
	rules, warnings, err := alert.FromSLO(file.Objectives, opt)
	if err != nil {
		failed := cli.Usage(fmt.Errorf("%s: %w", strings.Join(o.from, ", "), err))
		if e, ok := errors.AsType[*alert.Error](err); ok && e.Hint != "" {
			return cli.WithHint(failed, "%s", e.Hint)
		}
		return failed
	}
	err = o.out.Write(app, func(w io.Writer) error {
		if o.json() {
			return rules.WriteJSON(w, warnings)
		}
		return rules.WriteYAML(w)
	})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		app.Warnf("%s", w)
	}
	return nil
}
