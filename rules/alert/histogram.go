package alert

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"llmops/rules/slo"
)

// failures says what a histogram does with requests that failed.
type failures int

const (
	failuresLeftOut  failures = iota // it observes those that succeeded
	failuresByStatus                 // a label has the status
	failuresMixed                    // they are observed like others, by their time
)

// histogram is a classic histogram of the time that requests took.
type histogram struct {
	name     string
	ms       bool     // its unit; else seconds
	bounds   []string // of its buckets, ascending; nil: not known
	failures failures
}

// unit is its unit in words.
func (h histogram) unit() string {
	if h.ms {
		return "ms"
	}
	return "s"
}

// histogram counts by the histogram that the caller names.
func (opt Options) histogram(o slo.Objective) (counts, error) {
	h := histogram{name: opt.Histogram}
	name := strings.TrimSuffix(opt.Histogram, "_bucket")
	if h.name = name; !plainName.MatchString(name) {
		return counts{}, failf("give the name of a classic histogram, such as request_duration_seconds, and label matchers with --match", "%q is no name of a histogram", opt.Histogram)
	}
	switch unit := opt.Unit; {
	case unit == "ms", unit == "" && (strings.HasSuffix(name, "_milliseconds") || strings.HasSuffix(name, "_ms")):
		h.ms = true
	case unit == "" && !strings.HasSuffix(name, "_seconds"):
		return counts{}, failf("add --latency-unit s, or ms", "the name of %s does not say its unit", name)
	}
	if o.Errors == slo.ErrorsBad {
		return counts{}, failf("count with --good, --bad and --total", "its failed requests are bad events, and a histogram alone does not count them")
	}
	c, err := opt.within(o, h, nil)
	if err != nil {
		return c, err
	}
	c.assumed = append(c.assumed, fmt.Sprintf("%s: %s must have a bucket le=\"%s\": without it nothing is counted, which %s tells", o.Name, name, decimal(h.limit(o)), notMeasured))
	return c, nil
}

// limit is that of the objective, in the unit of the histogram.
func (h histogram) limit(o slo.Objective) *big.Rat {
	if h.ms {
		return o.Threshold.Rat
	}
	return new(big.Rat).Quo(o.Threshold.Rat, big.NewRat(1000, 1))
}

// within counts the events of the histogram, and by its buckets the good ones:
// le is at most, so that a time of exactly the limit counts as below it.
func (opt Options) within(o slo.Objective, h histogram, matchers []string) (c counts, err error) {
	if !strings.HasSuffix(o.Metric, "_ms") {
		return c, failf("give two of --good, --bad and --total", "%s is no time that a histogram could hold", o.Metric)
	}
	limit := h.limit(o)
	bucket, exact := decimal(limit), true
	if len(h.bounds) > 0 {
		bucket, exact = h.bucket(limit, o.Op.Upper())
	}
	switch {
	case bucket == "", !exact && !opt.RoundToBucket:
		return c, h.noBucket(limit, bucket)
	case !exact:
		c.warnings = append(c.warnings, fmt.Sprintf("%s: LIMIT CHANGED: %s has no bucket at %s %s; the rules use %s %s, which is stricter", o.Name, h.name, decimal(limit), h.unit(), bucket, h.unit()))
	}
	c.events, c.perSecond = []string{rateOf(h.name+"_count", matchers, opt.Match)}, true
	c.good = rateOf(h.name+"_bucket", append(slices.Clone(matchers), `le=~"`+boundary(bucket)+`"`), opt.Match)
	if !o.Op.Upper() {
		c.good, c.bad = "", c.good
	}
	c.buckets, c.limit = selectorOf(h.name+"_bucket", matchers, opt.Match), bucket
	return c, nil
}

// bucket is the bound that is the limit, or else the next stricter one; "": none.
func (h histogram) bucket(limit *big.Rat, upper bool) (string, bool) {
	stricter := ""
	for _, text := range h.bounds {
		bound, ok := new(big.Rat).SetString(text)
		if !ok {
			continue
		}
		switch c := bound.Cmp(limit); {
		case c == 0:
			return text, true
		case c < 0 && upper:
			stricter = text
		case c > 0 && !upper && stricter == "":
			stricter = text
		}
	}
	return stricter, false
}

func (h histogram) noBucket(limit *big.Rat, stricter string) error {
	hint := "buckets that it has: " + strings.Join(h.bounds, ", ")
	if len(h.bounds) > 30 {
		hint = "change the limit"
	}
	if stricter != "" {
		hint = fmt.Sprintf("--round-to-bucket takes %s %s, which is stricter; %s", stricter, h.unit(), hint)
	}
	return failf(hint, "its limit of %s %s is no bucket of %s", decimal(limit), h.unit(), h.name)
}

// boundary is a regular expression for the label le of a bound: servers write 1,
// and Python and newer versions of Prometheus 1.0; 1800000, and 1.8e+06.
func boundary(text string) string {
	forms := []string{text}
	if !strings.Contains(text, ".") {
		forms = append(forms, text+".0")
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		forms = append(forms, strconv.FormatFloat(f, 'g', -1, 64))
	}
	for i, f := range forms {
		// The quote of a PromQL string takes one level of backslashes.
		forms[i] = strings.ReplaceAll(regexp.QuoteMeta(f), `\`, `\\`)
	}
	slices.Sort(forms)
	return strings.Join(slices.Compact(forms), "|")
}

// rateOf is the rate of a counter over hole, summed over its series.
func rateOf(name string, matchers []string, match string) string {
	return "sum(rate(" + selectorOf(name, matchers, match) + "[" + hole + "]))"
}

func selectorOf(name string, matchers []string, match string) string {
	if match != "" {
		matchers = append(slices.Clone(matchers), match)
	}
	if len(matchers) == 0 {
		return name
	}
	return name + "{" + strings.Join(matchers, ",") + "}"
}
