package snapshotcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/stats"
	"llmops/analysis/trend"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/render"
	"llmops/probes/recording"
)

// showTrend reads recordings and shows how a metric goes.
func (o *options) showTrend(ctx context.Context, app *cli.App) error {
	reader, err := trend.New(o.metric)
	if err != nil {
		return cli.WithHint(cli.Usage(fmt.Errorf("--metric: %w", err)), "such as gpu_temperature_c, 'gpu_temperature_c{gpu=\"0\"}' or 'gpus[0].temperature.gpu_c'")
	}
	if err := o.output.Check(); err != nil {
		return err
	}
	for _, name := range recordings(o.trend) {
		if err := readRecording(ctx, app, name, reader); err != nil {
			return err
		}
	}
	report := reader.Report()
	if err := o.trendProblem(reader, report); err != nil {
		return err
	}
	if report.Unread > 0 {
		app.Warnf("%s could not be read and %s in no figure", render.Plural(report.Unread, "line"), map[bool]string{true: "is", false: "are"}[report.Unread == 1])
	}
	return o.output.Write(app, func(w io.Writer) error {
		switch o.output.Format {
		case "table":
			return trendScreen(w, report, o.output.Style(app), o.output.Width(app), !render.Unicode(app.Getenv))
		case "ndjson":
			for _, s := range report.Series {
				if err := render.JSONLine(w, s); err != nil {
					return err
				}
			}
			return nil
		case "csv":
			return trendFlat(report).CSV(w)
		}
		return render.Write(w, o.output.Format, 0, report, trendTable(report, render.Style{}))
	})
}

// recordings are the files, each once and behind what its rotation put aside.
func recordings(names []string) []string {
	var list []string
	add := func(name string) {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, name := range names {
		if info, err := os.Stat(name + recording.Old); err == nil && info.Mode().IsRegular() {
			add(name + recording.Old)
		}
		add(name)
	}
	return list
}

func readRecording(ctx context.Context, app *cli.App, name string, reader *trend.Reader) error {
	source := accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) {
		if name == inputs.Stdin {
			return io.NopCloser(app.In), nil
		}
		return os.Open(name)
	}}
	in, err := source.Content(nil)
	if err != nil {
		hint := "name a file that was written with --record"
		if errors.Is(err, fs.ErrPermission) {
			hint = "the file must be readable"
		}
		return cli.WithHint(cli.Usage(err), "%s", hint)
	}
	defer in.Close()
	stop := app.Progress(func() string { return "read " + name })
	err = reader.Read(ctx, in)
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case err == nil:
		return nil
	case !strings.Contains(err.Error(), name+":"): // what the compression says names the file
		err = fmt.Errorf("%s: %w", name, err)
	}
	return cli.Usage(err)
}

// trendProblem says why there is nothing to show.
func (o *options) trendProblem(reader *trend.Reader, report trend.Report) error {
	files := strings.Join(o.trend, ", ")
	switch {
	case len(report.Series) > 0:
		return nil
	case report.Snapshots == 0 && report.Unread > 0:
		return cli.WithHint(cli.Usagef("%s: no line is a snapshot", files), "name a file that was written with --record")
	case report.Snapshots == 0:
		return cli.NoVerdict(fmt.Errorf("%s: there is no snapshot in it", files))
	case slices.Contains(reader.Names(), o.metric):
		return cli.WithHint(cli.NoVerdict(fmt.Errorf("%s: too few readings of %s for a rate", files, o.metric)), "a counter needs two snapshots")
	}
	err := cli.Usagef("%s: no %s in %s", files, o.metric, render.Plural(report.Snapshots, "snapshot"))
	if near := nearName(o.metric, reader.Names()); near != "" {
		return cli.WithHint(err, "did you mean %s?", near)
	}
	return cli.WithHint(err, "\"llmops snapshot -o prom\" lists the series, -o json the fields")
}

// sparkWidth is how many columns the drawing of a series takes.
const sparkWidth = 48

func trendScreen(w io.Writer, r trend.Report, style render.Style, width int, ascii bool) error {
	s := render.Screen{W: w, Style: style, Width: width}
	s.Printf("%s, %s to %s (%s)\n", render.Plural(r.Snapshots, "snapshot"), render.Clock(*r.First), render.Clock(*r.Last), render.Span(r.Last.Sub(*r.First)))
	s.Section(render.Clean(r.Metric), trendTable(r, style))
	for i, x := range r.Series {
		if i == 0 {
			s.Printf("\n%s\n", style.Bold("over time"))
		}
		values := make([]*float64, len(x.Points))
		for i, p := range x.Points {
			values[i] = new(p.Value)
		}
		s.Printf("%s  %s\n", render.Spark(values, sparkWidth, ascii), seriesName(x))
	}
	return s.Err
}

// seriesName tells a series from the others: by its labels, where there are any that
// do not only repeat who it is, else by its name.
func seriesName(x trend.Series) string {
	labels := maps.Clone(x.Labels)
	if labels["gpu"] != "" {
		delete(labels, "uuid")
	}
	if len(labels) == 0 {
		return render.Clean(x.Name)
	}
	return render.Clean(labelText(labels))
}

func trendTable(r trend.Report, style render.Style) *render.Table {
	t := &render.Table{Columns: render.Columns("SERIES", ">MIN", ">MEAN", ">MAX", ">LAST", ">CHANGE/h", "95% INTERVAL", "DIRECTION")}
	for _, x := range r.Series {
		unit := ""
		if x.Rate {
			unit = "/s"
		}
		interval := render.None
		if x.ChangeLow != nil && x.ChangeHigh != nil {
			interval = signed(*x.ChangeLow) + " to " + signed(*x.ChangeHigh)
		}
		t.Add(seriesName(x), render.Short(x.Min)+unit, render.Short(x.Mean)+unit, render.Short(x.Max)+unit, render.Short(x.Last)+unit, render.Optional(x.Change, signed), interval, direction(x, style))
	}
	return t
}

func signed(v float64) string {
	if v > 0 {
		return "+" + render.Short(v)
	}
	return render.Short(v)
}

func direction(x trend.Series, style render.Style) string {
	switch x.Direction {
	case stats.Undetermined:
		return style.Yellow("too few points")
	case stats.None:
		return "no trend"
	}
	text := string(x.Direction)
	if x.P != nil {
		if *x.P < 0.001 {
			text += ", p < 0.001"
		} else {
			text += ", p " + strconv.FormatFloat(*x.P, 'f', 3, 64)
		}
	}
	return style.Cyan(text)
}

// trendFlat has the words and units of the JSON document; what is not known is empty.
func trendFlat(r trend.Report) *render.Table {
	t := &render.Table{Columns: render.Columns("name", "labels", "per_second", "count", "min", "max", "mean", "last", "last_at", "direction", "change_per_hour", "change_low", "change_high", "p")}
	for _, x := range r.Series {
		t.Add(x.Name, labelText(x.Labels), strconv.FormatBool(x.Rate), strconv.Itoa(x.Count), render.Full(&x.Min), render.Full(&x.Max), render.Full(&x.Mean), render.Full(&x.Last),
			x.LastAt.UTC().Format(time.RFC3339Nano), string(x.Direction), render.Full(x.Change), render.Full(x.ChangeLow), render.Full(x.ChangeHigh), render.Full(x.P))
	}
	return t
}
