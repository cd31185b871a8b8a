// Package loadtestcmd is "llmops loadtest": it sends load to an inference
// endpoint, shows what was measured and turns objectives into an exit code. It
// wires probes and analysis together; it must not compute statistics itself.
package loadtestcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"

	"github.com/spf13/cobra"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/prompt"
	"llmops/probes/sim"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "loadtest URL... | --embedded",
		Short: "measure an inference endpoint and gate a release on it",
		Long: `Sends requests to an inference endpoint and measures latency, time to first
token (TTFT), time per output token (TPOT), throughput and errors.

The closed loop (--concurrency) keeps so many requests in flight; the open loop
(--rate) sends requests when they are due, however slow the server is, and
counts latency from then. Objectives (--slo) are judged with a stated
confidence: pass, fail, or inconclusive when there is too little data.

URL is the base of the interface, such as http://127.0.0.1:8000/v1; without a
path, /v1 is added where the interface has it. The API key comes from the
environment (LLMOPS_API_KEY). Several URLs get the requests in turn, and the
report has the figures of each beside those of the whole.`,
		Example: `  llmops loadtest http://127.0.0.1:8000/v1 --concurrency 64 --requests 2000 --slo 'p95_latency_ms < 500' --out run1
  llmops loadtest http://127.0.0.1:8000/v1 --rate 20 --arrivals poisson --duration 60s --slo 'p99_ttft_ms < 300' --slo 'error_rate < 1%'
  llmops loadtest --embedded --concurrency 8`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.shard, err = readShard(o.shardText, o.emit.getenv(app.Getenv)); err != nil {
				return err
			}
			if err := o.check(args); err != nil {
				return err
			}
			if o.emit.asked() {
				return o.printJob(app, cmd, args)
			}
			o.finish()
			if o.capacity.on() {
				return findCapacity(cmd.Context(), app, o)
			}
			return run(cmd.Context(), app, o)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// run does one load test. It prints the summary of whatever was measured, also
// when the run broke off.
func run(ctx context.Context, app *cli.App, o *options) error {
	b, stop, err := setUp(ctx, app, o)
	if err != nil {
		return err
	}
	defer stop()
	dir, err := openFolder(o.out)
	if err != nil {
		return err
	}
	m, err := b.measure(ctx, b.config(), dir)
	if err != nil {
		return err
	}
	// The files first: a reader of standard output may have gone away.
	report := page{summary: m.summary, load: o.describe(), course: m.agg.Course(), buckets: m.agg.LatencyHistogram(pageRows), server: m.server, from: m.result.MeasuredFrom}
	for _, err := range []error{writeFiles(dir, report), m.print(app, o)} {
		if m.err == nil {
			m.err = err
		}
	}
	tellGitHub(app, m.summary)
	for _, w := range m.summary.Warnings {
		app.Warnf("%s", w)
	}
	if o.out != "" {
		app.Notef("results in %s", o.out)
	}
	if m.err != nil {
		return m.err
	}
	return outcome(m.summary, m.first, m.result.Exhausted)
}

// readPrompts loads the dataset or sets up the generator.
func readPrompts(ctx context.Context, app *cli.App, o *options) (prompt.Source, error) {
	if o.replay.file != "" {
		return o.replay.open(ctx, app, o)
	}
	if o.dataset == "" {
		return prompt.Synthetic{Seed: o.seed, Input: o.promptTokens, Output: o.outputTokens}, nil
	}
	prompts, err := prompt.LoadFile(o.dataset)
	if err != nil {
		hint := `one JSON object a line, {"prompt":"…"} or {"messages":[…]}, or a ShareGPT array`
		if fe, ok := errors.AsType[*prompt.FileError](err); ok && fe.Column > 0 { // in the checks, or a key
			hint = fe.Hint
		}
		return nil, cli.WithHint(cli.Usage(err), "%s", cmp.Or(hint, "docs/datasets.md says what a check may hold"))
	}
	if n := int64(len(prompts)); o.requests > n {
		app.Warnf("%s holds %d prompts for %d requests: repeated prompts may be answered from the server's prefix cache", o.dataset, n, o.requests)
	}
	d := &prompt.Dataset{Prompts: prompts, Seed: o.seed, Output: o.outputTokens}
	return d, o.checkTalks(d)
}

// startEmbedded serves the simulator on a free port of this host.
func (o *options) startEmbedded(ctx context.Context) (stop func(), err error) {
	cfg := sim.DefaultConfig()
	for _, text := range o.faults {
		f, err := sim.ParseFault(text)
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("--fault: %w", err))
		}
		cfg.Faults = append(cfg.Faults, f)
	}
	srv, err := sim.New(cfg)
	if err != nil {
		return nil, cli.Usage(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, cli.Failed(fmt.Errorf("start the embedded server: %w", err))
	}
	o.urls = []string{"http://" + ln.Addr().String() + "/v1"}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ctx, ln) // the requests show what goes wrong there
	}()
	return func() {
		cancel()
		<-done
	}, nil
}

// facts is what the summary needs beside the records.
func (o *options) facts(app *cli.App, targets []*target, r load.Result, runErr error) loadreport.Run {
	run := loadreport.Run{
		Version:   app.Build.Version,
		Target:    inShort(targets, o.api),
		StartedAt: r.Started, Duration: r.Ended.Sub(r.Started), Window: r.Window, Interrupted: r.Interrupted,
		Load: loadreport.Load{Mode: "closed", Seed: o.seed, WarmupRequests: r.Warmup},
		Client: loadreport.ClientFacts{
			TimestampSource: r.TimestampSource(), Events: r.Events, Cores: float64(runtime.GOMAXPROCS(0)),
			SchedP99: r.Health.SchedP99, SchedMax: r.Health.SchedMax, Pauses: r.Health.Pauses, PauseMax: r.Health.PauseMax,
			LongestWait: r.Health.LongestWait, ClockStep: r.Health.ClockStep,
		},
	}
	run.Load.Shard = shardName(o.shard)
	run.Load.Sessions, run.Load.Cancel = o.people.sessions(), o.people.cancelText
	if o.open() {
		run.Load.Mode, run.Load.Arrivals = "open", &o.arrivals
		if o.given("rate") || o.capacity.rates() {
			run.Load.Rate = &o.rate
		}
		if o.stagesText != "" || o.ramp > 0 {
			run.Load.Shape = o.shape()
		}
		if o.arrivals == "gamma" {
			run.Load.Burstiness = &o.burstiness
		}
		if o.maxConcurrency > 0 {
			run.Load.MaxConcurrency = &o.maxConcurrency
		} else if r.N > 1 && r.Due > 0 && r.Sent > 0 {
			run.Client.AskedRate = new(float64(r.N-1) / r.Due.Seconds())
			run.Client.AchievedRate = new(float64(r.N-1) / r.Sent.Seconds())
		}
	} else {
		run.Load.Concurrency = &o.concurrency
	}
	if run.Load.Trace = o.replay.facts(o.requests, o.duration); run.Load.Trace != nil {
		run.Load.Arrivals = new("trace")
	}
	if o.requests > 0 {
		run.Load.Requests = &o.requests
	}
	if o.duration > 0 {
		run.Load.DurationS = new(o.duration.Seconds())
	}
	// With the server in the same process its work cannot be told apart.
	if !o.embedded && r.CPU > 0 {
		run.Client.CPU = &r.CPU
	}
	if runErr != nil {
		run.Client.Invalid = append(run.Client.Invalid, fmt.Sprintf("the run broke off: %v", runErr))
	}
	if r.Exhausted > 0 {
		run.Client.Invalid = append(run.Client.Invalid, fmt.Sprintf("this machine had no file descriptor or port left for %d requests (see ulimit -n)", r.Exhausted))
	}
	if r.Closes {
		run.Warnings = append(run.Warnings, "the server closes each connection after its reply, although it promises to keep it: every request connects anew, and that is in its TTFT")
	}
	if r.Interrupted {
		run.Warnings = append(run.Warnings, "the run was interrupted: the figures are of what was measured until then")
	}
	return run
}

// pageRows is the number of bars in the histogram of report.html.
const pageRows = 40

func writeFiles(dir *folder, p page) error {
	s := p.summary
	return errors.Join(
		dir.write(reportFile, p.write),
		dir.write(summaryFile, func(w io.Writer) error { return renderSummary(w, s) }),
		dir.write(junitFile, func(w io.Writer) error { return renderJUnit(w, s) }),
	)
}
