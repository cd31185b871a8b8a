package loadtestcmd

import (
	"fmt"
	"slices"
	"strings"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/render"
)

// hopeless tells that the objectives do not hold at any load.
func (s *search) hopeless() bool {
	if len(s.runs) == 0 {
		return s.light != nil && s.broken(s.light.summary)
	}
	return !slices.ContainsFunc(s.reports, func(r capacity.ProbeReport) bool {
		return r.Verdict == capacity.Pass || r.Verdict == capacity.Inconclusive && (r.Margin == nil || *r.Margin < 0)
	}) && slices.ContainsFunc(s.reports, func(r capacity.ProbeReport) bool { return r.Verdict == capacity.Fail })
}

// broken tells whether an objective that limits the load is shown to be broken.
func (s *search) broken(sum loadreport.Summary) bool {
	for i, j := range sum.SLO {
		if j.Verdict == loadreport.Fail && !capacity.Floor(s.objectives[i]) {
			return true
		}
	}
	return false
}

// judge turns a run into what the search goes by.
func (s *search) judge(m *measurement, value float64, diverged bool, completed float64) capacity.Probe {
	sum := m.summary
	ended := sum.Requests.Succeeded + sum.Requests.Failed
	p := capacity.Probe{Load: value, Verdict: capacity.Inconclusive, Weight: float64(ended), Diverged: diverged}
	r := capacity.ProbeReport{Requests: ended, MeasuredS: sum.MeasuredS, Diverged: diverged, Completed: sum.Throughput.RequestsPerSecond,
		LatencyMS: sum.Metrics.Latency.Distribution, TTFTMS: sum.Metrics.TTFT.Distribution}
	single := s.o.people.turns.IsZero() // else the load counts sessions, and these figures requests
	if s.o.capacity.rates() {
		r.Rate = &value
		if w := m.result.Window.Seconds(); w > 0 && single && sum.Requests.Total > 0 {
			p.Offered = float64(sum.Requests.Total) / w
			r.Offered = &p.Offered
		}
		if single {
			p.Completed = completed
		}
	} else {
		r.Concurrency = new(int(value))
	}
	margin, objective, observed := s.margin(sum)
	p.Share, p.Allowed = s.share(sum)
	if margin != nil {
		p.Margin = *margin
		if objective != "" {
			r.Margin, r.Objective, r.Observed = margin, objective, observed
		}
	}
	switch {
	case sum.Client.Verdict == loadreport.ClientInvalid:
		p.Verdict, r.Reason = capacity.Invalid, "the client is invalid: "+strings.Join(sum.Client.Reasons, "; ")
	case diverged:
		p.Verdict, r.Reason = capacity.Fail, fmt.Sprintf("requests piled up: %s a second were done", render.Number(completed))
	case sum.Requests.Succeeded == 0 && sum.Requests.Failed > 0:
		p.Verdict, r.Reason, p.Margin = capacity.Fail, "every request failed", 1
	case sum.Requests.Total == 0: // it says nothing, and more load will say more
		r.Reason, p.Margin = "it was too short for a request to come", -1
	case ended == 0:
		p.Verdict, r.Reason, p.Margin = capacity.Fail, "no request ended", 1
	case s.broken(sum):
		p.Verdict = capacity.Fail
	case margin != nil && *margin > 0 && objective == turnedAway:
		p.Verdict, r.Reason = capacity.Fail, "requests were turned away"
	case s.kept(sum):
		p.Verdict = capacity.Pass
	}
	r.Verdict = p.Verdict
	s.reports = append(s.reports, r)
	return p
}

// kept tells whether all objectives that limit the load are shown to hold.
func (s *search) kept(sum loadreport.Summary) bool {
	for i, j := range sum.SLO {
		if j.Verdict != loadreport.Pass && !capacity.Floor(s.objectives[i]) {
			return false
		}
	}
	return true
}

// turnedAway stands for an objective on errors where there is none.
var turnedAway = fmt.Sprintf("error_rate < %g%%, without an objective on it", 100*capacity.MostFailed)

// margin is that of the objective nearest to its limit, or farthest beyond; nil when
// none could be measured.
func (s *search) margin(sum loadreport.Summary) (worst *float64, objective string, observed *float64) {
	take := func(m float64, name string, value *float64) {
		if worst == nil || m > *worst {
			worst, objective, observed = &m, name, value
		}
	}
	for i, j := range sum.SLO {
		o := s.objectives[i]
		switch {
		case capacity.Floor(o):
		case j.Observed != nil && j.Threshold != nil:
			take(capacity.Of(o, *j.Observed, *j.Threshold), j.Label(), j.Observed)
		case j.Verdict == loadreport.Fail:
			take(1, j.Label(), nil)
		}
	}
	if n := sum.Requests.Succeeded + sum.Requests.Failed; n > 0 && sum.Requests.Failed > 0 && !slices.ContainsFunc(s.objectives, capacity.SpeaksOfErrors) {
		share := float64(sum.Requests.Failed) / float64(n)
		take(capacity.Margin(share, capacity.MostFailed, true, true), turnedAway, &share)
	} else if worst == nil && n > 0 { // nothing limits the load but what the service can do
		take(-1, "", nil)
	}
	return worst, objective, observed
}

// floors are the objectives that ask for much and are broken at the capacity.
func (s *search) floors() (names []string) {
	m, _ := s.shown()
	for i, j := range m.summary.SLO {
		if capacity.Floor(s.objectives[i]) && j.Verdict == loadreport.Fail {
			names = append(names, j.Label())
		}
	}
	return names
}
