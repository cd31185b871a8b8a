package alert

import (
	"fmt"
	"math/big"
	"strings"

	"llmops/rules/slo"
)

// counts is where the numbers of an objective come from, as PromQL with a hole
// for the window. Every expression gives one series without labels.
type counts struct {
	// events are the rates that add up to that of all events, one or two, and one of
	// bad and good is the rate of a part.
	events    []string
	bad, good string
	// late tells that the part may be absent though there are events, and is 0
	// then: a counter with a label for failures begins with the first failure.
	late bool
	// amount is the rate that a slice is judged by, where it is not events.
	amount string
	// value or badShare stand in place of the rates, and give one number at any
	// time: to be held against the limit, or the share of bad events itself.
	value, badShare string

	limit     string // that value is held against, in its unit; of a histogram, the bucket's
	buckets   string // selects all those of the histogram
	perSecond bool   // events are known to be one per second
	warnings  []string
	assumed   []string // warnings of what only the server knows
}

// Options say where the numbers come from. A query of the caller's comes before
// one of the file, and that before an engine.
type Options struct {
	Only          []string // names of objectives; empty: all
	ExcludeStatus []int    // statuses that are no event of the service

	// Engine is one of Engines, and Match are label matchers for its metrics:
	// job="vllm",model_name="m".
	Engine, Match string
	// Good, Bad and Total count the events of one objective: two of them, each a
	// counter or a query.
	Good, Bad, Total string
	// Histogram is a classic histogram of the times that the objectives are on, in
	// Unit: "s" or "ms"; "": as its name says.
	Histogram, Unit string
	// RoundToBucket lets a limit that is no bucket's take the next stricter one.
	RoundToBucket bool
}

// given tells whether the caller counts by queries.
func (opt Options) given() bool { return opt.Good+opt.Bad+opt.Total != "" }

// count finds the numbers of an objective.
func (opt Options) count(o slo.Objective, q Query) (counts, error) {
	switch {
	case opt.given():
		if o.Statistic == slo.Rate && o.Metric != "requests_per_second" {
			return counts{}, failf("name an --engine that counts them", "%s are no events that could be good or bad", o.Metric)
		}
		return counted(opt.Good, opt.Bad, opt.Total, true)
	case opt.Histogram != "" && o.Statistic == slo.Quantile:
		return opt.histogram(o)
	case q.promQL():
		return q.count(o)
	case opt.Engine != "":
		return opt.engine(o)
	case q.Type != "":
		return counts{}, failf("name an --engine, or give --good, --bad and --total", "its query is one of %s, not of Prometheus", q.Type)
	case q.Unknown:
		return counts{}, failf("write type: Prometheus in the metricSource, or name an --engine", "nothing says what its query is a query of")
	}
	return counts{}, failf("name an --engine ("+strings.Join(Engines(), ", ")+"), or give two of --good, --bad and --total, or --latency-histogram",
		"nothing says which Prometheus metrics it is measured by")
}

// counted makes the rates from two of three counts.
func counted(good, bad, total string, counter bool) (counts, error) {
	if (good != "") == (bad != "") && total != "" || total == "" && (good == "" || bad == "") {
		return counts{}, failf("give the total, and either the good or the bad events; or the good and the bad ones", "its events cannot be counted from what is given")
	}
	c := counts{late: true, perSecond: true}
	var events string
	for _, part := range []struct {
		query string
		rate  *string
	}{{good, &c.good}, {bad, &c.bad}, {total, &events}} {
		if part.query == "" {
			continue
		}
		rate, perSecond, err := rateQuery(part.query, counter)
		if err != nil {
			return c, err
		}
		*part.rate, c.perSecond = rate, c.perSecond && perSecond
	}
	c.events = []string{events}
	if total == "" {
		c.events, c.good = []string{c.good, c.bad}, ""
	}
	return c, nil
}

// either is the sum of one rate or of two, of which one may be absent: none of its
// kind yet.
func either(rates []string) string {
	if len(rates) == 1 {
		return rates[0]
	}
	return fmt.Sprintf("%[1]s + %[2]s or %[1]s or %[2]s", rates[0], rates[1])
}

// Query is what an OpenSLO file says of where an objective is measured.
type Query struct {
	Type             string // of the source, where that is not Prometheus
	Unknown          bool   // nothing says of which type it is
	Good, Bad, Total string
	Raw              string // a share, of bad events if RawBad
	RawBad           bool
	Counter          bool
	Value            string // of a thresholdMetric
	Limit            string // that the objective compares Value with, in the query's unit
}

func (q Query) promQL() bool {
	return q.Type == "" && !q.Unknown && q.Good+q.Bad+q.Total+q.Raw+q.Value != ""
}

// count makes rates of the queries of the file.
func (q Query) count(o slo.Objective) (counts, error) {
	switch {
	case q.Raw != "" && !o.Method.Sliced():
		return counts{}, failf("write good or bad and total, or a method with slices", "a raw share has no events to count, and a mean of shares is no share of events")
	case q.Raw != "":
		share, err := valueQuery(q.Raw, prom(o.Slice))
		if q.RawBad {
			share = "max(" + share + ")"
		} else {
			share = "1 - min(" + share + ")"
		}
		return counts{badShare: share, warnings: oneSeries(o)}, err
	case q.Value != "":
		pick := "min"
		if o.Op.Upper() {
			pick = "max"
		}
		if _, ok := new(big.Rat).SetString(q.Limit); !ok {
			return counts{}, failf("write a decimal number", "its limit %q is no number", q.Limit)
		}
		value, err := valueQuery(q.Value, prom(sliceOf(o)))
		return counts{value: fmt.Sprintf("%s(%s)", pick, value), limit: q.Limit, warnings: oneSeries(o)}, err
	}
	return counted(q.Good, q.Bad, q.Total, q.Counter)
}

func oneSeries(o slo.Objective) []string {
	return []string{fmt.Sprintf("%s: a query for a value counts no requests: the value at the end of each %s stands for all of it, of several series the worst", o.Name, prom(sliceOf(o)))}
}
