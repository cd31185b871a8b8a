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
	var gpus, replicas peers
	if t.PeersAbove != nil || t.PeersBelow != nil {
		gpus, replicas = peersOf(m.tracks, true), peersOf(m.tracks, false)
	}
	for i := range m.tracks {
		tr := &m.tracks[i]
		e := evidence{entity: tr.entity, v: make([]float64, len(tr.v)), track: tr, normal: m.normal[i], unit: m.unit}
		among := replicas
		if tr.entity.GPU != "" {
			among = gpus
		}
		for k, v := range tr.v {
			other := math.NaN()
			if among != nil {
				other = among[k].without(v, tr.entity.Name != "")
			}
			e.v[k] = judge(t, v, e.normal, other)
		}
		found = append(found, e)
	}
	return found
}

// peers are at each step the values of all entities of one sort that have a name.
type peers []sorted

type sorted []float64 // without NaN

func peersOf(ts tracks, gpus bool) peers {
	var p peers
	for _, t := range ts {
		if (t.entity.GPU != "") != gpus || t.entity.Name == "" {
			continue
		}
		if p == nil {
			p = make(peers, len(t.v))
		}
		for k, v := range t.v {
			if !math.IsNaN(v) {
				p[k] = append(p[k], v)
			}
		}
	}
	for _, s := range p {
		slices.Sort(s)
	}
	return p
}

// without is the median of all but v, which is one of them or not; NaN if there are none.
func (s sorted) without(v float64, among bool) float64 {
	n, own := len(s), len(s)
	if among && !math.IsNaN(v) {
		own, _ = slices.BinarySearch(s, v)
		n--
	}
	if n == 0 {
		return math.NaN()
	}
	at := func(i int) float64 {
		if i >= own {
			i++
		}
		return s[i]
	}
	return (at((n-1)/2) + at(n/2)) / 2
}

// surprise is by how many standard deviations a value must have moved to be a change, and
// from when on it is a full one.
var surprise = fault.Ramp{From: 3, To: 6}

// judge is how far a value is a symptom: the least of the parts of the test. other is the
// median of its peers; NaN if there are none.
func judge(t fault.Test, v float64, n normal, other float64) float64 {
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
	change(t.Loses, n.median-v, -1)
	if t.Holds != nil {
		if n.n == 0 {
			e = math.NaN()
		} else {
			e = least(e, down(t.Holds).At(-ratio))
		}
	}
	if t.Stays != nil {
		switch {
		case n.n == 0:
			e = math.NaN()
		case ratio <= 0: // all gone, or below what can be compared
			e = least(e, 0)
		default:
			e = least(e, down(t.Stays).At(-max(ratio, 1/ratio)))
		}
	}
	if t.PeersAbove != nil || t.PeersBelow != nil {
		if math.IsNaN(other) {
			return math.NaN() // there is nobody to compare with
		}
		ratio := 1.0
		switch {
		case other != 0:
			ratio = v / other
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
