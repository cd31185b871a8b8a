package budget

import "llmops/analysis/accesslog"

// OfWhich counts, of the records of a Source, what rows tell beside their outcome.
// It changes nothing in what is good or bad. A number is absent where no row tells.
type OfWhich struct {
	Retries   *int64 `json:"retries,omitempty"`    // requests with more than one attempt
	CacheHits *int64 `json:"cache_hits,omitempty"` // answered from a cache: fast, and no work of a model
	// 429s: of the gateway's own quota, of the provider behind it, and those of
	// which no row tells whose they are.
	RateLimitedOwn      *int64 `json:"rate_limited_own,omitempty"`
	RateLimitedProvider *int64 `json:"rate_limited_provider,omitempty"`
	RateLimitedUnknown  int64  `json:"rate_limited_unknown,omitempty"`
}

// notes counts them for one shard.
type notes struct {
	told                                     accesslog.Notes // by some row
	retries, cacheHits, own, provider, other int64
}

func (n *notes) add(e *accesslog.Event) {
	n.told |= e.Notes
	has := func(bit accesslog.Notes) int64 {
		if e.Notes&bit != 0 {
			return 1
		}
		return 0
	}
	n.retries += has(accesslog.Retried)
	n.cacheHits += has(accesslog.CacheHit)
	own, provider := has(accesslog.LimitedOwn), has(accesslog.LimitedProvider)
	n.own += own
	n.provider += provider
	if e.Status == 429 && own+provider == 0 {
		n.other++
	}
}

// merge adds what another shard counted.
func (n *notes) merge(o *notes) {
	n.told |= o.told
	n.retries, n.cacheHits = n.retries+o.retries, n.cacheHits+o.cacheHits
	n.own, n.provider, n.other = n.own+o.own, n.provider+o.provider, n.other+o.other
}

// ofWhich is what is shown of all shards; nil: nothing was told.
func (c *Counter) ofWhich() *OfWhich {
	var all notes
	for _, s := range c.shards {
		all.merge(&s.notes)
	}
	if all == (notes{}) {
		return nil
	}
	out := &OfWhich{RateLimitedUnknown: all.other}
	told := func(to **int64, n int64, bits accesslog.Notes) {
		if all.told&bits != 0 {
			*to = new(n)
		}
	}
	told(&out.Retries, all.retries, accesslog.RetryTold)
	told(&out.CacheHits, all.cacheHits, accesslog.CacheTold)
	told(&out.RateLimitedOwn, all.own, accesslog.LimitedOwn|accesslog.LimitedProvider)
	told(&out.RateLimitedProvider, all.provider, accesslog.LimitedOwn|accesslog.LimitedProvider)
	return out
}
