package capacity

import (
	"cmp"

	"llmops/analysis/stats"
)

// Report is what a search found, as the JSON of a load test has it. Loads are
// requests a second, or with Concurrency requests in flight. Absent means not
// found, or not measured.
type Report struct {
	RequestsPerSecond *float64 `json:"requests_per_second,omitempty"`
	Concurrency       *float64 `json:"concurrency,omitempty"`
	// SessionsPerSecond stands in place of RequestsPerSecond where what arrives are
	// conversations.
	SessionsPerSecond *float64 `json:"sessions_per_second,omitempty"`
	// Low is the greatest load that is shown to keep the objectives, High the
	// least that is shown to break them.
	Low        *float64 `json:"low,omitempty"`
	High       *float64 `json:"high,omitempty"`
	Confidence float64  `json:"confidence"` // of Low and High
	Tolerance  float64  `json:"tolerance"`  // that was asked for, relative
	// AtLeast tells that the search ended below the limit of the service: at the
	// greatest load that was allowed, or that the client could make.
	AtLeast   bool   `json:"at_least,omitempty"`
	LimitedBy string `json:"limited_by,omitempty"` // the objective that breaks first
	Ended     Ended  `json:"ended"`
	// Seed is that of the search, which makes those of its probes.
	Seed uint64 `json:"seed"`

	Unloaded *Unloaded     `json:"unloaded,omitempty"` // rates: one request at a time, before the first probe
	Probes   []ProbeReport `json:"probes"`             // in the order of time
}

// Unloaded is the service with one request at a time.
type Unloaded struct {
	Requests  int64              `json:"requests"`
	LatencyMS stats.Distribution `json:"latency_ms"`
}

// ProbeReport is one probe.
type ProbeReport struct {
	Rate        *float64 `json:"rate,omitempty"`
	Concurrency *int     `json:"concurrency,omitempty"`
	Verdict     Verdict  `json:"verdict"`

	Offered   *float64 `json:"offered_rate,omitempty"` // what random arrivals made of it
	Completed *float64 `json:"requests_per_second,omitempty"`
	Requests  int64    `json:"requests"`
	MeasuredS *float64 `json:"measured_s,omitempty"`
	Diverged  bool     `json:"diverged,omitempty"` // requests piled up, and it was broken off
	// Margin is how far the objective nearest to breaking was from its limit:
	// 1 - limit/observed, below 0 while it holds.
	Margin    *float64           `json:"margin,omitempty"`
	Objective string             `json:"objective,omitempty"` // that one
	Observed  *float64           `json:"observed,omitempty"`
	LatencyMS stats.Distribution `json:"latency_ms"`
	TTFTMS    stats.Distribution `json:"ttft_ms"`
	Reason    string             `json:"reason,omitempty"` // of a verdict that no objective gives
}

// Report puts an estimate and its probes together; probes are as they were added.
func (s *Search) Report(unloaded *Unloaded, probes []ProbeReport) Report {
	e := s.Estimate()
	r := Report{Low: e.Low, High: e.High, Confidence: s.cfg.Confidence, Tolerance: s.cfg.Tolerance,
		Ended: e.Ended, Unloaded: unloaded, Probes: probes}
	if s.cfg.Whole {
		r.Concurrency = e.Load
	} else {
		r.RequestsPerSecond = e.Load
	}
	if probes == nil {
		r.Probes = []ProbeReport{}
	}
	r.AtLeast = e.Load != nil && e.High == nil && (e.Ended == AtMax || e.Ended == ByClient)
	if i, ok := s.breaking(); ok && i < len(probes) {
		r.LimitedBy = probes[i].Objective
	}
	return r
}

// Load is the figure, of whatever kind.
func (r Report) Load() *float64 {
	return cmp.Or(r.Concurrency, r.SessionsPerSecond, r.RequestsPerSecond)
}

// breaking is the probe with the least load among those over the limit.
func (s *Search) breaking() (best int, ok bool) {
	for i, p := range s.probes {
		if p.Verdict == Invalid || p.point().y < 0 {
			continue
		}
		if !ok || p.Load < s.probes[best].Load {
			best, ok = i, true
		}
	}
	return best, ok
}

// Best is the probe that shows the figure best: of those that kept the
// objectives at it or below the one with the greatest load, one that passed before
// one that could not be decided; else the least that broke them. False without
// any valid probe.
func (s *Search) Best() (int, bool) {
	e := s.Estimate()
	best, found := 0, false
	rank := func(p Probe) int {
		switch {
		case p.point().y >= 0 || p.Diverged:
			return 0
		case p.Verdict == Pass:
			return 2
		}
		return 1
	}
	for i, p := range s.probes {
		if p.Verdict == Invalid || rank(p) > 0 && e.Load != nil && p.Load > *e.Load {
			continue
		}
		b := s.probes[best]
		switch {
		case !found, rank(p) > rank(b):
		case rank(p) < rank(b):
			continue
		case (rank(p) == 0) == (p.Load > b.Load):
			continue
		}
		best, found = i, true
	}
	return best, found
}
