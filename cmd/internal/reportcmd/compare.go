package reportcmd

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"llmops/analysis/compare"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// readComparison reads what "llmops compare -o json" wrote.
func readComparison(d document) (part, error) {
	var c compare.Comparison
	if err := d.decode(d.text, 0, &c); err != nil {
		return part{}, err
	}
	p := part{
		source: d.name, schema: d.schema, what: "comparison", title: "Comparison", verdict: string(c.Verdict), document: raw(d.text),
		about: fmt.Sprintf("%s before, %s after", cmp.Or(render.List(c.Baseline, 3), "baseline"), cmp.Or(render.List(c.Candidate, 3), "candidate")),
	}
	for _, text := range append(c.Invalid, c.Warnings...) {
		p.lead = append(p.lead, render.Clean(text))
	}
	switch c.Verdict {
	case compare.Pass, compare.Same, compare.Better:
		p.state, p.why = passed, "nothing is worse"
		switch {
		case c.Kind == compare.Snapshots && len(c.Drift) == 0:
			p.why = "the configuration is the same"
		case c.Kind == compare.Snapshots: // no failure by itself, as for compare without --fail-on-drift
			p.why = "the configuration changed: " + render.Plural(len(c.Drift), "thing")
		}
	case compare.Changed:
		p.state, p.why = attention, render.Plural(len(c.Drift), "thing")+" changed"
	case compare.Fail, compare.Worse:
		p.state, p.why = failed, "the candidate is worse"
		if names := worse(c); names != "" {
			p.why = "worse: " + names
		}
		if c.Kind == compare.Snapshots {
			p.why = "the configuration changed: " + render.Plural(len(c.Drift), "thing")
		}
		p.err = cli.Gate(errors.New(p.why))
	case compare.Undetermined:
		p.state, p.why = undetermined, "it is not known how far what is judged varies"
		switch {
		case len(c.Invalid) > 0:
			p.why = render.Clean(strings.Join(c.Invalid, "; "))
		case len(c.Reasons) > 0:
			p.why = "no verdict on " + render.Clean(render.List(c.Reasons, 3))
		}
		p.err = cli.NoVerdict(errors.New(p.why))
	default:
		return p, d.unknown(string(c.Verdict))
	}
	t := &render.Table{Columns: render.Columns("VERDICT", "metric", ">baseline", ">candidate", ">change", "95 % interval", ">p", "detail")}
	for _, m := range c.Metrics {
		interval := render.None
		if m.Low != nil && m.High != nil {
			interval = change(m, m.Low) + " to " + change(m, m.High)
		}
		verdict, detail := gated(m)
		t.Add(verdict, m.Name, render.Number(m.Baseline), render.Number(m.Candidate), change(m, m.Change), interval, render.Optional(m.P, render.Number), detail)
	}
	p.table("Metrics", cut(t), t, func(v string) html.Kind {
		switch compare.Verdict(v) {
		case compare.Better, compare.Same, compare.Pass:
			return html.Pass
		case compare.Worse, compare.Fail:
			return html.Fail
		case compare.Undetermined:
			return html.Undecided
		}
		return ""
	})
	drift := &render.Table{Columns: render.Columns("what", "before", "after")}
	for _, x := range c.Drift {
		drift.Add(x.Key, cmp.Or(x.Before, render.None), cmp.Or(x.After, render.None))
	}
	p.table("What changed", cut(drift), drift, plain)
	return p, nil
}

// gated is the verdict of a metric, as "llmops compare" shows it: that of its gate, if it
// has one. The detail says the limit then, and what was found of the change itself.
func gated(m compare.Metric) (verdict, detail string) {
	if m.Limit == nil || m.Gate == "" {
		return string(m.Verdict), m.Detail
	}
	limit := fmt.Sprintf("%.4g%%", 100**m.Limit)
	if m.Absolute {
		limit = fmt.Sprintf("%.3g", *m.Limit)
	}
	detail = fmt.Sprintf("gate: at most %s worse; the change itself is %s", limit, m.Verdict)
	if m.Detail != "" {
		detail += "; " + m.Detail
	}
	return string(m.Gate), detail
}

func worse(c compare.Comparison) string {
	if len(c.Reasons) > 0 {
		return render.Clean(render.List(c.Reasons, 3))
	}
	var names []string
	for _, m := range c.Metrics {
		if m.Verdict == compare.Worse {
			names = append(names, m.Name)
		}
	}
	return render.Clean(render.List(names, 3))
}

// change is a share of the baseline, or the difference of a metric that is a share.
func change(m compare.Metric, v *float64) string {
	switch {
	case v == nil:
		return render.None
	case m.Absolute:
		return fmt.Sprintf("%+.3g", *v)
	}
	return fmt.Sprintf("%+.1f%%", 100**v)
}
