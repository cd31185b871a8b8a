package loadreport

import (
	"cmp"
	"slices"

	"llmops/analysis/stats"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// counter holds what an objective needs beyond the distributions: exact counts
// on either side of its threshold.
type counter struct {
	o      slo.Objective
	metric int // of the series, or -1
	limit  float64
	values uint64         // of the metric
	n, k   uint64         // what is judged, and what of it misses the threshold
	events stats.Sequence // the same by request: k over n
	cut    stats.Ratio    // values that requests had reached when they were cut, and that miss
	slices *sliceCounts
	line   *timeline // where slices that are of this objective alone begin; else nil
	order  *timeline // tells where requests stand
}

func (a *Aggregator) compile(o slo.Objective) *counter {
	c := &counter{o: o, metric: slices.Index(metricNames[:], o.Metric), limit: o.Threshold.Float64(), order: &a.line}
	switch {
	case !o.Method.Sliced():
		return c
	case o.Statistic == slo.Quantile:
		c.slices, c.line = &sliceCounts{length: o.Slice}, &a.line
		return c
	}
	i := slices.IndexFunc(a.lengths, func(s *sliceCounts) bool { return s.length == o.Slice })
	if i < 0 {
		i = len(a.lengths)
		a.lengths = append(a.lengths, &sliceCounts{length: o.Slice})
	}
	c.slices = a.lengths[i]
	return c
}

// bad is 1 when v misses the threshold. Both are the float64 nearest to an
// exact number, so equal numbers compare as equal.
func (c *counter) bad(v float64) uint64 {
	if c.o.Op.Holds(cmp.Compare(v, c.limit)) {
		return 0
	}
	return 1
}

// cluster counts what the request r brought.
func (c *counter) cluster(r *request.Record, bad, n uint64) {
	c.k += bad
	c.n += n
	c.events.Add(c.order.place(r), float64(bad), float64(n))
	if c.line != nil && !c.line.base.IsZero() && !r.DoneAt.IsZero() {
		c.slices.add(c.line.base, r.DoneAt, bin{succeeded: int64(n - bad), failed: int64(bad)})
	}
}

// place is where in the order of the run a request stands: its number, but of a
// session the time, in µs, for the numbers of a session's turns follow each other
// while those of others come in between.
func (t *timeline) place(r *request.Record) uint64 {
	if r.Session == "" || t.base.IsZero() {
		return uint64(max(r.ID, 0))
	}
	return uint64(max(begun(r).Sub(t.base).Microseconds(), 0))
}

// count takes a value of a metric that has no distribution in the summary.
func (a *Aggregator) count(r *request.Record, metric string, v float64) {
	for _, c := range a.counters {
		if c.metric < 0 && c.o.Metric == metric && c.o.Statistic == slo.Quantile {
			c.values++
			c.cluster(r, c.bad(v), 1)
		}
	}
}

// failure counts a failed request where the objective wants it as a miss.
func (a *Aggregator) failure(r *request.Record) {
	for _, c := range a.counters {
		if c.o.Statistic == slo.Quantile && c.o.Errors == slo.ErrorsBad {
			c.cluster(r, 1, 1)
		}
	}
}

// ended counts a request for the objectives on a share of requests.
func (a *Aggregator) ended(r *request.Record) {
	for _, c := range a.counters {
		if c.o.Statistic != slo.Ratio || c.slices != nil {
			continue
		}
		bad := uint64(0)
		if !r.OK && (c.o.Metric != "timeout_rate" || r.Error.IsTimeout()) {
			bad = 1
		}
		c.cluster(r, bad, 1)
	}
}

// limit is a threshold that one request must meet to count for goodput.
type limit struct {
	c      *counter
	target float64
}

// goodputLimits are the upper limits that objectives set on latency, TTFT and
// TPOT of a request. Where several stand on one metric, the one with the
// highest target counts: a limit for the median is not meant for each request.
func goodputLimits(counters []*counter) []limit {
	var limits []limit
	for _, c := range counters {
		l := limit{c: c, target: 1}
		switch {
		case c.metric != latency && c.metric != ttft && c.metric != tpot, !c.o.Op.Upper():
			continue
		case c.o.Statistic == slo.Quantile:
			if l.target = c.o.Target.Float64(); c.o.SliceTarget.Given() {
				l.target = c.o.SliceTarget.Float64()
			}
		case c.o.Statistic != slo.Max:
			continue
		}
		i := slices.IndexFunc(limits, func(x limit) bool { return x.c.metric == c.metric })
		switch {
		case i < 0:
			limits = append(limits, l)
		case l.target > limits[i].target, l.target == limits[i].target && c.limit < limits[i].c.limit:
			limits[i] = l
		}
	}
	return limits
}

// meetsLimits tells whether a succeeded request counts for goodput. What was
// not measured of it breaks no limit: a reply of one token has no TPOT.
func (a *Aggregator) meetsLimits(r *request.Record) bool {
	for _, l := range a.limits {
		v := r.LatencyMs
		switch l.c.metric {
		case ttft:
			v = r.TTFTms
		case tpot:
			v = r.TPOTms
		}
		if usable(v) && l.c.bad(*v) == 1 {
			return false
		}
	}
	return len(a.limits) > 0
}

// goodputMeasured tells whether every limit could be checked on something.
func (a *Aggregator) goodputMeasured() bool {
	for _, l := range a.limits {
		if a.requests.Succeeded > 0 && a.series[l.c.metric].sketch.Count() == 0 {
			return false
		}
	}
	return len(a.limits) > 0
}
