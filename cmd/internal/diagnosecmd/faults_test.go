package diagnosecmd

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/render"
	"llmops/rules/defaults"
	"llmops/rules/fault"
)

var update = flag.Bool("update", false, "write docs/faults.md anew")

// docs/faults.md is the catalogue for people.
func TestFaultsPage(t *testing.T) {
	c, err := fault.Load(defaults.Faults, "faults")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("<!-- generated: change rules/defaults/faults, then run \"go test ./cmd/internal/diagnosecmd -update\" -->\n")
	p("# The catalogue of faults\n\nWhat `llmops diagnose` looks for, in its order (`llmops diagnose --explain FAULT` prints an entry). A test begins at its first")
	p("number and is full at its second; \"rises\" and \"falls\" are ratios to the normal period, \"gains\" and \"loses\" differences, and all four need")
	p("a change of three to six standard deviations. What is required must be seen; the weight of what speaks against counts against.")
	p("\"stays\" is the ratio to the normal period or its inverse, whichever is larger. A fault is an answer from the score that is named with it on,")
	p("which is that before calibration ([diagnose.md](diagnose.md#confidence)).")
	for _, f := range c.Faults {
		cause := f.Cause
		if f.CauseZh != "" {
			cause += " (" + f.CauseZh + ")"
		}
		p("\n## %s\n\n%s (%s), severity %s, of a %s: %s. An answer from a score of %g on.\n", f.ID, f.En, f.Zh, f.Severity, f.Scope, cause, f.Least())
		table := &render.Table{Columns: render.Columns("", "symptom", "measured as", "test", "weight")}
		for _, s := range f.Symptoms {
			word := "for"
			if s.Required {
				word = "required"
			}
			table.Add(word, s.Name, "`"+s.Expr+"`", s.Test.String(), render.Short(s.Weight))
		}
		for _, s := range f.Against {
			table.Add("against", s.Name, "`"+s.Expr+"`", s.Test.String(), render.Short(s.Weight))
		}
		if err := table.Markdown(&b); err != nil {
			t.Fatal(err)
		}
		if len(f.Explains) > 0 {
			p("\nIts effects may look like %s.", strings.Join(f.Explains, ", "))
		}
		p("")
		for _, a := range f.Actions {
			line := fmt.Sprintf("- %s (%s)", a.Do, a.Risk)
			for _, run := range a.Run {
				line += fmt.Sprintf("; %s: `%s`", run.On, run.Line)
			}
			p("%s", line)
		}
		for _, x := range f.Prevent {
			p("- so that it does not happen again: %s", x)
		}
	}
	p("\n## Signals\n\nWhat symptoms are measured with, whoever exports it. `$window` is two minutes, or four scrapes where these are further apart.\n")
	table := &render.Table{Columns: render.Columns("signal", "unit", "meaning", "含义", "made of", "to collect")}
	for _, s := range c.Signals {
		table.Add(s.Name, s.Unit, s.En, s.Zh, "`"+strings.Join(s.From, "` or `")+"`", s.Collect)
	}
	if err := table.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	const file = "../../../docs/faults.md"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), b.String()); diff != "" {
		t.Errorf("run with -update: %s", diff)
	}
}
