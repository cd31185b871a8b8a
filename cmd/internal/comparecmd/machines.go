package comparecmd

import (
	"fmt"
	"io"
	"os"
	"strings"

	"llmops/analysis/compare"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// sentence is a metric in words.
func sentence(m compare.Metric) string {
	text := fmt.Sprintf("%s: %s before, %s after, %s (95%% interval %s, p %s): %s", m.Name, value(m, m.Baseline), value(m, m.Candidate), change(m, m.Change), interval(m), probability(m), verdict(m))
	if m.Limit != nil {
		text += ", " + note(compare.LoadTests, m)
	}
	if m.Detail != "" {
		text += "; " + m.Detail
	}
	return render.Clean(text)
}

// junit has a case for each metric that is judged, or for the configuration.
func junit(w io.Writer, c compare.Comparison) error {
	suite := render.Suite{Name: "llmops compare " + subject(c)}
	whole := render.Case{Name: "comparison", Class: "compare", Output: string(c.Verdict) + why(c)}
	switch {
	case len(c.Invalid) > 0:
		whole.Error = render.Clean(strings.Join(c.Invalid, "; "))
	case c.Verdict == compare.Fail:
		whole.Failure = "fail" + why(c)
	case c.Verdict == compare.Undetermined:
		whole.Error = "undetermined" + why(c)
	}
	suite.Cases = append(suite.Cases, whole)
	for _, m := range c.Metrics {
		if !m.Judged {
			continue
		}
		x := render.Case{Name: render.Clean(m.Name), Class: "compare.metric", Output: sentence(m)}
		switch verdict(m) {
		case "worse", "fail":
			x.Failure = sentence(m)
		case "undetermined":
			if m.Limit != nil { // a gate without a verdict must not look like one that holds
				x.Error = sentence(m)
			}
		}
		suite.Cases = append(suite.Cases, x)
	}
	for _, d := range c.Drift {
		x := render.Case{Name: render.Clean(d.Key), Class: "compare.configuration", Output: drift(d)}
		if c.Verdict == compare.Fail {
			x.Failure = drift(d)
		}
		suite.Cases = append(suite.Cases, x)
	}
	return render.JUnit(w, suite)
}

func drift(d compare.Drift) string {
	return render.Clean(fmt.Sprintf("%s: %q before, %q after", d.Key, d.Before, d.After))
}

// annotations are workflow commands of GitHub.
func annotations(c compare.Comparison) (list []render.Annotation) {
	for _, reason := range c.Invalid {
		list = append(list, render.Annotation{Level: "error", Title: "no verdict", Message: render.Clean(reason)})
	}
	for _, m := range worstFirst(c) {
		switch v := verdict(m); {
		case m.Judged && (v == "worse" || v == "fail"):
			list = append(list, render.Annotation{Level: "error", Title: "worse: " + render.Clean(m.Name), Message: sentence(m)})
		case m.Limit != nil && v == "undetermined":
			list = append(list, render.Annotation{Level: "warning", Title: "no verdict on " + render.Clean(m.Name), Message: sentence(m)})
		case v == "better" || v == "changed":
			list = append(list, render.Annotation{Level: "notice", Title: v + ": " + render.Clean(m.Name), Message: sentence(m)})
		}
	}
	for _, d := range c.Drift {
		level := "notice"
		if c.Verdict == compare.Fail {
			level = "error"
		}
		list = append(list, render.Annotation{Level: level, Title: "changed: " + render.Clean(d.Key), Message: drift(d)})
	}
	for _, w := range c.Warnings {
		list = append(list, render.Annotation{Level: "warning", Title: "compare", Message: render.Clean(w)})
	}
	return list
}

// tellGitHub annotates the run and adds to its summary when the command runs as a step
// of GitHub Actions. What goes wrong there is worth a warning only: the verdict stands.
func (o *options) tellGitHub(app *cli.App, c compare.Comparison) {
	if v, _ := app.Getenv("GITHUB_ACTIONS"); v != "true" {
		return
	}
	if o.output.Format != "github" {
		if err := render.Annotations(app.Err, annotations(c)); err != nil {
			return // nobody is left to tell
		}
	}
	path, _ := app.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, "### llmops compare: %s\n\n%s\n\n", c.Verdict, subject(c))
		if err == nil {
			err = shown(c, render.Style{}, rows).Markdown(f)
		}
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		app.Warnf("write the step summary: %v", err)
	}
}
