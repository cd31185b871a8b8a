package metricscmd

import (
	"fmt"
	"strings"

	"llmops/cmd/internal/render"
	"llmops/rules/catalog"
)

// Reference is the catalogue as a page of the documentation, in Markdown.
func Reference() (string, error) {
	c, err := catalog.Load()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("\n# The catalogue of metrics\n\n" +
		"Every metric name that the program knows (`llmops metrics list`). Ratios and utilizations run from 0 to 1. A metric that is absent was\n" +
		"not measured. `from` says where it comes from:\n\n")
	for _, s := range []string{catalog.Snapshot, catalog.LoadTest, catalog.Logs, catalog.Budget, catalog.BusinessIn, catalog.Derived, catalog.Given} {
		fmt.Fprintf(&b, "- `%s`: %s\n", s, sourceWords(s))
	}
	for i := 0; i < len(c.Metrics); {
		first := c.Metrics[i]
		t := &render.Table{Columns: render.Columns("name", "unit", "meaning", "含义", "from", "labels", "same as, or computed")}
		for ; i < len(c.Metrics) && c.Metrics[i].Category == first.Category && c.Metrics[i].Group == first.Group; i++ {
			m := c.Metrics[i]
			how := m.Expr
			if m.SameAs != "" {
				how = sameWords(m)
			}
			t.Add(m.Name, m.Unit, m.EN, m.ZH, strings.Join(m.Sources, ", "), strings.Join(m.Labels, ", "), how)
		}
		fmt.Fprintf(&b, "\n## %s: %s\n\n", first.Category, first.Group)
		if err := t.Markdown(&b); err != nil {
			return "", err
		}
	}
	b.WriteString("\n# What engines and exporters call them\n\n" +
		"The series of these systems stay queryable under their own names. How a name is known: `observed` in the system's output, `documented` in its\n" +
		"documentation or source, `recalled` (look before relying on it). A `_total` at the end of a counter may be missing.\n")
	for _, s := range c.Systems {
		t := &render.Table{Columns: render.Columns("name", "metric", "how", "known")}
		for _, m := range c.Metrics {
			for _, a := range m.Aliases {
				if a.System == s.ID {
					t.Add(a.Name, m.Name, aliasWords(a), a.Sure)
				}
			}
		}
		fmt.Fprintf(&b, "\n## %s\n\n", s.Title)
		if s.Doc != "" {
			fmt.Fprintf(&b, "<%s>\n\n", s.Doc)
		}
		if err := t.Markdown(&b); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
