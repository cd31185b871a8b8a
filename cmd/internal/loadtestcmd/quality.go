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
		text = fmt.Sprintf("quality %s (mean, from 0 to 1) over %d checked replies; %d of them passed every check", render.Number(*q.Score), q.Count, q.Full)
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
		t.Add(render.Clean(c.Check), render.Percent(c.Score), strconv.FormatUint(c.Failed, 10), strconv.FormatUint(c.Checked, 10))
	}
	return t
}

// sampleTable shows some of the checks that failed, and how the answers begin.
func sampleTable(s loadreport.Summary) *render.Table {
	t := &render.Table{Columns: render.Columns(">REQUEST", "FAILED CHECK", "ANSWER")}
	if s.Quality == nil {
		return t
	}
	for _, f := range s.Quality.Samples {
		t.Add(strconv.FormatInt(f.ID, 10), render.Clean(failedCheck(f)), render.Clean(head(f.Answer)))
	}
	return t
}

func failedCheck(f loadreport.FailedSample) string {
	if f.Detail == "" {
		return f.Check
	}
	return f.Check + ": " + f.Detail
}

// headSize is how much of an answer is shown; summary.json has more.
const headSize = 100

func head(answer string) string {
	if runes := []rune(answer); len(runes) > headSize {
		return strings.TrimSuffix(string(runes[:headSize]), "…") + "…"
	}
	return answer
}

// sampleLines are samples for a terminal: of the worst checks, one each.
func sampleLines(s loadreport.Summary) (lines []string) {
	const most = 3
	seen := map[string]bool{}
	if s.Quality == nil {
		return nil
	}
	for _, f := range s.Quality.Samples {
		if !seen[f.Check] && len(lines) < most {
			seen[f.Check] = true
			lines = append(lines, fmt.Sprintf("request %d: %s: %s", f.ID, failedCheck(f), strconv.Quote(head(f.Answer))))
		}
	}
	return lines
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
	for _, f := range s.Quality.Samples {
		text += fmt.Sprintf("\nrequest %d: %s: %s", f.ID, failedCheck(f), strconv.Quote(f.Answer))
	}
	return text
}
