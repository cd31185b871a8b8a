package serving

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"llmops/probes/snapshot"
)

// gauges reads what stands now, rank by rank and model by model.
func (e *engine) gauges(now page, s *snapshot.Server) {
	running, waiting, kv := e.byPart(now, e.running, sumOf), e.byPart(now, e.waiting, sumOf), e.byPart(now, e.kv, maxOf)
	parts := map[[2]string]bool{}
	for _, values := range []map[[2]string]float64{running, waiting, kv} {
		for k := range values {
			parts[k] = true
		}
	}
	var all snapshot.Part
	var list []snapshot.Part
	for k := range parts {
		p := snapshot.Part{Model: k[0], Rank: k[1], Running: at(running, k), Waiting: at(waiting, k), KVCacheUtilization: share(at(kv, k))}
		list = append(list, p)
		add(&all.Running, p.Running)
		add(&all.Waiting, p.Waiting)
		if v := p.KVCacheUtilization; v != nil && (all.KVCacheUtilization == nil || *v > *all.KVCacheUtilization) {
			all.KVCacheUtilization = v
		}
	}
	if len(list) > 1 {
		slices.SortFunc(list, func(a, b snapshot.Part) int {
			// Ranks are numbers: "10" comes after "9".
			return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(len(a.Rank), len(b.Rank)), cmp.Compare(a.Rank, b.Rank))
		})
		s.Parts = list
	}
	// What other pages of the engine said stays where this one says nothing.
	s.Running, s.Waiting = cmp.Or(all.Running, s.Running), cmp.Or(all.Waiting, s.Waiting)
	s.KVCacheUtilization = cmp.Or(all.KVCacheUtilization, s.KVCacheUtilization)
	s.Slots = cmp.Or(e.sum(now, e.slots), s.Slots)
	s.Models = e.modelsOf(now, s.Models)
}

func sumOf(a, b float64) float64 { return a + b }

func maxOf(a, b float64) float64 { return max(a, b) }

// byPart joins the series of a gauge for each model and rank, after those that repeat
// one number are taken for one.
func (e *engine) byPart(now page, names []metric, join func(a, b float64) float64) map[[2]string]float64 {
	found, m, _ := now.find(names)
	out := map[[2]string]float64{}
	for _, x := range e.once(found) {
		k := [2]string{e.model(x), x.labels.Get(e.rank)}
		if v, ok := out[k]; ok {
			out[k] = join(v, x.value*m.scale())
		} else {
			out[k] = x.value * m.scale()
		}
	}
	return out
}

// once keeps the largest of the series that repeat one number.
func (e *engine) once(list []series) []series {
	if len(e.copies) == 0 {
		return list
	}
	var out []series
	where := map[uint64]int{}
	for _, s := range list {
		k := key(s.labels, e.copies...)
		i, ok := where[k]
		switch {
		case !ok:
			where[k] = len(out)
			out = append(out, s)
		case s.value > out[i].value:
			out[i] = s
		}
	}
	return out
}

// at is absent for what values does not have, and for what JSON cannot hold.
func at(values map[[2]string]float64, k [2]string) *float64 {
	if v, ok := values[k]; ok {
		return finite(v)
	}
	return nil
}

func (e *engine) model(s series) string {
	for _, label := range e.models {
		if v := s.labels.Get(label); v != "" {
			return v
		}
	}
	return ""
}

// modelsOf adds the models that the page names, where the server did not list any.
func (e *engine) modelsOf(now page, known []string) []string {
	if len(known) > 0 {
		return known
	}
	seen := map[string]bool{}
	for name, list := range now.series {
		if !strings.HasPrefix(name, e.prefixes[0]) {
			continue
		}
		for _, s := range list {
			if m := e.model(s); m != "" {
				seen[m] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
