package loadtestcmd

import (
	"fmt"
	"io"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
)

// renderJUnit writes one test case an objective, and one for the run itself.
func renderJUnit(w io.Writer, s loadreport.Summary) error {
	suite := render.Suite{Name: "llmops loadtest " + s.Target.URL, At: s.StartedAt}
	run := render.Case{Name: "requests succeed", Class: "loadtest", Duration: time.Duration(s.DurationS * float64(time.Second)), Output: qualityText(s)}
	switch {
	case s.Client.Verdict == loadreport.ClientInvalid:
		run.Error = "the client is invalid: " + s.Client.Reasons[0]
	case s.Requests.Failed == 0 && s.Requests.Succeeded == 0:
		run.Error = "no request was measured"
	case s.Requests.Succeeded == 0:
		run.Failure = fmt.Sprintf("none of %d requests succeeded", s.Requests.Total)
	}
	suite.Cases = append(suite.Cases, run)
	if s.Capacity != nil {
		suite.Cases = append(suite.Cases, capacityCase(s))
	}
	for _, j := range s.SLO {
		c := render.Case{Name: j.Label(), Class: "loadtest.objective"}
		switch j.Verdict {
		case loadreport.Fail:
			c.Failure = j.Detail
		case loadreport.Pass:
			c.Output = j.Detail
		default: // a gate without a verdict must not look like one that holds
			c.Error = string(j.Verdict) + ": " + j.Detail
		}
		suite.Cases = append(suite.Cases, c)
	}
	return render.JUnit(w, suite)
}
