package loadreport

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"llmops/probes/snapshot"
)

// level sums up a gauge.
type level struct {
	n        int
	sum, max float64
}

func (l *level) add(v *float64) {
	if v == nil {
		return
	}
	l.n++
	l.sum += *v
	l.max = max(l.max, *v) // gauges are not negative
}

func (l level) level() *Level {
	if l.n == 0 {
		return nil
	}
	return &Level{Mean: round6(l.sum / float64(l.n)), Max: round6(l.max)}
}

// levels are the gauges of servers and GPUs.
type levels struct {
	kv, running, waiting level
	gpus                 map[string]*[3]level // utilization, memory, power
}

func (l *levels) add(m ServerMoment) {
	l.kv.add(m.KVCacheUtilization)
	l.running.add(m.Running)
	l.waiting.add(m.Waiting)
	for _, g := range m.GPUs {
		if l.gpus == nil {
			l.gpus = map[string]*[3]level{}
		}
		if l.gpus[g.Label] == nil {
			l.gpus[g.Label] = &[3]level{}
		}
		for i, v := range []*float64{g.Utilization, g.MemoryUtilization, g.PowerW} {
			l.gpus[g.Label][i].add(v)
		}
	}
}

func (l *levels) list() (out []GPU) {
	labels := slices.SortedFunc(maps.Keys(l.gpus), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	for _, label := range labels {
		g := GPU{Label: label, Utilization: l.gpus[label][0].level(), MemoryUtilization: l.gpus[label][1].level(), PowerW: l.gpus[label][2].level()}
		if g.Utilization != nil || g.MemoryUtilization != nil || g.PowerW != nil {
			out = append(out, g)
		}
	}
	return out
}

func gpuLabel(g *snapshot.GPU) string { return strconv.Itoa(g.Index) }
