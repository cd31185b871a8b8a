package loadtestcmd

import (
	"fmt"
	"io"
	"os"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
)

// tellGitHub annotates the run and adds to its summary when the command runs
// as a step of GitHub Actions. What goes wrong there is worth a warning only:
// the verdict stands.
func tellGitHub(app *cli.App, s loadreport.Summary) {
	if v, _ := app.Getenv("GITHUB_ACTIONS"); v != "true" {
		return
	}
	var list []render.Annotation
	for _, j := range s.SLO {
		switch j.Verdict {
		case loadreport.Fail:
			list = append(list, render.Annotation{Level: "error", Title: "objective not met: " + j.Label(), Message: j.Detail})
		case loadreport.Inconclusive:
			list = append(list, render.Annotation{Level: "warning", Title: "no verdict on " + j.Label(), Message: j.Detail})
		}
	}
	for _, r := range s.Client.Reasons {
		list = append(list, render.Annotation{Level: "warning", Title: "load test client: " + string(s.Client.Verdict), Message: r})
	}
	for _, w := range s.Warnings {
		list = append(list, render.Annotation{Level: "warning", Title: "load test", Message: w})
	}
	// Workflow commands are read from both streams; standard output is for data.
	if err := render.Annotations(app.Err, list); err != nil {
		return // nobody is left to tell
	}
	path, _ := app.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		err = stepSummary(f, s)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		app.Warnf("write the step summary: %v", err)
	}
}

func stepSummary(w io.Writer, s loadreport.Summary) error {
	if _, err := fmt.Fprintf(w, "### llmops loadtest: %s\n\n%s, %s, model %s: %s in %s\n\n", s.Verdict, s.Target.URL, s.Target.API, render.Clean(s.Target.Model),
		requestsLine(s.Requests), seconds(s.MeasuredS)); err != nil {
		return err
	}
	if s.Capacity != nil {
		if _, err := fmt.Fprintf(w, "%s\n\n", render.Clean(capacityLine(s))); err != nil {
			return err
		}
	}
	for _, t := range []*render.Table{capacityTable(s, render.Style{}), sloTable(s, render.Style{}), metricTable(s), urlTable(s), qualityTable(s), sampleTable(s), errorTable(s)} {
		if len(t.Rows) == 0 {
			continue
		}
		if err := t.Markdown(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}
