package diagnose

import (
	"math"
	"slices"

	"llmops/rules/fault"
)

// measured is a signal with what is normal for each of its tracks.
type measured struct {
	tracks tracks // smoothed
	normal []normal
	unit   string
}

// evidence is how far a symptom is there, from 0 to 1, for one entity over the grid; NaN
// where that is not known.
type evidence struct {
	entity Entity
	v      []float64
	track  *track // of which it is evidence
	normal normal
	unit   string
}

// evidences judges every track of a symptom.
func evidences(m measured, t fault.Test) []evidence {
	var found []evidence
	for i := range m.tracks {
		tr := &m.tracks[i]
		e := evidence{entity: tr.entity, v: make([]float64, len(tr.v)), track: tr, normal: m.normal[i], unit: m.unit}
		var peers []*track
		if t.PeersAbove != nil || t.PeersBelow != nil {
			peers = peersOf(m.tracks, i)
		}
		for k, v := range tr.v {
			e.v[k] = judge(t, v, e.normal, peers, k)
		}
		found = append(found, e)
	}
	return found
}

// peersOf are the tracks of the other entities of the same sort.
func peersOf(ts tracks, i int) []*track {
	var peers []*track
	for j := range ts {
		if j != i && (ts[j].entity.GPU == "") == (ts[i].entity.GPU == "") && ts[j].entity.Name != "" {
			peers = append(peers, &ts[j])
		}
	}
	return peers
}

// surprise is by how many standard deviations a value must have moved to be a change, and
// from when on it is a full one.
var surprise = fault.Ramp{From: 3, To: 6}

// judge is how far a value is a symptom: the least of the parts of the test.
func judge(t fault.Test, v float64, n normal, peers []*track, at int) float64 {
	if math.IsNaN(v) {
		return math.NaN()
	}
	e := 1.0
	part := func(r *fault.Ramp, x float64) {
		if r != nil {
			e = least(e, r.At(x))
		}
	}
	part(t.Above, v)
	part(down(t.Below), -v)
	change := func(r *fault.Ramp, x, sign float64) {
		switch {
		case r == nil:
		case n.n == 0:
			e = math.NaN()
		default:
			e = least(e, min(r.At(x), surprise.At(sign*n.z(v))))
		}
	}
	ratio := 1.0
	switch {
	case n.median != 0:
		ratio = v / n.median
	case v > 0:
		ratio = maxZ
	}
	change(t.Rises, ratio, 1)
	change(down(t.Falls), -ratio, -1)
	change(t.Gains, v-n.median, 1)
	change(down(negative(t.Loses)), -(v - n.median), -1)
	if t.Holds != nil {
		if n.n == 0 {
			e = math.NaN()
		} else {
			e = least(e, t.Holds.At(ratio))
		}
	}
	if t.PeersAbove != nil || t.PeersBelow != nil {
		p := make([]float64, 0, len(peers))
		for _, tr := range peers {
			p = append(p, tr.v[at])
		}
		m := median(p)
		if math.IsNaN(m) {
			return math.NaN() // there is nobody to compare with
		}
		ratio := 1.0
		switch {
		case m != 0:
			ratio = v / m
		case v > 0:
			ratio = maxZ
		}
		part(t.PeersAbove, ratio)
		part(down(t.PeersBelow), -ratio)
	}
	return e
}

// down turns a ramp that falls into one that rises, of the negative.
func down(r *fault.Ramp) *fault.Ramp {
	if r == nil {
		return nil
	}
	return &fault.Ramp{From: -r.From, To: -r.To}
}

// negative is a ramp of losses, which are written without a sign.
func negative(r *fault.Ramp) *fault.Ramp {
	if r == nil {
		return nil
	}
	return &fault.Ramp{From: -r.From, To: -r.To}
}

// least is the smaller one; what is not known stays so.
func least(a, b float64) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	return min(a, b)
}

// about finds the evidence that a symptom gives of an entity: its own, that of the whole
// that it is a part of, or that of its parts together, of one replica the strongest GPU,
// of the fleet the mean of the replicas.
func about(all []evidence, e Entity) (evidence, bool) {
	for _, want := range []Entity{e, e.whole(), {}} {
		if i := slices.IndexFunc(all, func(x evidence) bool { return x.entity == want }); i >= 0 && (e.Label != "upstream" || want == e || want == Entity{}) {
			return all[i], true
		}
	}
	var parts []evidence
	for _, x := range all {
		if e == (Entity{}) && x.entity.GPU == "" || e != (Entity{}) && x.entity.GPU != "" && x.entity.whole() == e {
			parts = append(parts, x)
		}
	}
	if len(parts) == 0 && e == (Entity{}) {
		parts = all
	}
	if len(parts) == 0 {
		return evidence{}, false
	}
	sum := parts[0]
	best := -1.0
	out := make([]float64, len(sum.v))
	for i := range out {
		total, n, top := 0.0, 0, math.NaN()
		for _, p := range parts {
			if v := p.v[i]; !math.IsNaN(v) {
				total, n = total+v, n+1
				if !(v <= top) {
					top = v
				}
			}
		}
		switch {
		case n == 0:
			out[i] = math.NaN()
		case e == Entity{}:
			out[i] = total / float64(n)
		default:
			out[i] = top
		}
	}
	for _, p := range parts {
		if s := total(p.v); s > best {
			best, sum = s, p
		}
	}
	sum.entity, sum.v = e, out
	return sum, true
}

func total(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		if !math.IsNaN(x) {
			s += x
		}
	}
	return s
}
