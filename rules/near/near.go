// Package near finds the name that somebody most likely meant. It knows no
// names itself.
package near

import (
	"iter"
	"slices"
)

// Names are the candidates nearest to s, at most so many, all equally near:
// those with the fewest edits, if these are at most a third of the candidate's
// length (2 for short names), or those that s begins. It is empty when none is
// near.
func Names(s string, candidates iter.Seq[string], most int) []string {
	var names []string
	best := 1 << 30
	for c := range candidates {
		allowed := min(best, max(2, len(c)/3))
		cut := len(s) >= 3 && len(c) > len(s) && c[:len(s)] == s
		if !cut && max(len(c)-len(s), len(s)-len(c)) > allowed {
			continue // it takes as many edits at least
		}
		d := Edits(s, c)
		if cut {
			d = min(d, 1)
		}
		if d > allowed || d >= len(c) {
			continue
		}
		if d < best {
			best, names = d, names[:0]
		}
		if len(names) < most && !slices.Contains(names, c) {
			names = append(names, c)
		}
	}
	return names
}

// Edits is the number of insertions, deletions, replacements and swaps of
// neighbours between a and b (optimal string alignment distance).
func Edits(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			differ := 1
			if a[i-1] == b[j-1] {
				differ = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+differ)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
