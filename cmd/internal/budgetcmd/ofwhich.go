package budgetcmd

import (
	"fmt"
	"strings"

	"llmops/analysis/budget"
)

// ofWhich says what rows tell beside their outcome, behind the number of requests;
// "" where they tell nothing, or only of nothing.
func ofWhich(o *budget.OfWhich) string {
	if o == nil {
		return ""
	}
	var parts []string
	add := func(n *int64, what string) {
		if n != nil && *n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", *n, what))
		}
	}
	add(o.Retries, "retried")
	add(o.CacheHits, "answered from a cache")
	add(o.RateLimitedOwn, "refused by the gateway's own quota (429)")
	add(o.RateLimitedProvider, "refused by the provider's quota (429)")
	add(&o.RateLimitedUnknown, "refused by a quota that no row names (429)")
	if len(parts) == 0 {
		return ""
	}
	return "; of which " + strings.Join(parts, ", ")
}
