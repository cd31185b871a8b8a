// Package detectcmd is "llmops detect": it scores every row of metric files by how
// unusual it is, and lists the stretches that stand out. It wires readers and detectors
// together; it must not judge a value itself.
package detectcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"llmops/analysis/accesslog"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
)

// New makes the command.
func New(app *cli.App) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "detect " + metricinput.Args,
		Short: "find what is unusual in exported metrics, row by row",
		Long: `Scores each row of each series from 0 to 1 by how unusual it is after the rows
before it, and lists what stands out, worst first, with the values that were to be
expected. A score of 0.5 or more is an alert; it is given once, at the row at which
something begins. Nothing is learnt from what comes after a row.

METRICS are metric files and request logs of any known format, folders, or - for
standard input; each file is judged by itself. The rows of CSV files keep their
place: times may repeat or fall, cells may be empty. --start and --end read them in
order of time instead. Counters are judged by their rate, latencies by their
logarithm.

-o csv prints timestamp,value,anomaly_score for every row, with a series column
where there are several; with --out-dir it writes one file for each input.
"llmops detect --detectors list" tells which detectors there are.`,
		Example: `  llmops detect metrics/
  llmops detect gpu.csv -o csv --output scores.csv
  llmops detect data/*/*.csv -o csv --out-dir scores/
  llmops detect today.csv --baseline last-week.csv --fail-on 0.8
  llmops detect latency.csv --detectors zscore,holtwinters`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.listing() {
				return o.showList(app)
			}
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
	places, err := o.places(app, args)
	if err != nil {
		return err
	}
	healthy, err := o.readBaseline(ctx, app, places)
	if err != nil {
		return err
	}
	r := &report{}
	done := &progress{files: len(places.sources), now: app.Now, begun: app.Now()}
	written := 0
	stop := app.Progress(done.line)
	defer stop()
	for i, source := range places.sources {
		f, err := o.one(ctx, app, source, healthy, done)
		if f != nil {
			r.files = append(r.files, f)
		}
		if ctx.Err() != nil { // a file that is half judged is written nowhere
			r.interrupted = true
			break
		}
		if err != nil {
			return err
		}
		if f != nil && o.outDir != "" {
			if err := o.writeFile(app, places.outputs[i], &report{files: []*judgedFile{f}}); err != nil {
				return err
			}
			f.forget()
			written++
		}
	}
	stop()
	if healthy != nil && done.taught.Load() == 0 && len(r.files) > 0 {
		app.Warnf("--baseline %s has none of these series: nothing was learnt from it", o.baseline)
	}
	r.sort()
	switch {
	case o.outDir != "":
		app.Notef("%s: what was found in %s", o.outDir, render.Plural(written, "file"))
	case r.interrupted && o.output.ToFile():
		app.Notef("%s stays as it was", o.output.File)
	default:
		if err := o.output.Write(app, o.shown(app, r)); err != nil {
			return cli.Failed(err)
		}
	}
	if r.interrupted {
		app.Warnf("interrupted: %d of %s judged, the last one perhaps in part", len(r.files), render.Plural(len(places.sources), "file"))
		return ctx.Err()
	}
	return r.gate(o.failOn)
}

// one reads and judges one input; nil: it was passed over. When ctx ends it is what was
// known by then.
func (o *options) one(ctx context.Context, app *cli.App, source accesslog.Source, healthy baseline, done *progress) (*judgedFile, error) {
	f, err := o.read(ctx, app, source)
	if err != nil || f == nil {
		done.pass()
		return nil, err
	}
	result := o.judge(ctx, f, healthy, done)
	if o.rules && ctx.Err() == nil {
		result.ruled, result.about, err = o.applyRules(ctx, app, source)
	}
	done.pass()
	return result, err
}

// gate is the error that the findings ask for.
func (r *report) gate(failOn float64) error {
	switch {
	case len(r.files) == 0:
		return cli.WithHint(cli.NoVerdict(errors.New("the files hold no metrics")), "are they the right files?")
	case r.verdict() == insufficient:
		return cli.WithHint(cli.NoVerdict(errors.New("no series has rows enough to be judged")),
			"51 values are the least, of counts by the hour 26, and some --detectors need more; --baseline FILE teaches what is usual; rules and buckets of histograms are judged where --detectors asks for it")
	case failOn <= 0:
		return nil
	}
	n := 0
	for _, a := range r.anomalies {
		if a.Score >= failOn {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return cli.Gate(fmt.Errorf("gate failed: %s with a score of %v or more, the worst in %s", render.Plural(n, "anomaly"), failOn, r.name(r.anomalies[0])))
}
