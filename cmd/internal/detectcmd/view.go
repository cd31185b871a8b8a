package detectcmd

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"llmops/analysis/detect"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// shown is how a report is written.
func (o *options) shown(app *cli.App, r *report) func(io.Writer) error {
	return func(w io.Writer) error {
		switch o.output.Format {
		case "csv":
			return r.rows(w)
		case "table":
			return r.screen(&render.Screen{W: w, Style: o.output.Style(app), Width: o.output.Width(app)}, app.Verbose)
		case "html":
			return r.page(w, app.Build.Version)
		case "junit":
			return r.junit(w, cmp.Or(o.failOn, detect.Alert))
		case "sarif":
			return r.sarif(w, app.Build.Version, o.failOn)
		case "github":
			return render.FileAnnotations(w, r.findings(o.failOn))
		case "markdown":
			return r.markdown(w)
		}
		return render.Write(w, o.output.Format, 0, r.document(), r.table())
	}
}

// rows writes every row with its score: those of one series as they stood, of several
// one row of the file after the other.
func (r *report) rows(w io.Writer) error {
	out := csv.NewWriter(bufio.NewWriterSize(w, 1<<16))
	series := 0
	for _, f := range r.files {
		series += len(f.results)
	}
	head := []string{"timestamp", "value", "anomaly_score"}
	if series != 1 {
		head = []string{"timestamp", "series", "value", "anomaly_score"}
	}
	if err := out.Write(head); err != nil {
		return err
	}
	record := make([]string, 0, 4)
	for _, f := range r.files {
		err := f.inOrder(func(stamp string, i int, v, score float64) error {
			record = append(record[:0], stamp)
			if series != 1 {
				name := f.names[i]
				if len(r.files) > 1 {
					name = render.Clean(f.name) + ":" + name
				}
				record = append(record, name)
			}
			value := ""
			if !math.IsNaN(v) {
				value = strconv.FormatFloat(v, 'g', -1, 64)
			}
			return out.Write(append(record, value, strconv.FormatFloat(math.Round(score*1e6)/1e6, 'g', -1, 64)))
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// inOrder gives the rows of a file in the order in which they stand there.
func (f *judgedFile) inOrder(each func(stamp string, series int, v, score float64) error) error {
	t := f.table
	if t == nil {
		for i := range f.results {
			row := 0
			for stamp, v := range f.stamps(i) {
				if row == len(f.scores[i]) { // interrupted
					break
				}
				if err := each(stamp, i, v, f.scores[i][row]); err != nil {
					return err
				}
				row++
			}
		}
		return nil
	}
	at := make([]int, len(t.Series)) // rows so far of each series
	for row, stamp := range t.Stamps {
		first, last := 0, len(t.Series)
		if t.Of != nil {
			first = int(t.Of[row])
			last = first + 1
		}
		for i := first; i < last; i++ {
			v := t.Values[row]
			if t.Of == nil {
				v = t.Values[row*len(t.Series)+i]
			}
			if at[i] == len(f.scores[i]) { // interrupted
				continue
			}
			if err := each(stamp, i, v, f.scores[i][at[i]]); err != nil {
				return err
			}
			at[i]++
		}
	}
	return nil
}

// markdown is a short report.
func (r *report) markdown(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "# Anomalies\n\n%s. Verdict: **%s**.\n", r.summary(), r.verdict()); err != nil {
		return err
	}
	if text := r.events(); text != "" {
		if _, err := fmt.Fprintf(w, "\n%s.\n", text); err != nil {
			return err
		}
	}
	if len(r.anomalies) == 0 {
		return nil
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	return r.table().Markdown(w)
}

const most = 20 // anomalies on a screen

func (r *report) screen(s *render.Screen, all bool) error {
	s.Printf("%s", render.Wrap(r.summary(), s.Width, ""))
	table := r.table()
	n := len(table.Rows)
	if !all {
		table.Rows = table.Rows[:min(n, most)]
	}
	if n > 0 {
		s.Section("anomalies, worst first", table)
	}
	if more := n - len(table.Rows); more > 0 {
		s.Printf("and %d more: --verbose shows them, -o json has all\n", more)
	}
	if text := r.events(); text != "" {
		s.Printf("\n%s", render.Wrap(text, s.Width, ""))
	}
	verdict := r.verdict()
	switch verdict {
	case ok:
		verdict = s.Style.Green(verdict)
	default:
		verdict = s.Style.Yellow(verdict)
	}
	s.Printf("\n%s %s\n", s.Style.Bold("verdict:"), verdict)
	return s.Err
}

// events sums up gaps and restarts.
func (r *report) events() string {
	gaps, resets := 0, 0
	for e := range r.allEvents() {
		if e.Kind == detect.Gap {
			gaps++
		} else {
			resets++
		}
	}
	var parts []string
	if gaps > 0 {
		parts = append(parts, render.Plural(gaps, "gap"))
	}
	if resets > 0 {
		parts = append(parts, render.Plural(resets, "restart")+" of counters")
	}
	if len(parts) == 0 {
		return ""
	}
	return "also " + strings.Join(parts, " and ") + ", which are no anomalies: -o json has them"
}

func (r *report) allEvents() iter.Seq[detect.Event] {
	return func(yield func(detect.Event) bool) {
		for _, f := range r.files {
			for _, j := range f.results {
				for _, e := range j.Events {
					if !yield(e) {
						return
					}
				}
			}
		}
	}
}

func (r *report) table() *render.Table {
	t := &render.Table{Columns: render.Columns(">score", ">from", ">lasted", "series", ">value", "expected", "detectors")}
	for _, a := range r.anomalies {
		t.Add(fmt.Sprintf("%.3f", a.Score), render.Clock(time.UnixMilli(a.From)), lasted(a.Anomaly),
			r.name(a), value(a.Anomaly), expected(a.Anomaly), strings.Join(a.Names(), " "))
	}
	return t
}

// lasted is how long an anomaly lasted; of one row that is not known.
func lasted(a detect.Anomaly) string {
	if a.To <= a.From {
		return "1 row"
	}
	return render.Span(time.Duration(a.To-a.From) * time.Millisecond)
}

// value is that at the peak, with all its digits where fewer would not tell it from what
// was expected.
func value(a detect.Anomaly) string {
	text := render.Number(a.Value)
	if a.Value < a.Low && text == render.Number(a.Low) || a.Value > a.High && text == render.Number(a.High) {
		return strconv.FormatFloat(a.Value, 'g', -1, 64)
	}
	return text
}

func expected(a detect.Anomaly) string {
	if math.IsNaN(a.Low) || math.IsNaN(a.High) {
		return "-"
	}
	if a.Low == a.High {
		return render.Number(a.Low)
	}
	return render.Number(a.Low) + " to " + render.Number(a.High)
}
