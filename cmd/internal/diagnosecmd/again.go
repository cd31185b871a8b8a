package diagnosecmd

import (
	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render/html"
)

// Sections are those of the page of a report that was read back from JSON: without
// charts and commands, which only the run itself knows. Each incident must have a diagnosis.
func Sections(r diagnose.Report) (list []html.Section) {
	s := shown{Report: r}
	for _, x := range r.Incidents {
		list = append(list, s.sections(x)...)
	}
	return list
}
