package loadreport

import (
	"fmt"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// cut is what is known of requests that the load test cut off. They are in no
// figure, but a verdict must not rest on their absence: the requests that a
// hanging server keeps are the slowest ones.
type cut struct {
	ages        stats.Sketch // ns, from scheduled to cut
	first, last time.Time    // first scheduled, last cut
	sent        int64        // those that were in flight
	inFlight    time.Duration
}

// cutOff takes a request that was cut off.
func (a *Aggregator) cutOff(r *request.Record) {
	begin := begun(r)
	if begin.IsZero() || r.DoneAt.IsZero() {
		return
	}
	a.start(begin)
	widen(&a.cut.first, &a.cut.last, begin, r.DoneAt)
	a.cut.ages.Add(int64(max(r.DoneAt.Sub(begin), 0)))
	if !r.SentAt.IsZero() {
		a.cut.sent++
		a.cut.inFlight += max(r.DoneAt.Sub(r.SentAt), 0)
	}
	for _, c := range a.counters {
		if v, ok := reached(r, c.metric); ok && c.o.Op.Upper() && c.bad(v) == 1 {
			c.cut.Add(v, 1)
		}
	}
}

// reached is the least that a metric of a cut request would have become, in ms:
// what was measured of it, else its age.
func reached(r *request.Record, metric int) (float64, bool) {
	from, to := begun(r), r.DoneAt
	switch {
	case metric == latency:
	case metric == ttft && !r.FirstTokenAt.IsZero():
		to = r.FirstTokenAt
	case metric == ttft:
	case metric == queue && !r.SentAt.IsZero():
		to = r.SentAt
	case metric == queue:
	case (metric == chunkGap || metric == itl) && !r.LastTokenAt.IsZero():
		from = r.LastTokenAt // the gap that was open
	default:
		return 0, false
	}
	return request.Ms(to.Sub(from)), true
}

// misses is how many of the cut requests may have been misses of the objective.
// Where a time limit is judged, they are those that were beyond it already.
// Otherwise each may have been one; but of an interrupted run only those that
// had taken longer than any request that succeeded, for that it cut requests
// in flight is in its nature.
func (a report) misses(c *counter) uint64 {
	switch {
	case a.requests.cut() == 0:
		return 0
	case c.metric == latency, c.metric == ttft, c.metric == queue:
		return c.cut.N
	case c.slices == nil && (c.o.Statistic == slo.Rate || c.o.Metric == "concurrent_requests" ||
		c.o.Statistic == slo.Mean && c.metric < 0 && c.o.Metric != "quality_score"):
		return 0 // the window reaches to the cut
	case a.run.Interrupted && (c.metric == chunkGap || c.metric == itl):
		return c.cut.N
	case a.run.Interrupted:
		longest, _ := a.series[latency].sketch.Max()
		return a.cut.ages.Above(longest)
	}
	return uint64(a.requests.cut())
}

// judgeCut gives the verdict on one objective. A pass must hold with the requests
// that were cut off counted as misses too.
func (a report) judgeCut(c *counter) Judgement {
	j := a.verdict(c)
	n := a.misses(c)
	if j.Verdict != Pass {
		return j
	}
	if d := a.silence(); d > 0 {
		j.Verdict, j.CutOff = Inconclusive, uint64(a.requests.cut())
		j.Detail += fmt.Sprintf("; but nothing came back in the last %s of %s, with %s still open",
			short(d), short(a.measured()), requests.of(uint64(a.requests.cut())))
		return j
	}
	blind := uint64(0)
	if c.o.Metric == "quality_score" {
		blind = a.grades.unchecked()
	}
	if n+blind == 0 {
		return j
	}
	worst := a
	worst.asMisses = n + blind
	if worst.verdict(c).Verdict == Pass {
		return j
	}
	if blind > 0 {
		j.Verdict, j.CutOff = Inconclusive, n
		j.Detail += fmt.Sprintf("; but with %s as misses that %s not checked or cut off it would not pass", replies.of(n+blind), was(n+blind))
		return j
	}
	j.Verdict, j.CutOff = Inconclusive, n
	advice := "raise --drain-timeout"
	if a.run.Interrupted {
		advice = "let the run end"
	}
	oldest, _ := a.cut.ages.Max()
	j.Detail += fmt.Sprintf("; but %s %s cut off after up to %s; with them as misses it would not pass: %s",
		requests.of(n), was(n), short(time.Duration(oldest)), advice)
	return j
}

// silentShare is the share of the window after which silence is a finding.
const silentShare = 0.1

// silence is how long before the end of the window the last request ended while
// others waited until they were cut off, if that is longer than any request
// took and than a tenth of the window; else 0. A closed loop whose server hangs
// leaves no more cut requests than it has in flight, however long the rest of
// the run: too few to be seen among all, so the time without any is looked at.
func (a report) silence() time.Duration {
	d := a.end().Sub(a.last)
	longest, ok := a.series[latency].sketch.Max()
	if a.requests.cut() == 0 || !ok || a.first.IsZero() || int64(d) <= longest ||
		d.Seconds() <= silentShare*a.measured().Seconds() {
		return 0
	}
	return d
}

// end is where the measured window ends: with the last request that ended, but
// not before the load did, where that is known, else where requests were cut off
// with the cut. What was waited for in vain counts, and so does the time in which
// nothing was due.
func (a report) end() time.Time {
	until := a.cut.last
	if a.run.Window > 0 {
		until = a.line.base.Add(a.run.Window)
	}
	if until.After(a.last) {
		return until
	}
	return a.last
}

// begin is where the measured window begins: with the load, where it is known how
// long that lasted, else with the first request. A window from the first of few
// arrivals is too short by the time before it.
func (a report) begin() time.Time {
	first := a.first
	if !a.cut.first.IsZero() && a.cut.first.Before(first) {
		first = a.cut.first
	}
	if a.run.Window > 0 && a.line.base.Before(first) {
		return a.line.base
	}
	return first
}

// measured is the window from the begin to the end. Where no request ended there
// is none.
func (a report) measured() time.Duration {
	if a.first.IsZero() {
		return 0
	}
	return max(a.end().Sub(a.begin()), 0)
}

// spanned is the part of the window from the first scheduled request to the last
// that ended: what a client was to send, it was to send in that.
func (a report) spanned() time.Duration {
	first, last := a.first, a.last
	if !a.cut.first.IsZero() {
		widen(&first, &last, a.cut.first, a.cut.last)
	}
	return max(min(last.Sub(first), a.measured()), 0)
}

// busy is the time that requests were in flight within the window, summed.
func (a report) busy() time.Duration {
	after := max(a.cut.last.Sub(a.end()), 0) // requests are cut all at once
	return a.inFlight + max(a.cut.inFlight-time.Duration(a.cut.sent)*after, 0)
}
