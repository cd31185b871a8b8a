package series

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"llmops/analysis/accesslog"
)

// Request logs become a series for each measure, with a point for each minute. The
// point stands at the end of its minute, when all of it is known; a request belongs
// to the minute that it ended in, open on the left and closed on the right. Requests
// that the client left, and health checks, count nowhere:
//
//	requests_per_second                       requests that succeeded or failed
//	success_rate, availability                succeeded / all
//	error_rate, timeout_rate                  failed, or timed out, / all
//	p50, p95, p99, max, mean_latency_ms       of requests that succeeded
//	p95_ttft_ms                               of requests that succeeded
//	tokens_per_second                         output tokens of requests that succeeded
//	errors{class="http_503"}                  how many failed so
//
// With Options.By there is one of each for every model, or route, or both, in a label
// of that name, and none for all of them together.
//
// A minute without requests has 0 requests_per_second and none of the others. In a
// minute that the log covers in part, the first and the last, rates are per second
// covered, and absent if that is less than half of it.
const (
	minuteMs = 60_000
	// longestQuiet is how long there may be no request and the log be taken to cover
	// that time all the same.
	longestQuiet = 24 * 60
	maxClasses   = 50
	otherClass   = "other"
)

// A minute is what is kept of the requests of one.
type minute struct {
	succeeded, failed, timeouts int64
	tokens                      int64
	counted                     bool // some request told its tokens
	latency, ttft               durations
	errors                      map[string]int64
}

// take counts a request.
func (m *minute) take(e *accesslog.Event) {
	switch {
	case e.HealthCheck, e.Cancelled:
		return
	case e.Failed:
		m.failed++
		if timedOut(e) {
			m.timeouts++
		}
		if m.errors == nil {
			m.errors = map[string]int64{}
		}
		m.errors[class(e.Error)]++
		return
	}
	m.succeeded++
	const perNs = 2 // a Fixed counts halves of a millionth of a ms
	if e.Latency.Known() {
		m.latency.add(int64(e.Latency) / perNs)
	}
	if e.TTFT.Known() {
		m.ttft.add(int64(e.TTFT) / perNs)
	}
	if e.OutputTokens >= 0 {
		m.tokens, m.counted = m.tokens+e.OutputTokens, true
	}
}

// timedOut tells by status and error whether a failure was a timeout.
func timedOut(e *accesslog.Event) bool {
	return e.Status == 408 || e.Status == 504 || strings.Contains(strings.ToLower(e.Error), "timeout")
}

// class is an error as the value of a label: whole sentences, which may be different
// each time, are one class.
func class(text string) string {
	const longest = 64
	if text == "" || len(text) > longest || strings.ContainsAny(text, " \t\n\r") {
		return otherClass
	}
	return text
}

func (m *minute) merge(o *minute) {
	m.succeeded, m.failed, m.timeouts = m.succeeded+o.succeeded, m.failed+o.failed, m.timeouts+o.timeouts
	m.tokens, m.counted = m.tokens+o.tokens, m.counted || o.counted
	m.latency.merge(&o.latency)
	m.ttft.merge(&o.ttft)
	for c, n := range o.errors {
		if m.errors == nil {
			m.errors = map[string]int64{}
		}
		m.errors[c] += n
	}
}

// topClasses are the classes of errors that have a series, the most frequent ones,
// sorted; if there are more, the others together are one.
func topClasses(minutes map[int64]*minute) []string {
	counts := map[string]int64{}
	for _, m := range minutes {
		for c, n := range m.errors {
			counts[c] += n
		}
	}
	all := slices.Sorted(maps.Keys(counts))
	if len(all) <= maxClasses {
		return all
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	top := append(all[:maxClasses-1:maxClasses-1], otherClass)
	slices.Sort(top)
	return slices.Compact(top)
}
