package rulescmd

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"llmops/analysis/alerting"
	"llmops/analysis/rulelint"
	"llmops/rules/alert"
)

// endless is the check of templates that have no end.
const endless = "endless-template"

// endlessTemplates lists the templates of labels and annotations that a replay cuts
// short.
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
						if r.Alert == "" {
							continue
						}
						why := alerting.Endless(ctx, part.texts[name])
						if ctx.Err() != nil {
							return nil, ctx.Err()
						}
						if why != nil {
							found = append(found, finding{r.Position.File, r.Position.Line, r.Position.Column, rulelint.Finding{
								Check: endless, Severity: rulelint.Error, Position: r.Position, Group: g.Name, Rule: r.Name(),
								Message: fmt.Sprintf("the template of %s %s has no end: %v", part.what, name, why),
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
