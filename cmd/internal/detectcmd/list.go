package detectcmd

import (
	"io"

	"llmops/analysis/detect"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// showList prints the detectors.
func (o *options) showList(app *cli.App) error {
	t := &render.Table{Columns: render.Columns("detector", "default", "what it sees", "formula", "source", "cost")}
	type entry struct {
		Name    string `json:"name"`
		Default bool   `json:"default"`
		About   string `json:"about"`
		Formula string `json:"formula"`
		Source  string `json:"source"`
		Cost    string `json:"cost"`
	}
	var doc []entry
	for _, k := range detect.Kinds() {
		mark := "-"
		if k.Default {
			mark = "yes"
		}
		t.Add(k.Name, mark, k.About, k.Formula, k.Source, k.Cost)
		doc = append(doc, entry{k.Name, k.Default, k.About, k.Formula, k.Source, k.Cost})
	}
	for _, r := range detect.Rules() {
		name := detect.RulesName + "/" + r.Name
		t.Add(name, "-", r.About, r.Expr, "fixed limits", "a query of PromQL")
		doc = append(doc, entry{name, false, r.About, r.Expr, "fixed limits", "a query of PromQL"})
	}
	return cli.Failed(o.output.Write(app, func(w io.Writer) error {
		return render.Write(w, o.output.Format, o.output.Width(app), doc, t)
	}))
}
