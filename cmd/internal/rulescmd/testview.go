package rulescmd

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"llmops/analysis/alerting/unittest"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

func (r *testReport) write(w io.Writer, app *cli.App, o *testOptions) error {
	switch o.out.Format {
	case "table":
		return r.page(&render.Screen{W: w, Style: o.out.Style(app), Width: o.out.Width(app)}, o.diff)
	case "junit":
		return r.junit(w)
	}
	return render.Write(w, o.out.Format, 0, r)
}

// page is for people: a line a test, and below it what failed.
func (r *testReport) page(s *render.Screen, diff bool) error {
	for _, f := range r.Files {
		s.Printf("%s\n", s.Style.Bold(render.Clean(f.File)))
		if len(f.Problems) > 0 {
			s.Printf("  %s\n", s.Style.Red("cannot be used"))
			for _, p := range f.Problems {
				s.Printf("%s", render.Wrap(render.Clean(p), s.Width, "    "))
			}
		}
		for _, t := range f.Tests {
			verdict, checks := s.Style.Green("pass"), plural(t.Checks, "check")
			if t.Verdict == "fail" {
				verdict, checks = s.Style.Red("FAIL"), fmt.Sprintf("%d of %s failed", t.Failed, plural(t.Checks, "check"))
			}
			s.Printf("  %s  %s (%s)\n", verdict, render.Clean(t.Name), checks)
			for _, x := range t.Failures {
				x.page(s, f.File, diff)
			}
		}
	}
	verdict := s.Style.Green(r.Verdict)
	if r.Verdict != "pass" {
		verdict = s.Style.Red(r.Verdict)
	}
	s.Printf("\n%s, %s, %d failed", plural(r.Tests, "test"), plural(r.Checks, "check"), r.Failed)
	if r.Skipped > 0 {
		s.Printf(", %d left out", r.Skipped)
	}
	s.Printf("\n%s %s\n", s.Style.Bold("verdict:"), verdict)
	return s.Err
}

// title says what failed, and where.
func (x testFailure) title(file string) string {
	place := fmt.Sprintf("%s:%d:%d: ", file, x.Line, x.Column)
	switch x.Kind {
	case unittest.Firing:
		return place + fmt.Sprintf("alert %s at %s: what fires differs from what is expected", x.AlertName, x.At)
	case unittest.Pending:
		return place + fmt.Sprintf("alert %s at %s: what is pending differs from what is expected", x.AlertName, x.At)
	case unittest.Receivers:
		return place + fmt.Sprintf("alert %s at %s: who was told differs from what is expected", x.AlertName, x.At)
	case diagnosis:
		return place + x.Message
	case unittest.Evaluation:
		return place + fmt.Sprintf("rule %s at %s: %s", x.Rule, x.At, x.Message)
	}
	text := place + fmt.Sprintf("expression %s at %s: ", strings.Join(strings.Fields(x.Expr), " "), x.At)
	if x.Message != "" {
		return text + x.Message
	}
	return text + "the result differs from what is expected"
}

func (x testFailure) page(s *render.Screen, file string, diff bool) {
	s.Printf("%s", render.Wrap(render.Clean(x.title(file)), s.Width, "        "))
	for _, line := range x.lines(diff) {
		text := "          " + render.Clean(line.text) + "\n"
		switch {
		case !diff:
		case line.sign == "-":
			text = s.Style.Red(strings.TrimSuffix(text, "\n")) + "\n"
		case line.sign == "+":
			text = s.Style.Green(strings.TrimSuffix(text, "\n")) + "\n"
		}
		s.Printf("%s", text)
	}
}

// A line of a failure; the sign tells what was expected (-) from what there is (+).
type failureLine struct{ sign, text string }

// lines are what differs: whole entries, or their fields.
func (x testFailure) lines(diff bool) (out []failureLine) {
	for _, d := range x.failure.Differences {
		switch {
		case diff && d.Expected != nil && d.Got != nil:
			out = append(out, failureLine{"", "  " + common(*d.Expected, *d.Got)})
			for _, f := range d.Fields {
				name := strings.TrimSpace(f.What + " " + f.Name)
				if f.Expected != nil {
					out = append(out, failureLine{"-", "- " + name + ": " + quoted(f.What, *f.Expected)})
				}
				if f.Got != nil {
					out = append(out, failureLine{"+", "+ " + name + ": " + quoted(f.What, *f.Got)})
				}
			}
		case diff && d.Expected != nil:
			out = append(out, failureLine{"-", "- " + d.Expected.String()})
		case diff:
			out = append(out, failureLine{"+", "+ " + d.Got.String()})
		default:
			if d.Expected != nil {
				out = append(out, failureLine{"-", "expected  " + d.Expected.String()})
			}
			if d.Got != nil {
				out = append(out, failureLine{"+", "got       " + d.Got.String()})
			}
			if d.Expected == nil {
				out[len(out)-1].text += "  (and none was expected)"
			} else if d.Got == nil {
				out[len(out)-1].text += "  (and there is none)"
			}
		}
	}
	return out
}

func quoted(what, text string) string {
	if what == "value" {
		return text
	}
	return strconv.Quote(text)
}

// common is what two entries have in common.
func common(a, b unittest.Entry) string {
	c := unittest.Entry{Labels: map[string]string{}, Annotations: map[string]string{}}
	for name, value := range a.Labels {
		if b.Labels[name] == value {
			c.Labels[name] = value
		}
	}
	for name, value := range a.Annotations {
		if b.Annotations[name] == value {
			c.Annotations[name] = value
		}
	}
	return c.String()
}

// junit has a suite for each file and a case for each test.
func (r *testReport) junit(w io.Writer) error {
	var suites []render.Suite
	for _, f := range r.Files {
		suite := render.Suite{Name: f.File}
		if len(f.Problems) > 0 {
			suite.Cases = append(suite.Cases, render.Case{Name: "it can be used", Class: "rules.test", Error: strings.Join(f.Problems, "\n")})
		}
		for _, t := range f.Tests {
			c := render.Case{Name: t.Name, Class: "rules.test"}
			var text []string
			for _, x := range t.Failures {
				text = append(text, x.title(f.File))
				for _, line := range x.lines(false) {
					text = append(text, "  "+line.text)
				}
			}
			c.Failure = strings.Join(text, "\n")
			suite.Cases = append(suite.Cases, c)
		}
		suites = append(suites, suite)
	}
	return render.JUnit(w, suites...)
}
