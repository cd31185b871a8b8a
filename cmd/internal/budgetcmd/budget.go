// Package budgetcmd is "llmops budget": it reads exported request logs and shows
// what is left of error budgets. It wires readers and judgement together; it must
// not compute either.
package budgetcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/objectives"
	"llmops/cmd/internal/render"
	"llmops/rules/defaults"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "budget LOG… | --clickhouse URL --table TABLE | --prometheus URL",
		Short: "compute error budgets and burn rates from exported request logs",
		Long: `Reads request logs of gateways, proxies and inference servers and computes for
each objective how much of its error budget is spent, how fast it burns, which
alerts would have fired, who spent it and when it runs out.

LOG is a file, a folder that is walked, or - for standard input; gzip and zstd
are recognised by content, and so are the formats. "Now" is the newest event,
or --at. Without --slo and --slo-file, availability of 99.9 % over 30 days is
judged (@defaults/budget).

With --clickhouse a server counts the rows of a table by the minute, and only
these counts are fetched. With --prometheus the counters of an --engine, of the
queries in an OpenSLO file or of --good, --bad and --total are read at every
whole minute.`,
		Example: `  llmops budget run1/requests.jsonl --slo 'p95_latency_ms < 500' --slo 'success_rate >= 99.9%'
  llmops budget /var/log/nginx/ --slo-file slos.yaml --by model,route
  zcat envoy.log.gz | llmops budget - --window 7d --report budget.html
  llmops budget --clickhouse http://127.0.0.1:8123 --table logs.requests --map time=finished,latency=took:s
  llmops budget --prometheus http://127.0.0.1:9090 --engine vllm --match 'job="vllm"' --slo-file slos.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			engine, err := o.source(cmd, args)
			if err != nil {
				return err
			}
			return run(cmd.Context(), app, o, engine, args)
		},
	}
	o.addFlags(cmd)
	return cmd
}

// coursePoints is how many points the charts have.
const coursePoints = 240

func run(ctx context.Context, app *cli.App, o *options, engine *engine, logs []string) error {
	file, err := o.objectives.Read()
	if err != nil {
		return err
	}
	if len(file.Objectives) == 0 {
		if file, err = objectives.Load(defaults.Prefix + "budget"); err != nil {
			return err
		}
		app.Notef("no objective was given: judging availability of 99.9 %% over 30 days (@defaults/budget)")
	}
	if err := o.output.Check(); err != nil {
		return err
	}
	if o.report != "" {
		if err := (&cli.Output{File: o.report}).Check(); err != nil {
			return err
		}
	}
	cfg := budget.Config{
		Objectives: file.Objectives, ExcludeStatus: file.ExcludeStatus, At: o.atMS, Window: o.override, By: o.by, Course: coursePoints, Spill: spill,
	}
	if engine != nil {
		return o.count(ctx, app, engine, cfg)
	}
	defer boundMemory()()
	report, err := o.read(ctx, app, cfg, logs)
	if err != nil {
		return err
	}
	return o.show(app, report)
}

// read judges logs. What it takes to count them is free again when the report is
// shown, which may be a long one.
func (o *options) read(ctx context.Context, app *cli.App, cfg budget.Config, logs []string) (budget.Report, error) {
	sources, err := inputs.Walk(logs, app.In)
	if err != nil {
		return budget.Report{}, readError(err)
	}
	if len(sources) == 0 {
		return budget.Report{}, cli.WithHint(cli.Usagef("no file to read in %s", strings.Join(logs, ", ")), "name log files, or folders that hold some")
	}
	counter, err := budget.New(cfg)
	if err != nil {
		return budget.Report{}, cli.Usage(err)
	}
	defer counter.Close()

	var read atomic.Int64
	options := accesslog.Options{Map: o.fields, Progress: &read}
	if o.format != "auto" {
		options.Format = o.format
	}
	stop := app.Progress(func() string { return "read " + render.Size(read.Load()) })
	summary, err := accesslog.Read(ctx, sources, options, func() func(*accesslog.Event) { return counter.Shard().Add })
	stop()
	if ctx.Err() != nil {
		app.Warnf("interrupted before all was read: of %s read so far a budget would be a wrong one", render.Size(read.Load()))
		return budget.Report{}, ctx.Err()
	}
	if err != nil {
		return budget.Report{}, readError(err)
	}
	if err := o.tolerate(app, summary); err != nil {
		return budget.Report{}, err
	}
	report, err := counter.Report(sourceOf(summary))
	return report, cli.Failed(err)
}

// spill opens the file for events that do not fit into memory. It has no name any
// more when it is used, where the system allows that, so that nothing is left behind.
func spill() (budget.File, error) {
	f, err := os.CreateTemp("", "llmops-budget-*.tmp") // mode 0600
	if err != nil {
		return nil, err
	}
	if removed := os.Remove(f.Name()) == nil; removed {
		return f, nil
	}
	return &leftover{f}, nil
}

// leftover is a file that can be removed only once it is closed.
type leftover struct{ *os.File }

func (f *leftover) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }

func sourceOf(s accesslog.Summary) budget.Source {
	src := budget.Source{Files: s.Files, Format: s.Format, Records: s.Records, Skipped: budget.Skipped{Malformed: s.Malformed}}
	if s.Records > 0 {
		src.First, src.Last = new(budget.Time(s.First)), new(budget.Time(s.Last))
	}
	return src
}

// readError sorts what went wrong with an input: it is the caller's.
func readError(err error) error {
	failed := cli.Usage(err)
	unknown, ok := errors.AsType[*accesslog.UnknownFormatError](err)
	switch {
	case ok:
		return cli.WithHint(failed, "%s", unknown.Hint())
	case errors.Is(err, fs.ErrPermission):
		return cli.WithHint(failed, "the file must be readable")
	case errors.Is(err, fs.ErrNotExist):
		return cli.WithHint(failed, "%s", inputs.Hint(err))
	}
	return failed
}

// tolerate refuses logs of which too much cannot be read, and shows the first of it.
func (o *options) tolerate(app *cli.App, s accesslog.Summary) error {
	for _, name := range s.Skipped {
		app.Notef("%s is no log and was passed over", name)
	}
	if s.Malformed == 0 {
		return nil
	}
	for _, m := range s.Samples {
		place := fmt.Sprintf("%s:%d", m.File, m.Line)
		if m.Column > 0 {
			place += fmt.Sprintf(":%d", m.Column)
		}
		app.Notef("%s: %s: %s", place, m.Why, m.Text)
	}
	bad := big.NewRat(s.Malformed, s.Rows())
	f, _ := bad.Float64()
	if bad.Cmp(o.tolerated) > 0 {
		return cli.WithHint(cli.Usagef("%d of %d rows cannot be read (%.3g%%), more than --max-malformed %s", s.Malformed, s.Rows(), 100*f, o.maxMalformed),
			"read as %s: if that is wrong name another --format; if the logs are damaged raise --max-malformed", s.Format)
	}
	app.Warnf("%d of %d rows could not be read (%.3g%%) and are in no figure", s.Malformed, s.Rows(), 100*f)
	return nil
}

// show writes the report, and turns the verdict into an exit code.
func (o *options) show(app *cli.App, r budget.Report) error {
	if o.report != "" {
		if err := cli.WriteFile(o.report, func(w io.Writer) error { return page{r}.write(w, app.Build.Version) }); err != nil {
			return err
		}
		app.Notef("report in %s", o.report)
	}
	if err := o.print(app, r); err != nil {
		return err
	}
	for _, s := range r.SLOs {
		for _, w := range s.Warnings {
			app.Warnf("%s: %s", s.Name, w)
		}
	}
	return outcome(r)
}

func outcome(r budget.Report) error {
	names := func(v budget.Verdict) string {
		var list []string
		for _, s := range r.SLOs {
			if s.Verdict == v {
				list = append(list, s.Name)
			}
		}
		return strings.Join(list, ", ")
	}
	switch r.Verdict {
	case budget.Fail:
		return cli.Gate(fmt.Errorf("objective not met: %s", names(budget.Fail)))
	case budget.NoData:
		switch {
		case r.Source.Records == 0 && r.Source.Resolution != "":
			return cli.WithHint(cli.NoVerdict(errors.New("there is no request in the time that is judged")), "is --at right, and is it the right server?")
		case r.Source.Records == 0:
			return cli.WithHint(cli.NoVerdict(errors.New("the logs hold no request")), "are they the right files?")
		case r.Now != nil && r.Source.First != nil && *r.Now < *r.Source.First:
			return cli.WithHint(cli.NoVerdict(fmt.Errorf("every request is later than --at %s", r.Now)), "the first one ended at %s", r.Source.First)
		}
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("no data for %s", names(budget.NoData))), "see what was excluded, or whether the logs hold the value at all")
	case budget.Undetermined:
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("too little data for a verdict on %s", names(budget.Undetermined))), "judge a longer window, or more logs")
	}
	return nil
}
