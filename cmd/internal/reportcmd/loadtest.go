package reportcmd

import (
	"fmt"
	"strings"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/render"
)

// readSummary reads a summary.json that stands alone: all figures, no charts.
func readSummary(d document) (part, error) {
	var s loadreport.Summary
	if err := d.decode(d.text, 0, &s); err != nil {
		return part{}, err
	}
	switch s.Verdict {
	case loadreport.Pass, loadreport.Fail, loadreport.Inconclusive, loadreport.Invalid:
	default:
		return part{}, d.unknown(string(s.Verdict))
	}
	return partOf(d.name, loadtestcmd.Shown{Summary: s, Load: s.Load.Mode + " loop", Aggregator: loadreport.New(loadreport.Config{})}), nil
}

// partOf is a load test among other sources.
func partOf(source string, shown loadtestcmd.Shown) part {
	s := shown.Summary
	page := shown.Page()
	p := part{
		source: source, schema: loadreport.Schema, what: "load test", title: "Load test of " + page.Title, about: page.Subtitle, verdict: page.Verdict,
		lead: page.Lead, sections: page.Sections, document: s, err: shown.Outcome(),
	}
	switch s.Verdict {
	case loadreport.Pass:
		p.state, p.why = passed, render.Plural(int(s.Requests.Total), "request")
		if n := len(s.SLO); n > 0 {
			p.why += ", " + render.Plural(n, "objective") + " met"
		}
	case loadreport.Fail:
		p.state = failed
	default:
		p.state = undetermined
	}
	if p.err != nil {
		p.why = broken(s)
		if p.why == "" {
			p.why = p.err.Error()
		}
		if p.state == passed { // broken off
			p.state = undetermined
		}
	}
	if !s.StartedAt.IsZero() {
		e := event{From: s.StartedAt, To: s.StartedAt.Add(time.Duration(s.DurationS * float64(time.Second))), Lane: "load test of " + s.Target.URL}
		if e.To.Before(e.From) {
			e.To = e.From
		}
		e.Kind = p.state.kind()
		p.events = append(p.events, e)
	}
	return p
}

// broken names the objectives that do not hold, with what was seen instead.
func broken(s loadreport.Summary) string {
	var list []string
	for _, j := range s.SLO {
		if j.Verdict == loadreport.Fail && s.Verdict == loadreport.Fail {
			text := j.Label()
			if j.Observed != nil {
				text += " (it is " + render.Number(*j.Observed) + ")"
			}
			list = append(list, text)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return render.Clean(fmt.Sprintf("objective not met: %s", strings.Join(list, ", ")))
}
