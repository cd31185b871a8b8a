package alertscmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"llmops/cmd/internal/render"
)

// junit has a case for each alerting rule: it fails if the rule fired at or above the
// severity of --fail-on, by default at all, and is an error where it could not be
// evaluated.
func (r *report) junit(w io.Writer, least severity) error {
	suite := render.Suite{Name: "llmops alerts"}
	for i, o := range r.result.Rules {
		if o.Rule.Alert == "" {
			continue
		}
		c := render.Case{Name: o.Rule.Alert, Class: "alerts." + o.Group}
		switch {
		case o.Failures > 0:
			c.Error = fmt.Sprintf("%d of %d evaluations failed: %s", o.Failures, o.Evaluations, o.FirstError.Message)
		case o.Fired > 0 && r.worst(i) >= least:
			c.Failure = r.firedText(i)
		case len(o.Missing) > 0:
			c.Output = "not measured: " + strings.Join(o.Missing, ", ")
		case o.Fired > 0:
			c.Output = r.firedText(i)
		}
		suite.Cases = append(suite.Cases, c)
	}
	return render.JUnit(w, suite)
}

// worst is the severity of the worst alert of a rule that fired. It is the alerts' own: a
// template or the series may give it.
func (r *report) worst(rule int) severity {
	worst := none
	for _, a := range r.result.Alerts {
		if a.Rule == rule && fired(a) {
			worst = max(worst, severityOf(a.Severity))
		}
	}
	return worst
}

// firedText says when a rule fired, and with what: the first few times of many.
func (r *report) firedText(rule int) string {
	const most = 20
	var lines []string
	n := 0
	for _, a := range r.result.Alerts {
		if a.Rule != rule || !fired(a) {
			continue
		}
		if n++; n > most {
			continue
		}
		line := fmt.Sprintf("%s fired at %s for %s", labelText(a.Labels, "severity"), clock(a.FiredAt), span(r.until(a)-a.FiredAt))
		if text := a.Annotations["summary"]; text != "" {
			line += ": " + text
		}
		lines = append(lines, oneLine(line))
	}
	if n > most {
		lines = append(lines, fmt.Sprintf("and %s", render.Plural(n-most, "more time")))
	}
	return strings.Join(lines, "\n")
}

// oneLine is text of anybody as a line of a file that others read.
func oneLine(text string) string {
	return render.Cut(strings.Join(strings.Fields(render.Clean(text)), " "), 500)
}

// annotations are for the run of a workflow: an error for each rule that fails the gate.
func (r *report) annotations(w io.Writer, least severity) error {
	var notes []render.Annotation
	for i, o := range r.result.Rules {
		if o.Fired == 0 {
			continue
		}
		s := r.worst(i)
		level := "notice"
		switch {
		case least != none && s >= least:
			level = "error"
		case s >= warning:
			level = "warning"
		}
		notes = append(notes, render.Annotation{Level: level, Title: o.Rule.Alert, Message: r.firedText(i)})
	}
	slices.SortStableFunc(notes, func(a, b render.Annotation) int { return strings.Compare(a.Level, b.Level) })
	return render.Annotations(w, notes)
}
