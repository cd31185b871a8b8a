package detectcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/accesslog"
	"llmops/analysis/detect"
	"llmops/analysis/detect/rows"
	"llmops/analysis/series"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/inputs"
	"llmops/cmd/internal/metricinput"
	"llmops/cmd/internal/render"
	"llmops/rules/slo"
)

// A file is one input: a table whose rows keep their place, or series.
type file struct {
	name   string
	table  *rows.Table
	series []*series.Series
	from   int64 // of series, what is judged of them
	to     int64
}

func (f *file) len() int {
	if f.table != nil {
		return len(f.table.Series)
	}
	return len(f.series)
}

// total is the number of rows of all series.
func (f *file) total() (rows int64) {
	if f.table != nil {
		return int64(len(f.table.Values))
	}
	for _, s := range f.series {
		rows += s.Count()
	}
	return rows
}

// seriesName is the name of a series as it may be shown.
func (f *file) seriesName(i int) string {
	if f.table != nil {
		return render.Clean(render.Masked(f.table.Series[i]))
	}
	return shownName(f.series[i].Labels())
}

// shownName is the name of a series of a store as it may be shown.
func shownName(all labels.Labels) string { return render.Clean(render.Masked(detect.NameOf(all))) }

// class is that of a series, by its name, or by what its source says about it.
func (f *file) class(i int) detect.Class {
	if f.table != nil {
		return detect.ClassOf(f.table.Series[i], func(name string) bool {
			return slices.ContainsFunc(f.table.Series, func(other string) bool {
				rest, ok := strings.CutPrefix(other, name)
				return ok && (rest == "" || rest[0] == '{')
			})
		})
	}
	c := detect.ClassOf(f.series[i].Name(), nil) // Kind has looked for the other half
	if k := f.series[i].Kind(); k == series.Counter && c != detect.Bucket {
		return detect.Counter
	} else if k == series.Gauge && c == detect.Counter {
		return detect.Gauge
	}
	return c
}

// rows are those of a series, in their order. A row without a time has no value that
// could be judged.
func (f *file) rows(i int) iter.Seq[detect.Row] {
	return func(yield func(detect.Row) bool) {
		if f.table == nil {
			for t, v := range f.series[i].Between(f.from, f.to) {
				if !yield(detect.Row{T: t, V: v}) {
					return
				}
			}
			return
		}
		for row, v := range f.table.Column(i) {
			t := f.table.Times[row]
			if t == rows.NoTime {
				v = math.NaN()
			}
			if !yield(detect.Row{T: t, V: v}) {
				return
			}
		}
	}
}

// stamps are the times of a series' rows, as they stand in the file.
func (f *file) stamps(i int) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		if f.table == nil {
			for t, v := range f.series[i].Between(f.from, f.to) {
				if !yield(stamp(t), v) {
					return
				}
			}
			return
		}
		for row, v := range f.table.Column(i) {
			if !yield(f.table.Stamps[row], v) {
				return
			}
		}
	}
}

// stamp is a time in machine-readable forms.
func stamp(t int64) string { return time.UnixMilli(t).UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// read reads one input; nil: there are no metrics in it, and it was found, not named.
func (o *options) read(ctx context.Context, app *cli.App, source accesslog.Source) (*file, error) {
	if source.Open == nil { // a server
		return o.load(ctx, app, nil, source.Name)
	}
	if source.Name == inputs.Stdin {
		content, err := io.ReadAll(app.In)
		if err != nil {
			return nil, cli.Usage(err)
		}
		app.In, o.stdin = bytes.NewReader(content), content
		source.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	if !o.inOrder() {
		content, err := contentOf(source)
		if err != nil {
			return nil, cli.Usage(err)
		}
		table, ok, err := rows.Parse(source.Name, content)
		if err != nil {
			return nil, cli.Usage(err)
		}
		if ok {
			return &file{name: source.Name, table: table}, o.tolerate(app, table)
		}
	}
	f, err := o.load(ctx, app, []string{source.Name}, source.Name)
	if _, unknown := errors.AsType[*series.UnknownFormatError](err); unknown && source.Found {
		app.Notef("%s holds no metrics and was passed over", source.Name)
		return nil, nil
	}
	return f, err
}

func contentOf(source accesslog.Source) ([]byte, error) {
	content, err := source.Content(nil)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source.Name, err)
	}
	return data, nil
}

// load reads series in order of time, those as they are stored.
func (o *options) load(ctx context.Context, app *cli.App, paths []string, name string) (*file, error) {
	in, err := o.metrics.Load(ctx, app, paths, metricinput.Wants{})
	if err != nil {
		return nil, err
	}
	f := &file{name: name, from: in.Start.UnixMilli(), to: in.End.UnixMilli()}
	for _, s := range in.Store.Series() {
		if s.Original() {
			f.series = append(f.series, s)
		}
	}
	return f, nil
}

// tolerate refuses tables of which too much cannot be read, and shows the first of it.
func (o *options) tolerate(app *cli.App, t *rows.Table) error {
	if t.Malformed == 0 {
		return nil
	}
	for _, m := range t.Samples {
		app.Notef("%s:%d: %s: %s", m.File, m.Line, m.Why, m.Text)
	}
	text := o.flag("max-malformed")
	digits, percent := strings.CutSuffix(text, "%")
	most, err := slo.ParseDecimal(strings.TrimSpace(digits))
	if err != nil {
		return cli.Usagef("--max-malformed %q: %w", text, err)
	}
	share := new(big.Rat).Set(most.Rat)
	if percent {
		share.Quo(share, big.NewRat(100, 1))
	}
	cells := max(len(t.Values), t.Malformed)
	if big.NewRat(int64(t.Malformed), int64(cells)).Cmp(share) > 0 {
		return cli.WithHint(cli.Usagef("%s: %d of %d cells cannot be read, more than --max-malformed %s", t.Samples[0].File, t.Malformed, cells, text),
			"if the file is damaged raise --max-malformed: what cannot be read then has the score 0")
	}
	app.Warnf("%s: %d of %d cells could not be read and have the score 0", t.Samples[0].File, t.Malformed, cells)
	return nil
}
