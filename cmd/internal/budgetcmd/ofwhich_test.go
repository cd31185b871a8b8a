package budgetcmd

import (
	"testing"

	"llmops/analysis/budget"
)

func TestOfWhich(t *testing.T) {
	for want, o := range map[string]*budget.OfWhich{
		"": {Retries: new(int64(0)), CacheHits: new(int64(0))},
		"; of which 2 retried, 1 answered from a cache": {Retries: new(int64(2)), CacheHits: new(int64(1))},
		"; of which 3 refused by the provider's quota (429), 4 refused by a quota that no row names (429)": {
			RateLimitedOwn: new(int64(0)), RateLimitedProvider: new(int64(3)), RateLimitedUnknown: 4},
	} {
		if got := ofWhich(o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := ofWhich(nil); got != "" {
		t.Error(got)
	}
}
