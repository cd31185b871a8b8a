package alertscmd

import (
	"net/url"
	"time"

	"github.com/prometheus/common/model"
	"github.com/spf13/cobra"

	"llmops/analysis/alerting/noise"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
	"llmops/rules/alert/routing"
)

type interval = time.Duration

func duration(d model.Duration) time.Duration { return time.Duration(d) }

type options struct {
	metrics        metricinput.Flags
	rules, against []string
	every          string
	externalLabels map[string]string
	externalURL    string
	routes         string
	fail           string
	report         string
	zone           string
	output         cli.Output
	notify         notifyOptions

	interval interval
	failOn   severity
	rest     routing.Interval
}

func (o *options) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.rules, "rules", nil, "`FILE` of Prometheus rules, a folder that holds some, or @defaults/NAME; may be repeated (default: all that ship)")
	f.StringArrayVar(&o.against, "against", nil, "`FILE` of rules to compare with, such as those before a change; may be repeated")
	f.StringVar(&o.every, "interval", "1m", "`DURATION` between evaluations of groups that have no interval")
	f.StringToStringVar(&o.externalLabels, "external-label", nil, "label of the server for templates, such as cluster=eu; may be repeated")
	f.StringVar(&o.externalURL, "external-url", "", "URL of the server for templates")
	f.StringVar(&o.routes, "routes", "", "`FILE` that says who is told of what, such as an Alertmanager configuration (default: @defaults/routes)")
	cli.Enum(cmd, &o.fail, "fail-on", "", severities(), "exit 3 if an alert of this severity or a worse one fired at any time")
	f.StringVar(&o.zone, "time-zone", "UTC", "`ZONE` of the people who are told, such as Europe/Berlin: a message from 22:00 to 07:00 there costs sleep")
	f.StringVar(&o.report, "report", "", "write an offline HTML report with charts to `FILE`")
	for _, name := range []string{"rules", "against", "routes"} {
		_ = cmd.MarkFlagFilename(name) // only an unknown name is an error
	}
	_ = cmd.MarkFlagFilename("report", "html")
	o.metrics.Shared = true // the Alertmanager, and what receivers are reached through
	o.metrics.AddFlags(cmd)
	o.notify.addFlags(cmd)
	o.output.AddFlags(cmd, append(render.Formats(), "junit", "github")...)
}

func (o *options) check(app *cli.App, args []string) error {
	every, err := model.ParseDuration(o.every)
	if err != nil || every <= 0 {
		return cli.WithHint(cli.Usagef("--interval %q: want a duration above 0", o.every), "such as 15s or 1m")
	}
	o.interval = duration(every)
	o.failOn = failOn(o.fail)
	zone, err := time.LoadLocation(o.zone)
	if err != nil || o.zone == "" || o.zone == "Local" {
		return cli.WithHint(cli.Usagef("--time-zone %q: want a name of the IANA time zone database", o.zone), "such as UTC, Europe/Berlin or Asia/Shanghai")
	}
	o.rest = noise.Night(zone)
	if _, err := url.Parse(o.externalURL); err != nil {
		return cli.WithHint(cli.Usagef("--external-url %q is no URL", o.externalURL), "such as https://prometheus.example.com")
	}
	for name := range o.externalLabels {
		if !model.LegacyValidation.IsValidLabelName(name) {
			return cli.WithHint(cli.Usagef("--external-label: %q is no name of a label", name), "such as cluster=eu")
		}
	}
	if err := o.notify.check(); err != nil {
		return err
	}
	return o.metrics.Check(app, args)
}

func (o *options) checkOutputs() error {
	if err := o.output.Check(); err != nil {
		return err
	}
	if o.report != "" {
		return (&cli.Output{File: o.report}).Check()
	}
	return nil
}
