package metricinput

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/rules/catalog"
)

// Wants is what a command looks at. Of a server nothing else is read, unless --query
// says so, and metrics of the catalogue are computed where they are not measured.
type Wants struct {
	Expressions []string      // of PromQL that will be evaluated
	Recorded    []string      // names that rules among them record, which are read and computed nowhere else
	Names       []string      // of metrics, looked at without an expression
	Step        time.Duration // between evaluations; 0: a minute
}

// Input is what was read.
type Input struct {
	Store   *series.Store
	Summary series.Summary
	// Start and End are what is to be judged: what --start and --end say, by default of
	// files the first and the last sample. The store also has what lies before it and
	// expressions at Start look at.
	Start, End time.Time

	// Server is the one that was read, as it may be shown; "": files.
	Server string
}

// Load reads what the arguments and flags name. Remarks about what was read go to the
// user. Check has to have found nothing.
func (f *Flags) Load(ctx context.Context, app *cli.App, paths []string, w Wants) (Input, error) {
	c, err := catalog.Load()
	if err != nil {
		return Input{}, cli.Failed(err)
	}
	engine := series.NewEngine(series.Limits{})
	needs, err := engine.Needs(w.Expressions...)
	if err != nil {
		return Input{}, cli.Usage(err)
	}
	looked := wanted(needs, w)
	var in Input
	if f.fromServer(paths) {
		in, err = f.pull(ctx, app, question{engine, c, w, needs, looked})
	} else {
		in, err = f.files(ctx, app, paths)
	}
	if err != nil || in.Store.Points() == 0 {
		return in, err
	}
	in.Store = series.Canonical(in.Store, c)
	step, start := w.every(), in.Start
	if in.Server != "" {
		start = start.Add(-steps(longest(looked), step))
	}
	stop := app.Progress(func() string { return "computing metrics" })
	in.Store, err = engine.Derive(ctx, in.Store, c, slices.Collect(maps.Keys(looked)), start, in.End, step)
	stop()
	if ctx.Err() != nil {
		return in, ctx.Err()
	}
	return in, cli.WithHint(cli.Failed(err), "read a shorter time, or fewer series")
}

// every is the time between evaluations.
func (w Wants) every() time.Duration { return cmp.Or(w.Step, time.Minute) }

// steps is the least whole number of steps that d takes.
func steps(d, step time.Duration) time.Duration { return (d + step - 1) / step * step }

// wanted are the names that are looked at and that no rule makes, with how far behind
// an evaluation they are looked at.
func wanted(needs series.Needs, w Wants) map[string]time.Duration {
	looked := map[string]time.Duration{}
	for _, s := range needs.Selectors {
		if s.Name != "" {
			looked[s.Name] = s.Before
		}
	}
	for _, name := range w.Names {
		looked[name] = max(looked[name], lookback)
	}
	for _, name := range append([]string{"ALERTS", "ALERTS_FOR_STATE"}, w.Recorded...) {
		delete(looked, name)
	}
	return looked
}

// longest is the greatest of all.
func longest(looked map[string]time.Duration) time.Duration {
	d := lookback
	for _, before := range looked {
		d = max(d, before)
	}
	return d
}

func (f *Flags) files(ctx context.Context, app *cli.App, paths []string) (Input, error) {
	sources, err := inputs.Walk(paths, app.In)
	if err != nil {
		return Input{}, readError(err)
	}
	if len(sources) == 0 {
		return Input{}, cli.WithHint(cli.Usagef("no file to read in %s", strings.Join(paths, ", ")), "name metric files, or folders that hold some")
	}
	o := series.Options{Map: f.fields, By: f.by}
	if f.format != "auto" {
		o.Format = f.format
	}
	store, summary, err := read(ctx, app, sources, o)
	if err != nil {
		return Input{}, readError(err)
	}
	in := Input{Store: store, Summary: summary}
	if in.Start, in.End, err = f.part(time.UnixMilli(summary.First), time.UnixMilli(summary.Last)); err != nil {
		return in, err
	}
	return in, f.tolerate(app, summary)
}

// part is the time that --start and --end leave of files.
func (f *Flags) part(first, last time.Time) (start, end time.Time, err error) {
	start, end, err = f.span(first, last)
	if err != nil || f.start == "" && f.end == "" {
		return start, end, err
	}
	if f.start != "" && f.end != "" && end.Before(start) {
		return start, end, ordered(start, end)
	}
	if start.Before(first) {
		start = first
	}
	if end.After(last) {
		end = last
	}
	if !start.After(end) {
		return start, end, nil
	}
	return start, end, cli.WithHint(cli.NoVerdict(fmt.Errorf("no sample lies between --start and --end")), "there are samples from %s to %s", clock(first), clock(last))
}

// read is series.Read, with progress.
func read(ctx context.Context, app *cli.App, sources []accesslog.Source, o series.Options) (*series.Store, series.Summary, error) {
	var done atomic.Int64
	o.Progress = &done
	stop := app.Progress(func() string { return fmt.Sprintf("read %d MiB", done.Load()>>20) })
	defer stop()
	store, summary, err := series.Read(ctx, sources, o)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return store, summary, err
}

// readError sorts what went wrong with a file: it is the caller's.
func readError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	failed := cli.Usage(err)
	unknown, ok := errors.AsType[*series.UnknownFormatError](err)
	switch {
	case ok:
		return cli.WithHint(failed, "%s", unknown.Hint())
	case errors.Is(err, fs.ErrPermission):
		return cli.WithHint(failed, "the file must be readable")
	case errors.Is(err, fs.ErrNotExist):
		return cli.WithHint(failed, "%s", strings.Replace(inputs.Hint(err), "a log file", "a metric file", 1))
	}
	return failed
}

// tolerate refuses files of which too much cannot be read, and shows the first of it.
func (f *Flags) tolerate(app *cli.App, s series.Summary) error {
	for _, name := range s.Skipped {
		app.Notef("%s holds no metrics and was passed over", name)
	}
	if s.Histograms > 0 {
		app.Warnf("%d native histograms are in no figure: only floats and classic histograms can be read", s.Histograms)
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
	rows := s.Malformed + s.Points + s.Missing + s.Dropped
	if s.Requests != nil { // their rows are not points
		rows = s.Malformed + s.Requests.Records
		if s.Format == "mixed" {
			rows += s.Points
		}
	}
	tolerated, err := cli.ParseShare(f.maxMalformed)
	if err != nil {
		return cli.Usage(err)
	}
	bad := big.NewRat(s.Malformed, rows)
	percent, _ := bad.Float64()
	percent *= 100
	if bad.Cmp(tolerated) > 0 {
		return cli.WithHint(cli.Usagef("%d of %d rows or cells cannot be read (%.3g%%), more than --max-malformed %s", s.Malformed, rows, percent, f.maxMalformed),
			"read as %s: if that is wrong name another --format; if the files are damaged raise --max-malformed", s.Format)
	}
	app.Warnf("%d of %d rows or cells could not be read (%.3g%%) and are in no figure", s.Malformed, rows, percent)
	return nil
}

// Empty is nil if there is anything to judge, else the error to return: no verdict
// (exit 4), and what to do.
func (in Input) Empty() error {
	switch {
	case in.Store != nil && in.Store.Points() > 0:
		return nil
	case in.Server != "":
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("%s has none of these metrics between %s and %s", in.Server, clock(in.Start), clock(in.End))),
			"is it the right server, and the right time? -v shows what was asked for; --query names other metrics")
	}
	return cli.WithHint(cli.NoVerdict(errors.New("the files hold no sample")), "are they the right files?")
}
