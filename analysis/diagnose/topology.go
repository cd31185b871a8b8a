package diagnose

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Topology is who calls whom: the label that names the callers and callees in series, and
// pairs of caller and callee.
type Topology struct {
	Label string      `json:"label"`
	Edges [][2]string `json:"edges"`
}

// ReadTopology reads the JSON form.
func ReadTopology(content []byte) (Topology, error) {
	var t Topology
	if err := json.Unmarshal(content, &t); err != nil {
		return t, fmt.Errorf("topology: %w", err)
	}
	if t.Label == "" {
		return t, fmt.Errorf(`topology: "label" is missing: it names the label of series that says which node they are about`)
	}
	for i, e := range t.Edges {
		if e[0] == "" || e[1] == "" {
			return t, fmt.Errorf("topology: edge %d has a node without a name", i+1)
		}
	}
	return t, nil
}

// Limits of the walk: from which z on a node is followed, and from which on there is an
// incident at all. Both stand well between what healthy windows and incidents show.
const (
	followZ   = 3
	incidentZ = 6
)

// suspectsOf walks from where it hurts to callees that are off as well: a path of nodes
// that are all off leads to the one that others wait for. A node's score is the sum along
// its best path, so a deeper node stands above those that call it.
func (t Topology) suspectsOf(all []moved, start []string) []Suspect {
	best := map[string]moved{}
	for _, m := range all {
		if old, ok := best[m.entity.Name]; !ok || m.score() > old.score() {
			best[m.entity.Name] = m
		}
	}
	callees := map[string][]string{}
	for _, e := range t.Edges {
		callees[e[0]] = append(callees[e[0]], e[1])
	}
	scores := map[string]float64{}
	budget := 100_000 // paths of a graph can be very many
	var walk func(n string, sum float64, path []string)
	walk = func(n string, sum float64, path []string) {
		if budget--; budget < 0 {
			return
		}
		scores[n] = max(scores[n], sum)
		for _, c := range slices.Compact(slices.Sorted(slices.Values(callees[n]))) {
			if m, ok := best[c]; ok && m.z > followZ && !slices.Contains(path, c) {
				walk(c, sum+math.Log1p(m.z), append(path[:len(path):len(path)], c))
			}
		}
	}
	for _, n := range start {
		m := best[n]
		walk(n, math.Log1p(m.z), []string{n})
	}
	var out []Suspect
	for n, s := range scores {
		if m, ok := best[n]; ok && m.z > 0 {
			out = append(out, Suspect{Entity: m.entity.String(), Series: m.series.Labels().String(), Score: round(s), z: m.z, at: m.first})
		}
	}
	slices.SortFunc(out, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Entity, b.Entity))
	})
	return out
}

// starts are the nodes that nobody calls.
func (t Topology) starts() []string {
	called := map[string]bool{}
	for _, e := range t.Edges {
		called[e[1]] = true
	}
	var names []string
	for _, e := range t.Edges {
		if !called[e[0]] && !slices.Contains(names, e[0]) {
			names = append(names, e[0])
		}
	}
	slices.Sort(names)
	return names
}

// round keeps six significant digits, so that reports do not differ in the last bit from
// one processor to another.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	p := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*p) / p
}
