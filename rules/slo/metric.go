package slo

import (
	"math/big"
	"slices"
)

type dimension int

const (
	milliseconds dimension = iota
	share
	perSecond
	usd
	plain
)

// units maps what may follow a number to its factor.
var units = map[dimension]map[string]*big.Rat{
	milliseconds: {"ms": big.NewRat(1, 1), "s": big.NewRat(1000, 1), "us": big.NewRat(1, 1000)},
	share:        {"%": big.NewRat(1, 100)},
}

type metric struct {
	name      string
	dim       dimension
	statistic Statistic // without a prefix
	quantiles bool      // has pNN_, mean_, min_ and max_ forms, and is only meaningful with one
	events    bool      // a file may count its events against a threshold
	slices    bool      // a file may judge it slice by slice
}

// metrics is what objectives may be about.
var metrics = []metric{
	{name: "latency_ms", quantiles: true, events: true},
	{name: "ttft_ms", quantiles: true, events: true},
	{name: "tpot_ms", quantiles: true, events: true},
	{name: "itl_ms", quantiles: true, events: true},
	{name: "chunk_gap_ms", quantiles: true, events: true},
	{name: "queue_ms", quantiles: true, events: true},
	{name: "success_rate", dim: share, statistic: Ratio, slices: true},
	{name: "availability", dim: share, statistic: Ratio, slices: true},
	{name: "error_rate", dim: share, statistic: Ratio},
	{name: "timeout_rate", dim: share, statistic: Ratio},
	{name: "requests_per_second", dim: perSecond, statistic: Rate, slices: true},
	{name: "tokens_per_second", dim: perSecond, statistic: Rate, slices: true},
	{name: "output_tokens_per_second", dim: perSecond, statistic: Rate, slices: true},
	{name: "goodput", dim: perSecond, statistic: Rate},
	{name: "quality_score", dim: share, statistic: Mean, events: true},
	{name: "cost_per_request", dim: usd, statistic: Mean, events: true},
	{name: "cost_per_token", dim: usd, statistic: Mean},
	{name: "concurrent_requests", dim: plain, statistic: Mean},
}

// canonical is the name under which results of a metric are kept.
func (m metric) canonical() string {
	switch m.name {
	case "output_tokens_per_second":
		return "tokens_per_second"
	case "availability":
		return "success_rate"
	}
	return m.name
}

// settled tells whether a limit "never holds" or "always holds" because no value
// lies below 0 or, of a ratio, above 1; and which it is.
func (m metric) settled(op Op, limit *big.Rat) (outcome, why string) {
	never, always := limit.Sign() == 0 && op == Less, limit.Sign() == 0 && op == GreaterEqual
	why = "below 0"
	if m.dim == share && limit.Cmp(big.NewRat(1, 1)) == 0 {
		never, always, why = op == Greater, op == LessEqual, "above 1"
	}
	switch {
	case never:
		return "can never hold", why
	case always:
		return "always holds", why
	}
	return "", ""
}

// lookupMetric is the metric of that name, or one without a name.
func lookupMetric(name string) metric {
	if i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name }); i >= 0 {
		return metrics[i]
	}
	return metric{}
}

// Names lists what may stand left of the operator of an inline objective.
func Names() []string {
	var names []string
	for _, m := range metrics {
		if m.quantiles {
			names = append(names, "pNN_"+m.name, "mean_"+m.name, "min_"+m.name, "max_"+m.name)
		} else {
			names = append(names, m.name)
		}
	}
	return names
}
