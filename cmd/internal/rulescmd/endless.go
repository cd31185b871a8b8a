package rulescmd

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"llmops/analysis/alerting"
	"llmops/analysis/rulelint"
	"llmops/analysis/series"
	"llmops/rules/alert"
)

// endless is the check of templates that have no end.
const endless = "endless-template"

// repeats are the words of templates that can go on for as long as they like. To fill one
// in takes a tenth of a millisecond, too long for each of a large file.
var repeats = regexp.MustCompile(`(?s)\{\{.*(range|template|block|printf)`)

// endlessTemplates fills in the templates of labels and annotations as for an alert
// without labels at the value 1, and says which of them a replay cuts short: a server
// that evaluates such a rule hangs, or runs out of memory.
func endlessTemplates(ctx context.Context, files []alert.File) ([]finding, error) {
	var found []finding
	for _, f := range files {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				for _, part := range []struct {
					what  string
					texts map[string]string
				}{{"label", g.Labels}, {"label", r.Labels}, {"annotation", r.Annotations}} {
					for _, name := range slices.Sorted(maps.Keys(part.texts)) {
						if r.Alert == "" || !repeats.MatchString(part.texts[name]) {
							continue
						}
						why, err := filled(ctx, part.texts[name])
						if err != nil {
							return nil, err
						}
						if _, why, cut := strings.Cut(why, "it takes more than "); cut {
							found = append(found, finding{r.Position.File, r.Position.Line, r.Position.Column, rulelint.Finding{
								Check: endless, Severity: rulelint.Error, Position: r.Position, Group: g.Name, Rule: r.Name(),
								Message: fmt.Sprintf("the template of %s %s has no end: it takes more than %s", part.what, name, strings.TrimSuffix(why, ">")),
								Hint:    "a server that fills it in hangs or runs out of memory: give its range, or what calls itself, an end",
							}})
						}
					}
				}
			}
		}
	}
	return found, nil
}

// filled is what a template gives.
func filled(ctx context.Context, text string) (string, error) {
	const name = "text"
	at := time.Unix(0, 0)
	rule := alert.Rule{Alert: "A", Expr: "vector(1)", Annotations: map[string]string{name: text}}
	result, err := alerting.Replay(ctx, new(series.Recorder).Store(), []alert.Group{{Name: "g", Rules: []alert.Rule{rule}}}, alerting.Options{Start: at, End: at})
	if err != nil || len(result.Alerts) == 0 {
		return "", err
	}
	return result.Alerts[0].Annotations[name], nil
}
