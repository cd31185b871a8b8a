package loadreport

import (
	"cmp"
	"maps"
	"slices"

	"llmops/analysis/stats"
	"llmops/probes/request"
)

// ByURL is the part that one of several targets had in a run, in the figures of the
// whole. Objectives judge the whole only.
type ByURL struct {
	URL      string           `json:"url"`
	Requests Requests         `json:"requests"`
	Errors   map[string]int64 `json:"errors"`
	Metrics  URLMetrics       `json:"metrics"`
}

// URLMetrics are the distributions of one target, each in ms.
type URLMetrics struct {
	Latency Distribution `json:"latency_ms"`
	TTFT    Distribution `json:"ttft_ms"`
	TPOT    Distribution `json:"tpot_ms"`
}

// urls counts by target; nil where records name none.
type urls map[string]*urlCount

type urlCount struct {
	requests Requests
	errors   map[string]int64
	sketches [tpot + 1]stats.Sketch // latency, TTFT and TPOT, ns
}

func (u *urls) add(r *request.Record) {
	if r.URL == "" {
		return
	}
	if *u == nil {
		*u = urls{}
	}
	c := (*u)[r.URL]
	if c == nil {
		c = &urlCount{errors: map[string]int64{}}
		(*u)[r.URL] = c
	}
	c.requests.add(r)
	switch {
	case r.Error == request.Cancelled:
	case !r.OK:
		c.errors[string(cmp.Or(r.Error, unclassified))]++
	default:
		for metric, ms := range [...]*float64{latency: r.LatencyMs, ttft: r.TTFTms, tpot: r.TPOTms} {
			if usable(ms) {
				c.sketches[metric].Add(nanoseconds(*ms))
			}
		}
	}
}

// summary has the worst first: by the share that failed, then by the p95 latency.
func (u urls) summary() (list []ByURL) {
	for url, c := range u {
		of := func(metric int) Distribution { return distribution(&c.sketches[metric], 1e6) }
		list = append(list, ByURL{URL: url, Requests: c.requests, Errors: maps.Clone(c.errors),
			Metrics: URLMetrics{Latency: of(latency), TTFT: of(ttft), TPOT: of(tpot)}})
	}
	slices.SortFunc(list, func(a, b ByURL) int {
		return cmp.Or(cmp.Compare(b.Requests.failedShare(), a.Requests.failedShare()),
			cmp.Compare(orZero(b.Metrics.Latency.P95), orZero(a.Metrics.Latency.P95)), cmp.Compare(a.URL, b.URL))
	})
	return list
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// add counts one request.
func (r *Requests) add(rec *request.Record) {
	r.Total++
	switch {
	case rec.Error == request.Cancelled:
		r.Cancelled++
		if rec.ByPlan {
			r.ByPlan++
		}
	case rec.OK:
		r.Succeeded++
	default:
		r.Failed++
	}
}

// cut is the number of those that the end of the run cut off.
func (r Requests) cut() int64 { return r.Cancelled - r.ByPlan }

func (r Requests) failedShare() float64 {
	if r.Failed == 0 {
		return 0
	}
	return float64(r.Failed) / float64(r.Failed+r.Succeeded)
}
