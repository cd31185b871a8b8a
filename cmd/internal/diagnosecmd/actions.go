package diagnosecmd

import (
	"fmt"
	"slices"
	"strings"

	"llmops/analysis/diagnose"
	"llmops/cmd/internal/render"
	"llmops/rules/fault"
)

// actions are the first few with one command each, or with --verbose all of them. A
// command has a line of its own, which is never broken: it is there to be copied.
func (v *view) actions(d diagnose.Diagnosis) {
	if len(d.Actions) == 0 {
		return
	}
	v.Printf("\n%s\n", v.Style.Bold("do next, the safest first"))
	if d.Pattern == nil {
		for i, a := range d.Actions {
			v.line("%d. %s", i+1, a)
		}
		return
	}
	n := v.names[d.Where]
	var unset []fault.Blank
	for i, a := range d.Pattern.Actions[:min(len(d.Pattern.Actions), v.most(4))] {
		risk := ""
		if a.Risk != fault.Look {
			risk = fmt.Sprintf(" [%s]", a.Risk)
		}
		v.line("%d. %s%s", i+1, a.Do, risk)
		run := fitting(a.Run, n)
		for _, c := range run[:min(len(run), v.most(1))] {
			v.Printf("     %s: %s\n", c.On, v.Style.Cyan(oneLine(c.With(n))))
			for _, b := range c.Blanks(n) {
				if !slices.Contains(unset, b) {
					unset = append(unset, b)
				}
			}
		}
	}
	for _, b := range unset {
		v.line("set %s before: %s", b.Variable, b.About)
	}
}

// oneLine is text without what would break the line, or command the terminal: it comes from
// labels, of which one may say what looks like a verdict. Commands have them in quotes.
func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(render.Clean(text))
}
