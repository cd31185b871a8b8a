package loadtestcmd

import (
	"cmp"
	"fmt"
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/loadreport"
	"llmops/analysis/stats"
	"llmops/probes/load/arrival"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// misses follow, objective by objective, what of a run missed it or makes its mean, in
// the order of the schedule: how far neighbours share their fate says what a share is
// worth. They take latency, TTFT, TPOT, gaps and errors; nil takes nothing.
type misses struct {
	objectives []slo.Objective
	of         []stats.Sequence
	base       time.Time // when the first request began that was taken
}

func newMisses(objectives []slo.Objective) *misses {
	return &misses{objectives: objectives, of: make([]stats.Sequence, len(objectives))}
}

func (m *misses) add(r *request.Record) {
	if m == nil || r.Error == request.Cancelled || r.ID < 0 {
		return
	}
	if m.base.IsZero() {
		m.base = r.ScheduledAt
	}
	// The numbers of a session's turns follow each other, and in time those of others
	// come in between.
	at := uint64(r.ID)
	if r.Session != "" {
		at = uint64(max(r.ScheduledAt.Sub(m.base).Microseconds(), 0))
	}
	for i, o := range m.objectives {
		if y, x := brings(o, r); x > 0 {
			m.of[i].Add(at, y, x)
		}
	}
}

// brings is how many values a request has for an objective, and how many of them miss
// it; of a mean, their sum.
func brings(o slo.Objective, r *request.Record) (y, x float64) {
	var list []float64
	switch o.Metric {
	case "error_rate", "success_rate":
		return one(!r.OK), 1
	case "timeout_rate":
		return one(!r.OK && r.Error.IsTimeout()), 1
	case "latency_ms":
		list = value(r.LatencyMs)
	case "ttft_ms":
		list = value(r.TTFTms)
	case "tpot_ms":
		list = value(r.TPOTms)
	case "itl_ms", "chunk_gap_ms":
		list = gaps(r.Chunks, o.Metric == "itl_ms")
	}
	if !r.OK {
		return 1, one(o.Errors == slo.ErrorsBad)
	}
	for _, v := range list {
		switch {
		case o.Statistic == slo.Mean:
			y += v
		case !o.Op.Holds(cmp.Compare(v, o.Threshold.Float64())):
			y++
		}
	}
	return y, float64(len(list))
}

func value(v *float64) []float64 {
	if v == nil {
		return nil
	}
	return []float64{*v}
}

// gaps are those between chunks, in ms; perToken: each divided by the tokens that it
// brought.
func gaps(chunks []request.Chunk, perToken bool) (list []float64) {
	for i := 1; i < len(chunks); i++ {
		gap, ofToken := loadreport.Gap(chunks, i)
		if perToken {
			gap = ofToken
		}
		list = append(list, gap)
	}
	return list
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// effect is capacity.Effect of an objective; 1 where it is not known.
func (m *misses) effect(objective int, weight, confidence float64) float64 {
	if m == nil || objective < 0 {
		return 1
	}
	return capacity.Effect(m.objectives[objective], &m.of[objective], weight, confidence)
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
