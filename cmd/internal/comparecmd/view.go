package comparecmd

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"llmops/analysis/compare"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// rows is how many metrics a terminal shows: a screen. Files and programs get all.
const rows = 24

func (o *options) print(app *cli.App, c compare.Comparison) error {
	return o.output.Write(app, func(w io.Writer) error {
		switch o.output.Format {
		case "html":
			return page(w, c, app.Build.Version)
		case "junit":
			return junit(w, c)
		case "github":
			return render.Annotations(w, annotations(c))
		case "table":
			return o.table(app, w, c)
		case "csv":
			return full(c).CSV(w)
		case "markdown":
			if _, err := fmt.Fprintf(w, "### llmops compare: %s\n\n%s\n\n", c.Verdict, subject(c)); err != nil {
				return err
			}
		}
		return render.Write(w, o.output.Format, 0, c, shown(c, render.Style{}, math.MaxInt))
	})
}

func (o *options) table(app *cli.App, w io.Writer, c compare.Comparison) error {
	most, style := math.MaxInt, o.output.Style(app)
	if !o.output.ToFile() {
		most = rows
	}
	if _, err := fmt.Fprintf(w, "%s\n\n", render.Cut(subject(c), o.output.Width(app))); err != nil {
		return err
	}
	t := shown(c, style, most)
	if len(t.Rows) > 0 {
		if err := t.Write(w, o.output.Width(app)); err != nil {
			return err
		}
		if n := len(c.Metrics) - len(t.Rows); c.Kind != compare.Snapshots && n > 0 {
			if _, err := fmt.Fprintf(w, "and %d more: --output FILE has all\n", n); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "verdict: %s%s\n", style.Verdict(string(c.Verdict)), why(c))
	return err
}

// why follows the verdict.
func why(c compare.Comparison) string {
	switch {
	case len(c.Invalid) > 0:
		return ", " + render.Clean(c.Invalid[0])
	case c.Kind == compare.Snapshots && len(c.Drift) == 0:
		return ", the configuration is the same"
	case c.Kind == compare.Snapshots:
		return ", " + render.Plural(len(c.Drift), "thing") + " changed"
	case c.Verdict == compare.Fail:
		return ", worse: " + render.List(c.Reasons, most)
	case c.Verdict == compare.Undetermined && len(c.Reasons) > 0:
		return ", not known of " + render.List(c.Reasons, most)
	case c.Verdict == compare.Pass:
		return ", nothing that is judged got worse"
	}
	return ""
}

// subject says what is compared with what.
func subject(c compare.Comparison) string {
	text := "baseline " + sideText(c.Baseline) + ", candidate " + sideText(c.Candidate)
	if c.Target != "" {
		text += "; both of " + c.Target
	}
	return render.Clean(text)
}

func sideText(names []string) string {
	if len(names) > 1 {
		return fmt.Sprintf("%d runs (%s)", len(names), render.List(names, 2))
	}
	return strings.Join(names, "")
}

// shown is what people read: the worst first.
func shown(c compare.Comparison, style render.Style, most int) *render.Table {
	if c.Kind == compare.Snapshots {
		t := &render.Table{Columns: render.Columns("CONFIGURATION", "BEFORE", "AFTER")}
		for _, d := range c.Drift {
			t.Add(render.Clean(d.Key), cmp.Or(render.Clean(d.Before), render.None), cmp.Or(render.Clean(d.After), render.None))
		}
		return t
	}
	t := &render.Table{Columns: render.Columns("METRIC", ">BASELINE", ">CANDIDATE", "UNIT", ">CHANGE", ">95% INTERVAL", ">P", "VERDICT", "")}
	for _, m := range worstFirst(c) {
		if len(t.Rows) == most {
			break
		}
		t.Add(render.Clean(m.Name), value(m, m.Baseline), value(m, m.Candidate), m.Unit, change(m, m.Change), interval(m), probability(m), styled(style, m), note(c.Kind, m))
	}
	return t
}

// worstFirst orders metrics of load tests: gates and what is judged before the rest, and
// in each what is worse first. Series are in order already.
func worstFirst(c compare.Comparison) []compare.Metric {
	if c.Kind == compare.Metrics {
		return c.Metrics
	}
	list := slices.Clone(c.Metrics)
	order := []string{string(compare.Fail), string(compare.Worse), string(compare.Undetermined), string(compare.Better), string(compare.Pass), string(compare.Same)}
	rank := func(m compare.Metric) int {
		at := slices.Index(order, verdict(m))
		if !m.Judged {
			at += len(order)
		}
		return at
	}
	slices.SortStableFunc(list, func(a, b compare.Metric) int { return rank(a) - rank(b) })
	return list
}

// verdict is that of the gate, if the metric has one.
func verdict(m compare.Metric) string { return string(cmp.Or(m.Gate, m.Verdict)) }

func styled(s render.Style, m compare.Metric) string {
	switch v := verdict(m); v {
	case "worse", "fail":
		return s.Red(v)
	case "better", "pass":
		return s.Green(v)
	case "undetermined", "changed":
		return s.Yellow(v)
	default:
		return v
	}
}

// note is what stands beside a verdict.
func note(kind compare.Kind, m compare.Metric) string {
	if m.Limit != nil {
		return "limit " + signed(m, *m.Limit)
	}
	if !m.Judged && kind == compare.LoadTests {
		return "not judged"
	}
	return ""
}

func value(m compare.Metric, v float64) string {
	if m.Absolute {
		return render.Percent(v)
	}
	return render.Number(v)
}

func change(m compare.Metric, v *float64) string {
	return render.Optional(v, func(v float64) string { return signed(m, v) })
}

func signed(m compare.Metric, v float64) string {
	text, sign := fmt.Sprintf("%.1f", 100*v), ""
	if a := math.Abs(100 * v); a >= 1000 {
		text = fmt.Sprintf("%.0f", 100*v)
	} else if m.Absolute && a < 1 {
		text = fmt.Sprintf("%.2f", 100*v)
	}
	if v > 0 {
		sign = "+"
	}
	if m.Absolute {
		return sign + text + " pp"
	}
	return sign + text + "%"
}

func interval(m compare.Metric) string {
	switch {
	case m.P == nil || m.Low == nil && m.High == nil:
		return render.None
	case m.High == nil && *m.Low < -0.9995:
		return "no bounds"
	case m.High == nil:
		return signed(m, *m.Low) + " or more"
	case m.Low == nil:
		return signed(m, *m.High) + " or less"
	}
	return signed(m, *m.Low) + " to " + signed(m, *m.High)
}

func probability(m compare.Metric) string {
	switch {
	case m.P == nil:
		return render.None
	case *m.P < 0.0001:
		return "<0.0001"
	case *m.P < 0.01:
		return fmt.Sprintf("%.4f", *m.P)
	}
	return fmt.Sprintf("%.2f", *m.P)
}

// full is for programs: all columns, all digits.
func full(c compare.Comparison) *render.Table {
	if c.Kind == compare.Snapshots {
		t := shown(c, render.Style{}, math.MaxInt)
		t.Columns = render.Columns("key", "before", "after")
		return t
	}
	t := &render.Table{Columns: render.Columns("name", "unit", "baseline", "candidate", "change", "low", "high", "p", "p_adjusted", "judged", "max_regression", "gate", "verdict")}
	for _, m := range c.Metrics {
		t.Add(m.Name, m.Unit, render.Full(&m.Baseline), render.Full(&m.Candidate), render.Full(m.Change), render.Full(m.Low), render.Full(m.High),
			render.Full(m.P), render.Full(m.Adjusted), fmt.Sprint(m.Judged), render.Full(m.Limit), string(m.Gate), string(m.Verdict))
	}
	return t
}
