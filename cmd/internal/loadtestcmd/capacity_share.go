package loadtestcmd

import (
	"fmt"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/analysis/stats"
	"llmops/probes/load/arrival"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// misses follow, objective by objective, which requests of a run missed it, in the
// order of the schedule: how far neighbours share their fate says what their share is
// worth. They take latencies, TTFT and errors; nil takes nothing.
type misses struct {
	objectives []slo.Objective
	of         []stats.Sequence
}

func newMisses(objectives []slo.Objective) *misses {
	return &misses{objectives, make([]stats.Sequence, len(objectives))}
}

func (m *misses) add(r *request.Record) {
	if m == nil || r.Error == request.Cancelled || r.ID < 0 {
		return
	}
	for i, o := range m.objectives {
		var value *float64
		missed := !r.OK
		switch o.Metric {
		case "latency_ms":
			value = r.LatencyMs
		case "ttft_ms":
			value = r.TTFTms
		case "error_rate", "success_rate":
			m.of[i].Add(uint64(r.ID), share(missed), 1)
			continue
		}
		if value == nil || missed && o.Errors != slo.ErrorsBad {
			continue
		}
		m.of[i].Add(uint64(r.ID), share(missed || o.Op.Upper() == (*value > o.Threshold.Float64())), 1)
	}
}

func share(missed bool) float64 {
	if missed {
		return 1
	}
	return 0
}

// effect is how many times larger the variance of the share of an objective's
// misses is than if requests did not resemble each other; 1 where it is not known.
func (m *misses) effect(objective int, confidence float64) float64 {
	if m == nil || objective < 0 {
		return 1
	}
	effect, _ := m.of[objective].DesignEffect(confidence)
	return max(effect, 1)
}

// nearest is the objective that margin speaks of; -1: none of those that were given.
func (s *search) nearest(sum loadreport.Summary) int {
	_, label, _ := s.margin(sum)
	for i, j := range sum.SLO {
		if j.Label() == label && !capacity.Floor(s.objectives[i]) {
			return i
		}
	}
	return -1
}

// share is how many requests missed that objective and how many may; zeros where
// it is not about a share of them.
func (s *search) share(sum loadreport.Summary) (missed, allowed float64) {
	i := s.nearest(sum)
	if i < 0 || sum.SLO[i].Bad == nil || sum.SLO[i].N == 0 || sum.SLO[i].SliceS > 0 {
		return 0, 0
	}
	o, j := s.objectives[i], sum.SLO[i]
	switch {
	case o.Statistic == slo.Quantile && o.Target.Given():
		allowed = 1 - o.Target.Float64()
	case o.Statistic == slo.Ratio && o.Op.Upper():
		allowed = o.Threshold.Float64()
	case o.Statistic == slo.Ratio:
		allowed = 1 - o.Threshold.Float64()
	}
	return float64(*j.Bad) / float64(j.N), allowed
}

// burst is the part of the warm-up in which a probe catches up with what is in
// flight at the limit.
const burst = 10

// fill makes a probe begin with as much in flight as there is where the objectives
// are at their limit. A warm-up that is counted in requests would end before that,
// and how many requests a session makes is not known.
func (s *search) fill(o *options) {
	extra := float64(capacity.Fill(s.objectives, o.rate, s.idle))
	at := o.warmup.duration / burst
	if !o.capacity.rates() || extra == 0 || at <= 0 || !o.people.turns.IsZero() {
		return
	}
	first := min(o.rate+extra/at.Seconds(), arrival.MaxRate)
	o.stages = arrival.Profile{{Length: at, From: first, To: first}, {From: o.rate, To: o.rate}}
	o.stagesText = fmt.Sprintf("%s:%.6g,%s:%g", at, first, (o.warmup.duration + o.duration - at).Round(time.Millisecond), o.rate)
}
