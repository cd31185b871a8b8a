package loadtestcmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/probes/load"
	"llmops/probes/load/api"
	"llmops/probes/load/check"
	"llmops/probes/load/prompt"
)

// checksOf gives the checks of the prompts, nil when there are none. They need
// an interface with text in its replies.
func (o *options) checksOf(prompts prompt.Source) (func(int64) check.Set, error) {
	d, ok := prompts.(*prompt.Dataset)
	if !ok || d.Checked() == 0 {
		return nil, nil
	}
	if kind, ok := api.Lookup(o.api); ok && !kind.Streams() {
		return nil, cli.WithHint(cli.Usagef("%s has checks, but replies of --api %s carry no text", o.dataset, o.api),
			"leave the checks out, or choose an interface that answers in words")
	}
	return d.Checks, nil
}

// checked turns what the checks of a reply found into what the report counts.
func checked(g load.Graded) loadreport.Checked {
	c := loadreport.Checked{ID: g.ID, NotChecked: string(g.NotChecked), Answer: g.Answer}
	for _, r := range g.Results {
		c.Checks = append(c.Checks, loadreport.CheckResult{Name: r.Name, Text: r.Text, Why: r.Why, Passed: r.Passed})
	}
	return c
}

// qualityLine is the score in one line, "" without one.
func qualityLine(s loadreport.Summary) string {
	q := s.Quality
	if q == nil {
		return ""
	}
	text := "no quality score: no reply was checked"
	if q.Score != nil {
		text = fmt.Sprintf("quality %s (mean, from 0 to 1) over %d checked replies; %d of them passed every check", number(*q.Score), q.Count, q.Full)
	}
	for _, why := range slices.Sorted(maps.Keys(q.NotChecked)) {
		text += fmt.Sprintf("; %d not checked (%s)", q.NotChecked[why], why)
	}
	return text
}

// qualityTable has a row for each sort of check, worst first.
func qualityTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns("CHECK", ">PASSED", ">FAILED", ">CHECKED")}
	if s.Quality == nil {
		return t
	}
	for _, c := range s.Quality.ByCheck {
		t.Add(render.Clean(c.Check), fmt.Sprintf("%.2f%%", 100*c.Score), strconv.FormatUint(c.Failed, 10), strconv.FormatUint(c.Checked, 10))
	}
	return t
}

// sampleTable shows some of the checks that failed.
func sampleTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns(">REQUEST", "FAILED CHECK", "WHY", "ANSWER")}
	if s.Quality == nil {
		return t
	}
	for _, f := range s.Quality.Samples {
		t.Add(strconv.FormatInt(f.ID, 10), render.Clean(f.Check), render.Clean(f.Detail), render.Clean(f.Answer))
	}
	return t
}

// qualityText is the score with the checks that failed, for a report without tables.
func qualityText(s loadreport.Summary) string {
	text := qualityLine(s)
	if text == "" {
		return ""
	}
	for _, c := range s.Quality.ByCheck {
		if c.Failed > 0 {
			text += fmt.Sprintf("\n%s: %d of %d failed", c.Check, c.Failed, c.Checked)
		}
	}
	return strings.Join(append([]string{text}, samples(s)...), "\n")
}

// samples are some of the checks that failed, one a line.
func samples(s loadreport.Summary) (lines []string) {
	if s.Quality == nil {
		return nil
	}
	for _, f := range s.Quality.Samples {
		text := fmt.Sprintf("request %d: %s", f.ID, f.Check)
		if f.Detail != "" {
			text += " (" + f.Detail + ")"
		}
		lines = append(lines, text+": "+strconv.Quote(f.Answer))
	}
	return lines
}
