// Package alertscmd is "llmops alerts": it replays alert rules over exported metrics and
// shows which alerts would have fired when, and who would have been told. It wires
// readers, replay and notification together; it must not evaluate a rule itself.
package alertscmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/alerting"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/alert"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "alerts " + metricinput.Args,
		Short: "replay alert rules over exported metrics: what fired when, who was told",
		Long: `Evaluates Prometheus alerting and recording rules over exported metrics, at the
times at which a server would have, and shows every alert that fired, those that
are pending at the end, whom the routes would have told when, and which rules
cost most sleep.

METRICS are metric files and request logs of any known format, folders, or - for
standard input; with --prometheus the series that the rules need are read from a
server. Without --rules the packs that ship with llmops are used
("llmops rules list"), without --routes those of @defaults/routes.

With --against the same metrics are replayed with other rules, such as those
before a change, and what differs is shown. With --notify the receivers are told
of what fires at the end; with --alertmanager an Alertmanager is.`,
		Example: `  llmops alerts metrics/ --rules rules/*.yaml
  llmops alerts run1/telemetry.jsonl --rules @defaults/gpu --fail-on critical
  llmops alerts export.json --rules new.yaml --against old.yaml
  llmops alerts --prometheus http://127.0.0.1:9090 --start 24h --rules rules.yaml --report alerts.html
  llmops alerts --prometheus http://127.0.0.1:9090 --notify --history /var/lib/llmops/told.jsonl`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(app, args); err != nil {
				return err
			}
			return run(cmd.Context(), app, o, args)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func run(ctx context.Context, app *cli.App, o *options, args []string) error {
	files, err := rulefiles.Load(o.rules...)
	if err != nil {
		return err
	}
	groups := rulefiles.Groups(files)
	if len(groups) == 0 {
		return cli.WithHint(cli.Usagef("the rule files hold no rules"), "a rule file has groups: of rules:")
	}
	var before []alert.Group
	if len(o.against) > 0 {
		old, err := rulefiles.Load(o.against...)
		if err != nil {
			return err
		}
		before = rulefiles.Groups(old)
	}
	routes, err := o.readRoutes()
	if err != nil {
		return err
	}
	sender, err := o.sender(ctx, app, routes)
	if err != nil {
		return err
	}
	if err := o.checkOutputs(); err != nil {
		return err
	}

	in, err := o.metrics.Load(ctx, app, args, wants(append(groups[:len(groups):len(groups)], before...), o.interval))
	if err != nil {
		return err
	}
	if err := in.Empty(); err != nil {
		return err
	}
	replay := alerting.Options{
		Start: in.Start, End: in.End, Interval: o.interval, ExternalLabels: o.externalLabels, ExternalURL: o.externalURL,
	}
	stop := app.Progress(func() string { return "replaying rules" })
	result, err := alerting.Replay(ctx, in.Store, groups, replay)
	var old alerting.Result
	if err == nil && before != nil {
		old, err = alerting.Replay(ctx, in.Store, before, replay)
	}
	stop()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, alerting.ErrNoData):
		return cli.NoVerdict(err)
	case err != nil:
		return cli.Failed(err)
	}
	r := judge(in, result, o, routes)
	if before != nil {
		r.Changes = compare(old, result)
	}
	r.warn(app)
	r.warnOfGate(app, o.failOn)
	if sender != nil {
		r.Sent, err = sender.tell(ctx, app, r)
	}
	if ctx.Err() != nil { // what was told until then is known, and shown
		return errors.Join(ctx.Err(), o.show(app, r))
	}
	return errors.Join(o.show(app, r), err, r.gate(o.failOn))
}

// wants are the expressions of rules and the names that they record.
func wants(groups []alert.Group, every interval) metricinput.Wants {
	w := metricinput.Wants{Step: every}
	for _, g := range groups {
		if g.Interval > 0 && (w.Step == 0 || duration(g.Interval) < w.Step) {
			w.Step = duration(g.Interval)
		}
		for _, r := range g.Rules {
			w.Expressions = append(w.Expressions, r.Expr)
			if r.Record != "" {
				w.Recorded = append(w.Recorded, r.Record)
			}
		}
	}
	return w
}

// warn tells of rules that could not be evaluated, or that could not fire whatever the
// metrics are.
func (r *report) warn(app *cli.App) {
	if slow := r.tooSlow(); len(slow) > 0 {
		app.Warnf("%s is less than the time for which the condition of %s must hold, so they cannot fire: replay more (--start)", span(r.result.End-r.result.Start), render.List(slow, 3))
	}
	const most = 5
	n := 0
	for _, o := range r.result.Rules {
		if o.Failures == 0 {
			continue
		}
		if n++; n <= most {
			app.Warnf("%s: %s: %d of %d evaluations failed, first at %s: %s", o.Rule.Position, o.Rule.Name(), o.Failures, o.Evaluations, clock(o.FirstError.At), o.FirstError.Message)
		}
	}
	if n > most {
		app.Warnf("%d more rules could not always be evaluated", n-most)
	}
	if len(r.result.Replaced) > 0 {
		app.Notef("recorded anew from their rules: %s", render.List(r.result.Replaced, 5))
	}
}

// tooSlow are the rules whose "for" is longer than the replay.
func (r *report) tooSlow() (names []string) {
	for _, o := range r.result.Rules {
		if o.Rule.Alert != "" && duration(o.Rule.For).Milliseconds() > r.result.End-r.result.Start {
			names = append(names, o.Rule.Alert)
		}
	}
	return unique(names)
}

// gate is the error of alerts that fired at or above a severity.
func (r *report) gate(least severity) error {
	if least == none {
		return nil
	}
	if blind := r.blind(least); blind != "" {
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no rule of severity %s or worse could be evaluated: %s", least, blind)), "are these the metrics of the rules? \"llmops rules show NAME\" says what a rule needs")
	}
	count, names := 0, []string{}
	for _, a := range r.result.Alerts {
		if fired(a) && severityOf(a.Severity) >= least {
			count++
			names = append(names, a.Name)
		}
	}
	if count == 0 {
		return nil
	}
	return cli.Gate(fmt.Errorf("gate failed: %s at or above %s fired: %s", render.Plural(count, "alert"), least, render.List(unique(names), 3)))
}

// blind says why none of the rules that the gate is about could fire: not one selector
// of theirs matches, or each evaluation failed; "" if one could, or if there is none.
func (r *report) blind(least severity) string {
	var missing, failed, slow []string
	tooSlow := r.tooSlow()
	for _, o := range r.result.Rules {
		switch {
		case o.Rule.Alert == "" || severityOf(o.Labels["severity"]) < least && !strings.Contains(o.Labels["severity"], "{{"): // a template may give any
		case o.Fired > 0:
			return ""
		case o.Failures == o.Evaluations:
			failed = append(failed, o.Rule.Alert)
		case slices.Contains(tooSlow, o.Rule.Alert):
			slow = append(slow, o.Rule.Alert)
		case len(o.Missing) > 0:
			missing = append(missing, o.Rule.Alert)
		default:
			return ""
		}
	}
	switch {
	case len(failed) > 0:
		return render.List(unique(failed), 3) + " failed at every evaluation"
	case len(missing) > 0:
		return render.List(unique(missing), 3) + " look at metrics that are not there"
	case len(slow) > 0:
		return render.List(unique(slow), 3) + " must hold for longer than what is replayed"
	}
	return ""
}

// unique are names without those that stand there twice.
func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
