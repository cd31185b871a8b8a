package rulescmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"llmops/analysis/rulelint"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/rulefiles"
	"llmops/rules/fault"
)

// write writes the report in the format that is asked for.
func (r *checkReport) write(w io.Writer, app *cli.App, o *checkOptions) error {
	switch o.out.Format {
	case "table":
		return r.page(&render.Screen{W: w, Style: o.out.Style(app), Width: o.out.Width(app)}, app.Verbose || o.failOn == string(rulelint.Info))
	case "junit":
		return r.junit(w)
	case "sarif":
		return render.SARIF(w, "llmops rules check", app.Build.Version, sarifRules(), r.located())
	case "github":
		return render.FileAnnotations(w, r.located())
	}
	return render.Write(w, o.out.Format, 0, r, r.table())
}

// page is for people: worst first is not what one reads a file by, so findings are in
// the order of lines, and remarks only where they are asked for.
func (r *checkReport) page(s *render.Screen, remarks bool) error {
	for _, f := range r.Findings {
		if f.Severity == rulelint.Info && !remarks {
			continue
		}
		s.Printf("%s", render.Wrap(fmt.Sprintf("%s: %s %s", s.Style.Bold(render.Clean(f.place())), paint(s.Style, f.Severity), render.Clean(f.Message)+" ["+f.Check+"]"), s.Width, ""))
		if f.Hint != "" {
			s.Printf("%s", render.Wrap(render.Clean(f.Hint), s.Width, "    "))
		}
	}
	if len(r.Findings) > 0 && (r.Counts.Error+r.Counts.Warning > 0 || remarks) {
		s.Printf("\n")
	}
	items := map[rulefiles.Kind]int{}
	for _, f := range r.Files {
		items[f.Kind] += f.Items
	}
	s.Printf("%s", plural(len(r.Files), "file"))
	for _, k := range []struct {
		kind rulefiles.Kind
		noun string
	}{{rulefiles.Rules, "rule"}, {rulefiles.Tests, "test"}, {rulefiles.Routes, "receiver"}, {rulefiles.SLO, "objective"}, {rulefiles.Faults, "fault"}, {rulefiles.FaultTests, "test of faults"}} {
		if n := items[k.kind]; n > 0 {
			s.Printf(", %s", plural(n, k.noun))
		}
	}
	s.Printf(": %s, %s, %s", plural(r.Counts.Error, "error"), plural(r.Counts.Warning, "warning"), plural(r.Counts.Info, "remark"))
	if r.Counts.Info > 0 && !remarks {
		s.Printf(" (-v shows them)")
	}
	verdict := s.Style.Green(r.Verdict)
	if r.Verdict != "pass" {
		verdict = s.Style.Red(r.Verdict)
	}
	s.Printf("\n%s %s\n", s.Style.Bold("verdict:"), verdict)
	return s.Err
}

func paint(s render.Style, v rulelint.Severity) string {
	switch v {
	case rulelint.Error:
		return s.Red("error:")
	case rulelint.Warning:
		return s.Yellow("warning:")
	}
	return s.Cyan("info:")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if what, of, ok := strings.Cut(noun, " "); ok {
		return strconv.Itoa(n) + " " + what + "s " + of
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func (r *checkReport) table() *render.Table {
	t := &render.Table{Columns: render.Columns("severity", "check", "file", ">line", ">column", "group", "rule", "message", "hint")}
	for _, f := range r.Findings {
		t.Add(string(f.Severity), f.Check, f.File, strconv.Itoa(f.Line), strconv.Itoa(f.Column), f.Group, f.Rule, render.Clean(f.Message), render.Clean(f.Hint))
	}
	return t
}

// junit has a suite for each file and a case for each check of it.
func (r *checkReport) junit(w io.Writer) error {
	var suites []render.Suite
	for _, file := range r.Files {
		suite := render.Suite{Name: file.File}
		reads := render.Case{Name: "it can be used", Class: "rules.check"}
		for _, f := range r.Findings {
			if f.File != file.File {
				continue
			}
			text := fmt.Sprintf("%s: %s", f.place(), f.Message)
			if f.Hint != "" {
				text += "\n" + f.Hint
			}
			switch {
			case f.Check == syntax && reads.Error == "":
				reads.Error = text
			case f.Check == syntax:
				reads.Error += "\n" + text
			default:
				c := render.Case{Name: fmt.Sprintf("%s %s:%d:%d", f.Check, f.Rule, f.Line, f.Column), Class: "rules.check." + f.Check}
				if r.fails(f) {
					c.Failure = text
				} else {
					c.Output = text
				}
				suite.Cases = append(suite.Cases, c)
			}
		}
		suite.Cases = append([]render.Case{reads}, suite.Cases...)
		suites = append(suites, suite)
	}
	return render.JUnit(w, suites...)
}

func sarifRules() []render.SARIFRule {
	rules := []render.SARIFRule{{ID: syntax, About: "a file that cannot be used"}, {ID: "test", About: "a doubt about a unit test"}, {ID: endless, About: "a template that has no end"}}
	for _, c := range fault.Checks() {
		rules = append(rules, render.SARIFRule{ID: c[0], About: c[1]})
	}
	for _, c := range rulelint.Checks() {
		rules = append(rules, render.SARIFRule{ID: c.ID, About: c.About})
	}
	return rules
}

func (r *checkReport) located() []render.Finding {
	var list []render.Finding
	for _, f := range r.Findings {
		level := string(f.Severity)
		if f.Severity == rulelint.Info {
			level = "note"
		}
		list = append(list, render.Finding{Check: f.Check, Level: level, File: f.File, Line: f.Line, Column: f.Column, Message: f.Message, Hint: f.Hint})
	}
	return list
}

// annotate tells GitHub Actions, when this is a step of it.
func (r *checkReport) annotate(app *cli.App, format string) {
	if v, _ := app.Getenv("GITHUB_ACTIONS"); v == "true" && format != "github" {
		_ = render.FileAnnotations(app.Err, r.located()) // nobody is left to tell
	}
}
