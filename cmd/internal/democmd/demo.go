// Package democmd is "llmops demo": the whole chain on the embedded server, from a
// snapshot to a report, with a fault that the chain has to find. It only strings
// commands together; each step prints the command that it stands for.
package democmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"llmops/cmd/internal/cli"
)

type options struct {
	faults []string
	out    string
}

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "run the whole chain on the embedded server, no set-up needed",
		Long: `Starts the embedded simulated inference server, which becomes slow half-way, and
looks at it as somebody on call would: a snapshot, a load test, the error budget,
alerts, a diagnosis, and one report of all of them. Each step prints the command
that it stands for and what came of it. It takes about half a minute.

That the gates fail is what the fault is for, so the exit code is 0 when the chain
went through. With --fault the server misbehaves in another way, and the exit code
is that of the report (3: a gate failed). What is there from the start is nothing
unusual to a diagnosis: let a fault begin half-way (from=14s).`,
		Example: `  llmops demo
  llmops demo --fault slow-prefill:factor=40,from=14s
  llmops demo --fault http-error:status=503,p=0.2,from=14s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), app, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.faults, "fault", nil, "fault of the server instead, see \"llmops sim --help\"; may be repeated")
	f.StringVar(&o.out, "out", "", "write the results to this `DIR` (default: a new folder for temporary files)")
	_ = cmd.MarkFlagDirname("out") // only an unknown name is an error
	return cmd
}

// The fault that is found, and how long the load test goes on before and after it
// begins: both are long enough for a verdict on a slow machine.
const (
	fault    = "slow-decode:factor=12,from=" + begins
	begins   = "14s"
	duration = "26s"
)

// rules tell of the fault within seconds, as the load test is over soon.
const rules = `# alerts for a load test of half a minute
groups:
  - name: demo
    interval: 1s
    rules:
      - alert: TokensSlow
        expr: mean_itl_ms > 20
        for: 3s
        labels: {severity: critical}
        annotations: {summary: "a token takes {{ $value | printf \"%.0f\" }} ms"}
      - alert: RequestsFail
        expr: error_rate > 0.02
        for: 3s
        labels: {severity: critical}
        annotations: {summary: "{{ $value | humanizePercentage }} of the requests fail"}
`

func run(ctx context.Context, app *cli.App, o *options) error {
	faults := o.faults
	if len(faults) == 0 {
		faults = []string{fault}
	}
	srv, err := serve(ctx, faults)
	if err != nil {
		return err
	}
	defer srv.stop()
	c := chain{app: app, dir: o.out, started: time.Now()}
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "llmops-demo-"); err != nil {
			return cli.Failed(fmt.Errorf("make a folder for the results: %w", err))
		}
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return cli.Failed(fmt.Errorf("make a folder for the results: %w", err))
	}
	if there, err := os.ReadFile(c.file("rules.yaml")); err == nil && string(there) != rules {
		return cli.WithHint(cli.Usagef("%s is there already, and not of a demo", c.file("rules.yaml")), "choose another folder for --out")
	}
	if err := os.WriteFile(c.file("rules.yaml"), []byte(rules), 0o600); err != nil {
		return cli.Failed(fmt.Errorf("write the rules: %w", err))
	}
	c.say("a server that simulates an inference engine, with a fault", "sim", append([]string{"--listen", srv.address}, flags("--fault", faults)...), " &")
	outcome, err := c.run(ctx, srv.url)
	if err != nil {
		return err
	}
	fmt.Fprintf(app.Out, "\nresults in %s\n", c.dir)
	for _, f := range []struct{ name, what string }{
		{"report.html", "the report of all of it, one file that needs no network"},
		{"run/report.html", "the load test with its charts"},
		{"run/requests.jsonl", "each request with all its times"},
		{"run/telemetry.jsonl", "what the server showed meanwhile"},
	} {
		if info, err := os.Stat(c.file(f.name)); err == nil && info.Size() > 0 {
			fmt.Fprintf(app.Out, "  %-20s %s\n", f.name, f.what)
		}
	}
	app.Verbosef("done in %s", time.Since(c.started).Round(time.Millisecond))
	if len(o.faults) == 0 {
		c.judge()
		return nil
	}
	if cli.CodeOf(outcome) == cli.CodeGate {
		return cli.WithHint(outcome, "that is what the fault is for: the gate fails with exit code %d", cli.CodeGate)
	}
	return outcome
}

func flags(name string, values []string) (args []string) {
	for _, v := range values {
		args = append(args, name, v)
	}
	return args
}

func (c *chain) file(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

// plain are the characters that mean nothing to a shell.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=:,./"

// quote writes arguments as a shell takes them.
func quote(args []string) string {
	var out []string
	for _, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}
