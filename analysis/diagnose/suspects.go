package diagnose

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"llmops/analysis/series"
	"llmops/rules/fault"
)

// layers weigh what a series is about: what lies below is the cause of what is seen above
// it, so a failed resource stands above the latency that it makes.
var layers = map[kind]float64{ofGPU: 1.3, ofHost: 1.15, ofEngine: 1, ofGateway: 0.6, ofOther: 0.5}

// maxSuspects is how many are shown.
const maxSuspects = 10

// suspects ranks entities by how far their series are off during an incident: log(1+z)
// times the relative difference, more for what changed first and for what lies deeper.
// Nothing in it has a unit: a series in other units ranks the same.
func (w *world) suspects(in *Incident) []Suspect {
	to := max(0, min(w.grid.n-1, w.grid.index(in.End.UnixMilli())))
	from := max(0, min(to, w.grid.index(in.Onset.UnixMilli())))
	names := w.view.store.Series()
	found := make([]Suspect, len(names))
	_ = parallel(len(names), func(i int) error {
		x := names[i]
		name := x.Name() // codes, times and what is always 1 are no measures
		if strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_info") || strings.HasSuffix(name, "_start_time_seconds") || strings.Contains(strings.ToUpper(name), "XID") || name == "up" {
			return nil
		}
		v := w.values(x)
		n := normalOf(w.normally(x, v))
		if n.n == 0 {
			return nil
		}
		now := median(v[from : to+1])
		if math.IsNaN(now) {
			return nil
		}
		z := math.Abs(n.z(now))
		if z < 3 {
			return nil
		}
		rel := math.Abs(now-n.median) / (math.Abs(now) + math.Abs(n.median))
		score := math.Log1p(z) * rel * layers[kind(x.Labels().Get("target"))]
		if t := w.first(v, n, to); t <= from+2 {
			score *= 1.2
		}
		found[i] = Suspect{Entity: w.view.entity(x.Labels()).String(), Series: nameOf(x.Labels()), Score: round(score)}
		return nil
	})
	best := map[string]Suspect{}
	for _, s := range found {
		if old, ok := best[s.Entity]; s.Entity != "" && (!ok || s.Score > old.Score) {
			best[s.Entity] = s
		}
	}
	out := make([]Suspect, 0, len(best))
	for _, s := range best {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Entity, b.Entity))
	})
	return out[:min(len(out), maxSuspects)]
}

// normally are the values of a series in the normal period, which are the first of all or
// those of the same series in the baseline.
func (w *world) normally(x *series.Series, all []float64) []float64 {
	if w.before == nil {
		return all[:w.base]
	}
	same := w.before.view.store.Find(x.Labels())
	if same == nil {
		return nil
	}
	return w.before.values(same)
}

// values puts a series on the grid: a gauge as it is, a counter as what it grows by a second, that of a
// sum over that of its count where it has one.
func (w *world) values(x *series.Series) []float64 {
	v := w.onGrid(x)
	if sum, ok := strings.CutSuffix(x.Name(), "_sum"); ok {
		for _, c := range w.view.store.Named(sum + "_count") {
			if sameLabels(x, c) {
				n := w.onGrid(c)
				for i := range v {
					v[i] /= n[i]
					if math.IsInf(v[i], 0) {
						v[i] = math.NaN()
					}
				}
				break
			}
		}
	}
	return smooth(v)
}

func sameLabels(a, b *series.Series) bool {
	return a.Labels().MatchLabels(false, "__name__").Hash() == b.Labels().MatchLabels(false, "__name__").Hash()
}

func (w *world) onGrid(x *series.Series) []float64 {
	v := make([]float64, w.grid.n)
	for i := range v {
		v[i] = math.NaN()
	}
	at, value := valuesOf(x, minTime, maxTime)
	for k, t := range at {
		if i := w.grid.index(t + w.grid.step/2); i >= 0 && i < len(v) && t >= w.grid.start-w.grid.step/2 {
			v[i] = value[k]
		}
	}
	return v
}

// first is the first step after the normal period at which a series is far off.
func (w *world) first(v []float64, n normal, to int) int {
	for i := w.base; i <= to; i++ {
		if math.Abs(n.z(v[i])) > 6 {
			return i
		}
	}
	return len(v)
}

// walk judges series by a topology, or, where no signal is known, by whatever labels they
// have; it tells whether any series could be judged.
func (w *world) walk(s *series.Store, o Options, r *Report, judged bool) bool {
	label := ""
	if o.Topology != nil {
		label = o.Topology.Label
	}
	all := movements(s, o, label)
	if len(all) == 0 {
		return false
	}
	var list []Suspect
	if o.Topology != nil {
		start := o.Topology.starts()
		if n := o.Target.Get(label); slices.ContainsFunc(all, func(m moved) bool { return n != "" && m.entity.Name == n }) {
			start = []string{n}
		}
		list = o.Topology.suspectsOf(all, start)
	} else {
		list = worstOf(all)
	}
	worst, at, end := 0.0, int64(math.MaxInt64), int64(math.MinInt64)
	for _, x := range list {
		worst = max(worst, x.z)
		if x.z >= followZ {
			at, end = min(at, x.at), max(end, x.end)
		}
	}
	if worst < incidentZ {
		return true
	}
	if len(r.Incidents) > 0 {
		r.Incidents[0].Suspects = list[:min(len(list), maxSuspects)]
		return true
	}
	d := Diagnosis{
		Fault: Unknown, Name: "Unknown fault", Answer: true, Confidence: round(0.9 * (1 - math.Exp(-worst/incidentZ))), Entity: list[0].Entity, Severity: fault.High, Onset: time.UnixMilli(at).UTC(),
		RootCause: "no pattern fits what is seen; the suspects are ranked by how far they are off along the calls that hurt",
		Evidence:  []Evidence{}, Against: []Evidence{}, NotCollected: []Missing{}, Actions: []string{"look at the first suspect, and at what was deployed or changed there before the onset"},
	}
	for _, m := range all {
		if m.entity.String() == list[0].Entity && m.z >= followZ {
			d.Evidence = append(d.Evidence, Evidence{Symptom: "far from its normal values", Series: nameOf(m.series.Labels()), Value: round(m.value), Normal: new(round(m.normal)), Unit: m.unit, At: time.UnixMilli(m.at).UTC(), Degree: round(1 - math.Exp(-m.z/incidentZ))})
		}
	}
	ongoing := end >= o.To.UnixMilli()-int64(gapSteps(w.grid))*w.grid.step
	if ongoing {
		end = o.To.UnixMilli()
	}
	r.Incidents = append(r.Incidents, Incident{
		ID: "inc-1", Onset: d.Onset, End: time.UnixMilli(end).UTC(), Ongoing: ongoing, Severity: fault.High, Entities: []string{d.Entity}, Impact: []Evidence{},
		Diagnoses: []Diagnosis{d}, Suspects: list[:min(len(list), maxSuspects)],
	})
	return true
}

// worstOf is one suspect an entity.
func worstOf(all []moved) []Suspect {
	best := map[Entity]moved{}
	for _, m := range all {
		if old, ok := best[m.entity]; !ok || m.score() > old.score() {
			best[m.entity] = m
		}
	}
	var out []Suspect
	for e, m := range best {
		if m.z > 0 {
			out = append(out, Suspect{Entity: e.String(), Series: nameOf(m.series.Labels()), Score: round(m.score()), z: m.z, at: m.first, end: m.last})
		}
	}
	slices.SortFunc(out, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Entity, b.Entity))
	})
	return out
}
