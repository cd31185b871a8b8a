package democmd

import (
	"context"
	"fmt"
	"time"

	"llmops/cmd/internal/alertscmd"
	"llmops/cmd/internal/budgetcmd"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/diagnosecmd"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/reportcmd"
	"llmops/cmd/internal/snapshotcmd"
)

// chain runs commands one after the other.
type chain struct {
	app     *cli.App
	dir     string
	started time.Time
	steps   int
	said    map[string]string // verdicts by what they are of
}

// step is a command; what it writes is in source.
type step struct {
	about  string
	name   string
	verb   cli.Verb
	args   []string
	source string
}

// run runs all of them and gives the outcome of the report. Gates that fail stop
// nothing: that is what the next steps are for.
func (c *chain) run(ctx context.Context, url string) (outcome, err error) {
	c.said = map[string]string{}
	load := []string{
		url + "/v1", "--rate", "10", "--duration", duration, "--seed", "1", "--prompt-tokens", "uniform:32,256", "--output-tokens", "lognormal:32,0.3",
		"--slo", "p95_ttft_ms < 200", "--slo", "p95_latency_ms < 1000", "--slo", "error_rate < 1%",
		"--out", c.file("run"), "--output", c.file("loadtest.txt"),
	}
	telemetry := c.file("run/telemetry.jsonl")
	for _, s := range []step{
		{"what host and server do right now", "snapshot", snapshotcmd.New, c.json("snapshot.json", "--server", url, "--window", "500ms"), "snapshot.json"},
		{"a load test with objectives; the server's metrics are kept meanwhile", "loadtest", loadtestcmd.New, load, "run"},
		{"what it would cost of the error budget", "budget", budgetcmd.New, c.json("budget.json", c.file("run/requests.jsonl"), "--slo", "p95_latency_ms < 1000", "--slo", "success_rate >= 99%"), "budget.json"},
		{"which alerts would have fired", "alerts", alertscmd.New, c.json("alerts.json", telemetry, "--rules", c.file("rules.yaml")), "alerts.json"},
		{"what is the matter", "diagnose", diagnosecmd.New, c.json("diagnosis.json", telemetry), "diagnosis.json"},
	} {
		if _, err := c.do(ctx, s); err != nil {
			return nil, err
		}
		list, err := reportcmd.Read(ctx, c.app, c.file(s.source))
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			c.said[r.What] = r.Verdict
			c.read(r.Verdict + ": " + r.Why)
		}
	}
	report := []string{c.file("snapshot.json"), c.file("run"), c.file("budget.json"), c.file("alerts.json"), c.file("diagnosis.json"), "--output", c.file("report.html")}
	if outcome, err = c.do(ctx, step{"all of it on one page, with one time line", "report", reportcmd.New, report, ""}); err != nil {
		return nil, err
	}
	switch {
	case outcome == nil:
		c.read("pass")
	case cli.CodeOf(outcome) == cli.CodeGate:
		c.read("fail: " + outcome.Error())
	default:
		c.read("no verdict: " + outcome.Error())
	}
	return outcome, nil
}

// read prints what came of a step.
func (c *chain) read(text string) { fmt.Fprint(c.app.Out, render.Wrap(text, c.app.Width, "  ")) }

func (c *chain) json(name string, args ...string) []string {
	return append(args, "-o", "json", "--output", c.file(name))
}

// do runs a step. The outcome is a gate that fails or that nobody can judge; whatever
// else goes wrong is the error.
func (c *chain) do(ctx context.Context, s step) (outcome, err error) {
	c.say(s.about, s.name, s.args, "")
	cmd := s.verb(c.app)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(s.args)
	switch err := cmd.ExecuteContext(ctx); cli.CodeOf(err) {
	case cli.CodeOK, cli.CodeGate, cli.CodeNoVerdict:
		return err, ctx.Err()
	default:
		return nil, err
	}
}

func (c *chain) say(about, name string, args []string, end string) {
	if c.steps++; c.steps > 1 {
		fmt.Fprintln(c.app.Out)
	}
	fmt.Fprintf(c.app.Out, "%s\n$ llmops %s %s%s\n", c.app.Style().Bold(fmt.Sprintf("%d. %s", c.steps, about)), name, quote(args), end)
}

// judge says whether the chain found the fault.
func (c *chain) judge() {
	if c.said["diagnosis"] != "incident" {
		c.app.Warnf("the fault was not found: the load test says %q, the diagnosis %q; this machine may be too busy", c.said["load test"], c.said["diagnosis"])
		return
	}
	if c.said["load test"] == "invalid" {
		c.app.Warnf("this machine was too busy for a verdict of the load test")
	}
	fmt.Fprintf(c.app.Out, "\nthe fault was found; by themselves the gates above exit with code %d, the demo with 0, for the fault is its own\n", cli.CodeGate)
}
