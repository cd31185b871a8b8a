package reportcmd

import (
	"errors"
	"fmt"
	"strconv"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// ruleCheckDoc is what is read of "llmops rules check -o json".
type ruleCheckDoc struct {
	Files []struct {
		File string `json:"file"`
	} `json:"files"`
	Findings []struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Severity string `json:"severity"`
		Check    string `json:"check"`
		Rule     string `json:"rule"`
		Message  string `json:"message"`
		Hint     string `json:"hint"`
	} `json:"findings"`
	Counts struct {
		Error   int `json:"error"`
		Warning int `json:"warning"`
		Info    int `json:"info"`
	} `json:"counts"`
	Verdict string `json:"verdict"`
}

// readRuleCheck reads what "llmops rules check -o json" wrote.
func readRuleCheck(d document) (part, error) {
	var r ruleCheckDoc
	if err := d.decode(d.text, 0, &r); err != nil {
		return part{}, err
	}
	p := part{source: d.name, schema: d.schema, what: "check of rules", title: "Check of rules", verdict: r.Verdict, document: raw(d.text), about: render.Plural(len(r.Files), "file")}
	p.why = fmt.Sprintf("%s, %s", render.Plural(r.Counts.Error, "error"), render.Plural(r.Counts.Warning, "warning"))
	switch r.Verdict {
	case "pass":
		p.state = passed
	case "fail", "broken":
		p.state = failed
		p.err = cli.Gate(errors.New(p.why))
	default:
		return p, d.unknown(r.Verdict)
	}
	t := &render.Table{Columns: render.Columns("severity", "where", "rule", "check", "why", "what to do")}
	for _, f := range r.Findings {
		where := f.File
		if f.Line > 0 {
			where += ":" + strconv.Itoa(f.Line)
		}
		t.Add(f.Severity, where, f.Rule, f.Check, f.Message, f.Hint)
	}
	p.table("Findings", cut(t), t, plain)
	return p, nil
}
