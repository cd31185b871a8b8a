// Package democmd is "llmops demo": a load test of the embedded server with
// objectives, from nothing installed to a verdict. It only strings commands
// together; each step prints the command that it stands for.
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
	"llmops/cmd/internal/loadtestcmd"
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
		Short: "run a load test of the embedded server, no set-up needed",
		Long: `Starts the embedded simulated inference server, runs a short load test with
objectives against it and shows where each result is. With --fault the server
misbehaves and the gate fails (exit 3).`,
		Example: `  llmops demo
  llmops demo --fault slow-prefill:factor=40
  llmops demo --fault http-error:status=503,p=0.05`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), app, o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.faults, "fault", nil, "fault of the server, see \"llmops sim --help\"; may be repeated")
	f.StringVar(&o.out, "out", "", "write the results to this `DIR` (default: a new folder for temporary files)")
	_ = cmd.MarkFlagDirname("out") // only an unknown name is an error
	return cmd
}

func run(ctx context.Context, app *cli.App, o *options) error {
	dir := o.out
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "llmops-demo-"); err != nil {
			return cli.Failed(fmt.Errorf("make a folder for the results: %w", err))
		}
	}
	args := []string{
		"--embedded", "--concurrency", "16", "--duration", "8s", "--warmup", "1s", "--seed", "1",
		"--prompt-tokens", "uniform:32,256", "--output-tokens", "lognormal:32,0.5",
		"--slo", "p95_ttft_ms < 200", "--slo", "p95_latency_ms < 1500", "--slo", "error_rate < 1%",
		"--out", dir,
	}
	for _, f := range o.faults {
		args = append(args, "--fault", f)
	}
	fmt.Fprintf(app.Out, "$ llmops loadtest %s\n\n", quote(args))
	started := time.Now()
	cmd := loadtestcmd.New(app)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	fmt.Fprintf(app.Out, "\nresults in %s\n", dir)
	for _, f := range []struct{ name, what string }{
		{"report.html", "the report with charts, one file that needs no network"},
		{"summary.json", "every figure of the report, for programs"},
		{"requests.jsonl", "each request with all its times, also an input of llmops"},
		{"junit.xml", "the objectives as test cases, for CI"},
	} {
		if info, serr := os.Stat(filepath.Join(dir, f.name)); serr == nil && info.Size() > 0 {
			fmt.Fprintf(app.Out, "  %-15s %s\n", f.name, f.what)
		}
	}
	if err == nil {
		app.Verbosef("done in %s", time.Since(started).Round(time.Millisecond))
		return nil
	}
	if cli.CodeOf(err) == cli.CodeGate && len(o.faults) > 0 {
		return cli.WithHint(err, "that is what the fault is for: the gate fails with exit code %d", cli.CodeGate)
	}
	return err
}

// plain are the characters that mean nothing to a shell.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=:,./"

// quote writes arguments as a shell takes them.
func quote(args []string) string {
	var out []string
	for _, a := range args {
		if strings.ContainsFunc(a, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}
