package snapshotcmd

import (
	"strings"

	"llmops/analysis/gate"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// Document is the JSON form: a snapshot and what came of the gates.
type Document = document

// Sections are the tables of a snapshot that was read back.
func Sections(d Document) (list []html.Section) {
	add := func(title string, t *render.Table) {
		if len(t.Rows) > 0 {
			list = append(list, html.Section{Title: title, Table: html.FromTable(t, kindOf)})
		}
	}
	add("Findings", findingTable(d.Findings))
	add("Gates", gateTable(d, render.Style{}))
	for _, s := range sections(d, render.Style{}) {
		add(heading(s.title), s.table)
	}
	add("Not read", problemTable(d.Errors))
	return list
}

func kindOf(verdict string) html.Kind {
	switch gate.Verdict(verdict) {
	case gate.Pass:
		return html.Pass
	case gate.Fail:
		return html.Fail
	}
	return html.Undecided
}

func heading(title string) string {
	if first, ok := strings.CutPrefix(title, "gpus"); ok {
		return "GPUs" + first
	}
	return strings.ToUpper(title[:1]) + title[1:]
}
