package detect

import (
	"math"
	"slices"
	"strings"
)

// A Class is a kind of metric, as far as detection has to know it.
type Class int

// The classes.
const (
	// Auto is a metric of which nothing is known: whether it counts events shows in its
	// values.
	Auto Class = iota
	// Gauge goes up and down on a scale that is not known.
	Gauge
	// Counter only grows; its rate by second is judged, and a fall is a restart.
	Counter
	// Ratio lies between 0 and 1: what moves by less than a thousandth does not matter.
	Ratio
	// Latency is a time above 0, judged by its logarithm: half is as far as double.
	Latency
	// Counts are events of an interval, or their share: never below 0, often near it.
	Counts
	// Bucket is one of the counters that make a histogram. By itself it says little, and
	// there are many: only channels that were named judge it.
	Bucket
)

func (c Class) String() string {
	return [...]string{"auto", "gauge", "counter", "ratio", "latency", "counts", "bucket"}[c]
}

// ratioRange is the least range of a ratio for channels that measure by the range.
const ratioRange = 0.1

// floor is the least range that a class's values are measured by.
func (c Class) floor() float64 {
	if c == Ratio {
		return ratioRange
	}
	return 0
}

// ClassOf tells the class of a metric by its name, which may carry labels, by the
// conventions of Prometheus and the names of the catalogue. A name that says nothing is
// Auto. Names that end in _sum or _count are counters where both are, which has (nil:
// none) tells of names without labels, or where a unit comes before: connection_count is
// no part of a histogram.
func ClassOf(name string, has func(name string) bool) Class {
	whole, _, _ := strings.Cut(name, "{")
	name = strings.ToLower(whole)
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == ':' || r == '.' || r == '-' || r == ' ' })
	says := func(any ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(any, w) })
	}
	last, before := "", ""
	if n := len(words); n > 0 {
		last, before = words[n-1], words[max(n-2, 0)]
	}
	part := false // of a histogram or a summary
	for end, other := range map[string]string{"_sum": "_count", "_count": "_sum"} {
		if strings.HasSuffix(name, end) { // lower case may be longer, but not that of an end
			part = slices.Contains(units, before) || has != nil && has(whole[:len(whole)-len(end)]+other)
		}
	}
	switch {
	case last == "bucket":
		return Bucket
	case last == "total" || part:
		return Counter
	case says("errors", "error", "failures", "failed", "timeouts", "timeout", "crashes", "crash", "preemptions", "retries", "dropped"):
		return Counts
	case says("ratio", "utilization", "availability", "perc") || strings.HasSuffix(name, "success_rate") || strings.HasSuffix(name, "hit_rate"):
		return Ratio
	case says("latency", "duration", "ttft", "tpot", "itl") || says("time") && says("seconds", "ms"):
		return Latency
	}
	return Auto
}

// units are those that stand before _sum and _count in the names of histograms.
var units = []string{"seconds", "milliseconds", "ms", "bytes", "tokens", "total"}

// A reader of values makes of a row what is judged.
type judged struct {
	class Class
	had   bool
	t     int64
	v     float64
	rate  float64 // of a counter, the last
	x     float64 // what was judged last
}

// rounding is how far two values may be apart, as a part of them, that would be the same
// had they been computed exactly.
const rounding = 0x1p-50

// steady is x, or what was judged last if that is no further off than rounding: a series
// that stands still must not be strange for the last bits of its values.
func (j *judged) steady(x, off float64) float64 {
	if !(math.Abs(x-j.x) <= off) {
		j.x = x
	}
	return j.x
}

// next is the value to judge; not ok: there is none. reset tells that a counter began
// anew, which is an event and no rate: what it had since then is less than what happened.
func (j *judged) next(t int64, v float64) (x float64, reset, ok bool) {
	switch j.class {
	case Latency:
		if v <= 0 { // no request took no time
			return 0, false, false
		}
		x = math.Log(v)
		return j.steady(x, rounding*max(1, math.Abs(x))), false, true
	case Counter, Bucket:
		before := *j
		j.had, j.t, j.v = true, t, v
		if !before.had || t <= before.t {
			return 0, false, false
		}
		grown := v - before.v
		if grown < 0 { // it began anew, and what it grew by until then nobody knows
			return 0, true, false
		}
		seconds := float64(t-before.t) / 1000
		rate := grown / seconds
		if math.IsInf(rate, 0) { // values at both ends of what a float64 can hold
			return 0, false, false
		}
		j.rate = j.steady(rate, rounding*math.Abs(v)/seconds)
		return j.rate, false, true
	}
	return j.steady(v, rounding*math.Abs(v)), false, true
}

// of is the value of a row as it is compared with what was expected: of a counter the
// last rate.
func (j *judged) of(v float64) float64 {
	if j.class == Counter || j.class == Bucket {
		return j.rate
	}
	return v
}

// shown is a judged value as it is shown: a rate for a counter.
func (j *judged) shown(x float64) float64 {
	if j.class == Latency {
		return math.Exp(x)
	}
	return x
}

// A nature is what the values and times so far say about a series.
type nature struct {
	class                      Class
	t                          int64
	rows                       int
	coarse, fine               int // steps of an hour or more, and shorter ones
	negative, zero, fractional bool
}

func (n *nature) see(t int64, v float64) {
	if step := t - n.t; n.rows > 0 && step > 0 {
		if step >= hourMS {
			n.coarse++
		} else {
			n.fine++
		}
	}
	n.t = t
	n.rows++
	n.negative = n.negative || v < 0
	n.zero = n.zero || v == 0
	n.fractional = n.fractional || v != math.Trunc(v)
}

// counts tells whether it is the kind of series whose rows sum up events of an hour or
// more: their noise is wide and skewed, no two values are alike for long, so what
// happens only shows against the spread of the rows around it.
func (n *nature) counts() bool {
	if n.coarse <= n.fine || n.negative {
		return false
	}
	return n.class == Counts || n.class == Auto && (n.zero || !n.fractional)
}
