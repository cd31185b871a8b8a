package diagnose

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"llmops/analysis/series"
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
	if !t.knows(func(node string) bool { _, ok := best[node]; return ok }) {
		start = slices.Sorted(maps.Keys(best)) // it is of something else: each stands for itself
	}
	callees := t.calls(false)
	scores := map[string]float64{}
	budget := 100_000 // paths of a graph can be very many
	on := map[string]bool{}
	var walk func(n string, sum float64)
	walk = func(n string, sum float64) {
		if budget--; budget < 0 {
			return
		}
		scores[n] = max(scores[n], sum)
		on[n] = true
		for _, c := range callees[n] {
			if m, ok := best[c]; ok && m.z > followZ && !on[c] {
				walk(c, sum+math.Log1p(m.z))
			}
		}
		on[n] = false
	}
	for _, n := range start { // before the budget is spent on the first of them
		scores[n] = math.Log1p(best[n].z)
	}
	for _, n := range start {
		walk(n, math.Log1p(best[n].z))
	}
	var out []Suspect
	for n, s := range scores {
		if m, ok := best[n]; ok && m.z > 0 {
			out = append(out, Suspect{Entity: m.entity.String(), Series: nameOf(m.series.Labels()), Score: round(s), z: m.z, at: m.first, end: m.last})
		}
	}
	slices.SortFunc(out, func(a, b Suspect) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Entity, b.Entity))
	})
	return out
}

// Names tells whether any of its nodes is one that series of s are about.
func (t Topology) Names(s *series.Store) bool {
	have := map[string]bool{}
	for _, x := range s.Series() {
		have[x.Labels().Get(t.Label)] = true
	}
	return t.knows(func(node string) bool { return have[node] })
}

func (t Topology) knows(has func(node string) bool) bool {
	return slices.ContainsFunc(t.Edges, func(e [2]string) bool { return has(e[0]) || has(e[1]) })
}

// calls are the callees of each node, or with back its callers, sorted and each once.
func (t Topology) calls(back bool) map[string][]string {
	to := map[string][]string{}
	for _, e := range t.Edges {
		if back {
			e[0], e[1] = e[1], e[0]
		}
		to[e[0]] = append(to[e[0]], e[1])
	}
	for n := range to {
		slices.Sort(to[n])
		to[n] = slices.Compact(to[n])
	}
	return to
}

// starts are the nodes that nobody calls, and those that only call each other: all that
// can reach whatever reaches them (Sharir, "A strong-connectivity algorithm and its
// applications in data flow analysis", 1981: of those left over by a search in the order
// in which another one ended, none has a caller outside its own cycle).
func (t Topology) starts() []string {
	down, up := t.calls(false), t.calls(true)
	var ended []string
	seen := map[string]bool{}
	for _, n := range slices.Sorted(maps.Keys(down)) {
		ended = reach(down, n, seen, ended)
	}
	var starts []string
	seen = map[string]bool{}
	for _, n := range slices.Backward(ended) {
		if !seen[n] {
			starts = reach(up, n, map[string]bool{}, starts)
			reach(down, n, seen, nil)
		}
	}
	slices.Sort(starts)
	return starts
}

// reach adds what is not seen yet and can be reached from a node to a list, each behind
// what it leads to.
func reach(to map[string][]string, n string, seen map[string]bool, list []string) []string {
	if seen[n] {
		return list
	}
	seen[n] = true
	for _, next := range to[n] {
		list = reach(to, next, seen, list)
	}
	return append(list, n)
}

// round keeps six significant digits, so that reports do not differ in the last bit from
// one processor to another.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 5, 64), 64)
	if err != nil {
		return v // the next number of six digits is too large to be one
	}
	return r
}
