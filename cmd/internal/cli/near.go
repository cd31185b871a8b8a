package cli

import (
	"iter"

	"llmops/rules/near"
)

// Nearest is the candidate that s was most likely meant to be, "" when none is
// near.
func Nearest(s string, candidates iter.Seq[string]) string {
	if names := near.Names(s, candidates, 1); len(names) > 0 {
		return names[0]
	}
	return ""
}
