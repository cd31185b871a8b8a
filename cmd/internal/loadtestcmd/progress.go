package loadtestcmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/render"
	"llmops/probes/load"
)

// progress gives the line that shows how far a run is.
func progress(app *cli.App, o *options, agg *loadreport.Aggregator, gauge *load.Gauge) func() string {
	start := app.Now()
	return func() string {
		now := app.Now()
		l := agg.Live(now)
		done := l.Requests.Succeeded + l.Requests.Failed
		var b strings.Builder
		if n := o.ownRequests(); n > 0 {
			fmt.Fprintf(&b, "%d/%d requests", done, n)
		} else {
			fmt.Fprintf(&b, "%d requests", done)
		}
		fmt.Fprintf(&b, ", %s/s, %d in flight", render.Number(l.RequestsPerSec), gauge.InFlight())
		if l.P50 != nil && l.P95 != nil {
			fmt.Fprintf(&b, ", p50 %s, p95 %s", render.Span(*l.P50), render.Span(*l.P95))
		}
		fmt.Fprintf(&b, ", %s", errorsLine(l))
		if eta, ok := remaining(o, now.Sub(start), done); ok {
			fmt.Fprintf(&b, ", %s left", render.Span(eta.Round(time.Second)))
		}
		return b.String()
	}
}

func errorsLine(l loadreport.Live) string {
	if l.Requests.Failed == 0 {
		return "no errors"
	}
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(l.Errors)) {
		parts = append(parts, fmt.Sprintf("%s %d", class, l.Errors[class]))
	}
	return "errors " + strings.Join(parts, " ")
}

// ownRequests is how many requests this process is to measure; 0: not known. The
// sessions of a shard have their own numbers of turns.
func (o *options) ownRequests() int64 {
	if o.shard.Count > 1 && !o.people.turns.IsZero() {
		return 0
	}
	return o.shard.Share(o.requests)
}

// remaining estimates the time to the end: the nearer of the two limits.
func remaining(o *options, elapsed time.Duration, done int64) (time.Duration, bool) {
	var eta time.Duration
	known := false
	if o.duration > 0 {
		eta, known = max(o.warmup.duration+o.duration-elapsed, 0), true
	}
	if n := o.ownRequests(); n > 0 && done > 0 {
		if left := time.Duration(float64(elapsed) / float64(done) * float64(n-done)); !known || left < eta {
			eta, known = left, true
		}
	}
	return eta, known
}
