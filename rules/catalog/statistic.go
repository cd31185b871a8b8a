package catalog

import "fmt"

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
// where a histogram does not have it. The factor makes the unit.
func (s statistic) of(histogram string, factor ratio) string {
	times := ""
	if factor.text != "" {
		times = factor.text + " * "
	}
	switch {
	case s.quantile != "":
		return fmt.Sprintf("%shistogram_quantile(%s, rate(%s_bucket[5m]))", times, s.quantile, histogram)
	case s.mean:
		return fmt.Sprintf("%srate(%s_sum[5m]) / (rate(%s_count[5m]) > 0)", times, histogram, histogram)
	}
	return ""
}
