package loadtestcmd

import (
	"errors"
	"io"
	"slices"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/cmd/internal/render/html"
)

// Shown is a load test that was measured before, for a command that shows it again.
type Shown struct {
	Summary    loadreport.Summary
	Load       string                    // in words
	Aggregator *loadreport.Aggregator    // with all records
	Server     []loadreport.ServerMoment // of the charts
	From       time.Time                 // when the measured part began
	First      string                    // what the first failed request said
	Exhausted  int64                     // requests for which the client had no file descriptor or port left
	// Interrupted tells that the run was broken off: what was measured until then
	// opens no gate.
	Interrupted bool
}

// ShownFormats are those of Print, the default first.
func ShownFormats() []string { return append(slices.Clone(render.Formats()), "html", "junit") }

// Print writes the report in one of ShownFormats.
func (s Shown) Print(app *cli.App, out *cli.Output) error {
	switch out.Format {
	case "html":
		return out.Write(app, s.page().write)
	case "junit":
		return out.Write(app, func(w io.Writer) error { return renderJUnit(w, s.Summary) })
	}
	return printTo(app, out, s.Load, s.Aggregator, s.Summary)
}

// Page is the report as HTML, for a report of several things.
func (s Shown) Page() html.Page { return s.page().doc() }

func (s Shown) page() page {
	return page{summary: s.Summary, load: s.Load, course: s.Aggregator.Course(), buckets: s.Aggregator.LatencyHistogram(pageRows), server: s.Server, from: s.From}
}

// Tell annotates the run of a workflow and warns of what stands beside the verdict.
func (s Shown) Tell(app *cli.App) {
	tellGitHub(app, s.Summary)
	for _, w := range s.Summary.Warnings {
		app.Warnf("%s", w)
	}
}

// Outcome is the error that carries the exit code: that of the load test itself, but
// where that was interrupted there is no verdict.
func (s Shown) Outcome() error {
	err := outcome(s.Summary, &firstFailure{s.First}, s.Exhausted)
	if s.Interrupted && s.Summary.Verdict == loadreport.Invalid { // more CPU would not have helped
		return cli.WithHint(cli.NoVerdict(err), "run it to its end")
	}
	if err == nil && s.Interrupted {
		return cli.WithHint(cli.NoVerdict(errors.New("the load test was interrupted: what it measured until then is no verdict")), "run it to its end")
	}
	return err
}
