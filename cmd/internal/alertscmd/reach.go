package alertscmd

import (
	"slices"
	"strings"

	"llmops/analysis/alerting"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// warnOfGate tells that --fail-on passes whatever fires, since no rule has a severity that
// is bad enough: a word of the house, such as P1, is none that is known.
func (r *report) warnOfGate(app *cli.App, least severity) {
	reaches := func(word string) bool { return severityOf(word) >= least || strings.Contains(word, "{{") } // a template may give any
	if least == none || slices.ContainsFunc(r.result.Alerts, func(a alerting.Alert) bool { return reaches(a.Severity) }) {
		return // a series may bring the label too
	}
	var words []string
	for _, o := range r.result.Rules {
		word := o.Labels["severity"]
		switch {
		case reaches(word), strings.Contains(o.Rule.Expr, "severity"): // what is recorded may bring it too
			return
		case o.Rule.Alert == "":
		case word != "":
			words = append(words, word)
		}
	}
	have := "none has the label severity"
	if len(words) > 0 {
		slices.Sort(words)
		have = "they have " + render.List(unique(words), 5)
	}
	app.Warnf("--fail-on %s cannot fail: no rule is of that severity or a worse one (%s)", least, have)
}
