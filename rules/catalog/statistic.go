package catalog

import (
	"fmt"
	"strings"
)

// statistic is one of a family of metrics.
type statistic struct {
	en, zh   string
	quantile string // of a histogram, "" for none
	mean     bool
}

var statistics = map[string]statistic{
	"p50":  {en: "median", zh: "50分位", quantile: "0.5"},
	"p90":  {en: "90th percentile", zh: "90分位", quantile: "0.9"},
	"p95":  {en: "95th percentile", zh: "95分位", quantile: "0.95"},
	"p99":  {en: "99th percentile", zh: "99分位", quantile: "0.99"},
	"p999": {en: "99.9th percentile", zh: "99.9分位", quantile: "0.999"},
	"mean": {en: "mean", zh: "平均", mean: true},
	"min":  {en: "least", zh: "最小"},
	"max":  {en: "greatest", zh: "最大"},
}

// of is PromQL for the statistic of a classic histogram over five minutes, ""
// where a histogram does not have it. A quantile of nothing is NaN, which ">= 0" leaves
// out: without requests there is no latency.
func (s statistic) of(h aliasEntry) string {
	rate := func(part string) string {
		if h.Where != "" {
			part += "{" + h.Where + "}"
		}
		r := fmt.Sprintf("rate(%s%s[5m])", h.Name, part)
		if len(h.Without) > 0 {
			r = fmt.Sprintf("sum without (%s) (%s)", strings.Join(h.Without, ", "), r)
		}
		return r
	}
	times := ""
	if h.Factor.text != "" {
		times = h.Factor.text + " * "
	}
	switch {
	case s.quantile != "":
		return fmt.Sprintf("%shistogram_quantile(%s, %s) >= 0", times, s.quantile, rate("_bucket"))
	case s.mean:
		return fmt.Sprintf("%s%s / (%s > 0)", times, rate("_sum"), rate("_count"))
	}
	return ""
}
