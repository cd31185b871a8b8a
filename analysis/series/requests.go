package series

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

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

// readRequests reads request logs.
func readRequests(ctx context.Context, sources []accesslog.Source, o Options) (*writer, accesslog.Summary, error) {
	var all []map[int64]*minute // a worker's, by the number of the minute's end
	summary, err := accesslog.Read(ctx, sources, accesslog.Options{
		Format: o.Format, Map: o.Map, Workers: o.Workers, Progress: o.Progress,
	}, func() func(*accesslog.Event) {
		mine := map[int64]*minute{}
		all = append(all, mine)
		var last *minute
		var lastEnd int64
		return func(e *accesslog.Event) {
			end := minuteOf(e.End)
			if last == nil || end != lastEnd {
				if last = mine[end]; last == nil {
					last = new(minute)
					mine[end] = last
				}
				lastEnd = end
			}
			last.take(e)
		}
	})
	if err != nil {
		return nil, summary, err
	}
	minutes := map[int64]*minute{}
	for _, some := range all {
		for end, m := range some {
			if minutes[end] == nil {
				minutes[end] = m
			} else {
				minutes[end].merge(m)
			}
		}
	}
	w := newWriter(cmp.Or(o.MaxSeries, defaultMaxSeries))
	return w, summary, w.minutes(minutes, summary.First, summary.Last)
}

// minuteOf is the number, since the epoch, of the minute that ends at or after t.
func minuteOf(t int64) int64 { return -floorDiv(-t, minuteMs) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// minutes writes the series.
func (w *writer) minutes(minutes map[int64]*minute, first, last int64) error {
	ends := slices.Sorted(maps.Keys(minutes))
	classes := topClasses(minutes)
	var at int64
	var failed error
	known := map[string]*entry{}
	put := func(key string, v float64, pairs ...string) {
		e := known[key]
		if e == nil {
			var err error
			if e, err = w.series(labels.FromStrings(pairs...)); err != nil {
				failed = err
				return
			}
			known[key] = e
		}
		e.append(at, v)
	}
	name := func(n string, v float64) { put(n, v, model.MetricNameLabel, n) }
	failures := func(class string, n int64) {
		put("errors "+class, float64(n), model.MetricNameLabel, "errors", "class", class)
	}
	for i, end := range ends {
		if i > 0 && end-ends[i-1] <= longestQuiet {
			for quiet := ends[i-1] + 1; quiet < end; quiet++ {
				at = quiet * minuteMs
				name("requests_per_second", 0)
			}
		}
		m := minutes[end]
		at = end * minuteMs
		total := float64(m.succeeded + m.failed)
		covered := float64(min(at, last)-max(at-minuteMs, first)) / 1000
		if at-minuteMs >= first && at <= last {
			covered = 60
		}
		if covered >= 30 {
			name("requests_per_second", total/covered)
			if m.counted {
				name("tokens_per_second", float64(m.tokens)/covered)
			}
		}
		if total == 0 {
			continue
		}
		for _, n := range []string{"success_rate", "availability"} {
			name(n, float64(m.succeeded)/total)
		}
		name("error_rate", float64(m.failed)/total)
		name("timeout_rate", float64(m.timeouts)/total)
		if q, mean, ok := m.latency.measures(0.5, 0.95, 0.99, 1); ok {
			for i, n := range []string{"p50_latency_ms", "p95_latency_ms", "p99_latency_ms", "max_latency_ms"} {
				name(n, q[i])
			}
			name("mean_latency_ms", mean)
		}
		if q, _, ok := m.ttft.measures(0.95); ok {
			name("p95_ttft_ms", q[0])
		}
		left := m.failed
		for _, c := range classes {
			if c != otherClass {
				failures(c, m.errors[c])
				left -= m.errors[c]
			}
		}
		if slices.Contains(classes, otherClass) {
			failures(otherClass, left)
		}
	}
	return failed
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
