package diagnose

import (
	"math"
	"slices"
	"strings"
)

// Signals that are computed here, because PromQL cannot say them.
const (
	signalServing   = "serving"          // 1 while tokens come out of a replica, or requests end
	signalGPUAbsent = "gpu_absent"       // 1 while a GPU's series are gone although others of its replica are there
	signalTelemetry = "telemetry_broken" // 1 while what an exporter says cannot be so
)

// computed are the signals above with their units.
func computed() map[string]string {
	return map[string]string{signalServing: "bool", signalGPUAbsent: "bool", signalTelemetry: "bool"}
}

// compute adds them to the others.
func (e evaluation) compute(by map[string]tracks) {
	by[signalServing] = e.serving(by)
	by[signalGPUAbsent] = e.absent(by)
	by[signalTelemetry] = e.telemetry(by)
}

// serving tells from tokens, or requests that end, whether a replica does anything.
func (e evaluation) serving(by map[string]tracks) tracks {
	var out tracks
	for _, name := range []string{"generation_rate", "finish_rate"} {
		for _, t := range by[name] {
			if out.find(t.entity) != nil {
				continue
			}
			n := e.normal(name, t)
			if math.IsNaN(n) || n <= 0 {
				continue
			}
			s := track{entity: t.entity, series: strings.Replace(t.series, name, signalServing, 1), v: make([]float64, len(t.v))}
			seen := false
			for i, v := range t.v {
				seen = seen || !math.IsNaN(v)
				switch {
				case !seen:
					s.v[i] = math.NaN()
				case v > 0.03*n:
					s.v[i] = 1
				}
			}
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b track) int { return a.entity.compare(b.entity) })
	return out
}

// absent tells which GPUs are gone: alone, or with the whole exporter while the replica
// does not serve and its host is seen.
func (e evaluation) absent(by map[string]tracks) tracks {
	gpus := by["gpu_temp"]
	if len(gpus) == 0 {
		gpus = by["gpu_util"]
	}
	var out tracks
	for _, t := range gpus {
		s := track{entity: t.entity, series: signalGPUAbsent + strings.TrimLeft(t.series, "abcdefghijklmnopqrstuvwxyz_"), v: make([]float64, len(t.v))}
		serving, host := by[signalServing].find(t.entity.whole()), by["host_cpu"].find(t.entity.whole())
		seen := 0
		for i, v := range t.v {
			if !math.IsNaN(v) {
				seen++
				continue
			}
			sibling := slices.ContainsFunc(gpus, func(o track) bool {
				return o.entity != t.entity && o.entity.whole() == t.entity.whole() && !math.IsNaN(o.v[i])
			})
			dead := serving != nil && serving.v[i] == 0 && (host == nil || !math.IsNaN(host.v[i]))
			if seen >= minNormal && (sibling || dead) {
				s.v[i] = 1
			}
		}
		out = append(out, s)
	}
	return out
}
