package serving

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"llmops/probes/snapshot"
)

// fill adds what two pages say to s. counted is what was counted over seconds; with
// seconds 0 it is all since the engine's start, and there are no rates.
func (e *engine) fill(now, counted page, seconds float64, s *snapshot.Server) {
	if e.only != nil {
		now, counted = e.only(now), e.only(counted)
	}
	if started := now.first(startTime); started != nil && *started < 1e11 {
		s.StartedAt = new(time.UnixMilli(int64(*started * 1000)).UTC())
	}
	e.gauges(now, s)

	s.RequestsTotal = e.sum(now, e.requests)
	s.PromptTokensTotal = e.sum(now, e.prompt)
	s.GenerationTokensTotal = e.sum(now, e.generated)
	s.PreemptionsTotal = e.sum(now, e.preemptions)
	s.FinishedTotal = e.byLabel(now, e.finished)
	s.ErrorsTotal = e.failures(now)

	s.PrefixCacheHitRate = ratio(e.sum(counted, e.hits), e.sum(counted, e.lookups))
	if _, _, ok := now.find(e.hits); !ok {
		s.PrefixCacheHitRate = share(e.fullest(now, e.hitRate)) // the engine's own, over what it takes
	}
	s.Speculation = e.speculation(now, counted)
	all, failed := e.outcome(counted)
	if all != nil && failed != nil && *failed <= *all {
		s.ErrorRate = ratio(failed, all)
	}
	if seconds > 0 {
		s.RequestsPerSecond = per(e.sum(counted, e.requests), seconds)
		s.PromptTokensPerSecond = per(e.sum(counted, e.prompt), seconds)
		s.TokensPerSecond = per(e.sum(counted, e.generated), seconds)
		s.PreemptionsPerSecond = per(e.sum(counted, e.preemptions), seconds)
		s.ErrorsPerSecond = per(failed, seconds)
	}
	for _, d := range []struct {
		of []metric
		to **snapshot.Distribution
	}{{e.ttft, &s.TTFT}, {e.tpot, &s.TPOT}, {e.itl, &s.ITL}, {e.latency, &s.Latency},
		{e.queue, &s.Queue}, {e.prefill, &s.Prefill}, {e.decode, &s.Decode}} {
		if h, factor, ok := counted.histogram(d.of); ok {
			*d.to = h.distribution(factor)
		}
	}
	if e.derive != nil {
		e.derive(now, counted, seconds, s)
	}
}

// sum adds up what is counted under several sets of labels.
func (e *engine) sum(p page, names []metric) *float64 {
	found, m, ok := p.find(names)
	if !ok {
		return nil
	}
	total := 0.0
	for _, s := range e.once(found) {
		total += s.value
	}
	return finite(total * m.scale())
}

// fullest is the largest of a gauge.
func (e *engine) fullest(p page, names []metric) *float64 {
	found, m, _ := p.find(names)
	if len(found) == 0 {
		return nil
	}
	return finite(slices.MaxFunc(found, func(a, b series) int { return cmp.Compare(a.value, b.value) }).value * m.scale())
}

// byLabel adds up a counter for each value of its label.
func (e *engine) byLabel(p page, names []metric) map[string]float64 {
	var out map[string]float64
	for _, m := range names {
		for _, s := range p.series[strings.TrimSuffix(m.name, "_total")] {
			if v := s.labels.Get(m.label); v != "" {
				if out == nil {
					out = map[string]float64{}
				}
				out[v] += s.value
			}
		}
	}
	return out
}

// failures adds up failed requests by class. Classes that never came up are left
// out.
func (e *engine) failures(p page) map[string]float64 {
	out := map[string]float64{}
	known := false
	for _, f := range e.failed {
		found, _, ok := p.find([]metric{f.metric})
		known = known || ok
		for _, s := range found {
			if class := f.class(s.labels.Get(f.by)); class != "" && s.value > 0 && f.covers(s) {
				out[class] += s.value
			}
		}
	}
	if !known || len(out) == 0 {
		return nil
	}
	return out
}

// outcome is how many requests ended, and how many of them failed.
func (e *engine) outcome(counted page) (all, failed *float64) {
	if e.ended != nil {
		return e.ended(counted)
	}
	return nil, nil
}

// ratio is absent when there was nothing, and when the parts do not fit together.
func ratio(part, whole *float64) *float64 {
	if part == nil || whole == nil || *whole <= 0 {
		return nil
	}
	return share(new(*part / *whole))
}

// share is absent for what is no ratio.
func share(v *float64) *float64 {
	if v == nil || *v < 0 || *v > 1.0001 {
		return nil
	}
	return new(min(*v, 1))
}

func per(n *float64, seconds float64) *float64 {
	if n == nil {
		return nil
	}
	return finite(*n / seconds)
}

func add(to **float64, v *float64) {
	if v == nil {
		return
	}
	if *to == nil {
		*to = new(0.0)
	}
	**to += *v
}
