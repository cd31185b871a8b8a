package business

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"llmops/probes/snapshot"
)

// flaws are the values that cannot be used, by the names that the source gives them.
type flaws map[string]*flaw

type flaw struct {
	first string // with its place, which begins it
	count int
}

func (f flaws) add(name, text string) {
	if f[name] == nil {
		f[name] = &flaw{first: text}
	}
	f[name].count++
}

// problems names the first flaw of each metric.
func (f flaws) problems(shown string) []snapshot.Problem {
	var out []snapshot.Problem
	names := slices.Sorted(maps.Keys(f))
	for i, name := range names {
		p := snapshot.Problem{
			Source: "business", What: name, Status: snapshot.Failed, Detail: shown + ":" + f[name].first,
			Hint: "mend it in the source; what is good in it was read",
		}
		if n := f[name].count; n > 1 {
			p.Detail += fmt.Sprintf(" (and %d more)", n-1)
		}
		if i == maxProblems && len(names) > maxProblems+1 {
			p.What, p.Detail = "", fmt.Sprintf("%s: %d more metrics have values that cannot be used", shown, len(names)-maxProblems)
			return append(out, p)
		}
		out = append(out, p)
	}
	return out
}

// between words what is possible.
func between(low, high float64) string {
	text := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	switch {
	case math.IsInf(high, 1):
		return text(low) + " or more"
	case math.IsInf(low, -1):
		return text(high) + " or less"
	}
	return text(low) + " to " + text(high)
}
