package loadreport

import (
	"math/big"
	"sync"
	"time"

	"llmops/analysis/stats"
	"llmops/probes/request"
	"llmops/rules/slo"
)

// DefaultConfidence is that of each one-sided test.
const DefaultConfidence = 0.95

// Config says what an Aggregator is to judge.
type Config struct {
	Objectives []slo.Objective
	Confidence float64 // of each one-sided test, above 0.5 and below 1; 0: DefaultConfidence
	Price      Price
}

// series is one metric: its distribution and, for objectives on the mean, its
// moments.
type series struct {
	sketch stats.Sketch // ns
	means  stats.Ratio  // a cluster for each request: sum and number of its values, ms
}

// unclassified is the key of a failure that its record does not name.
const unclassified request.Class = "unclassified"

// The metrics of the summary, in its order.
const (
	latency = iota
	ttft
	tpot
	itl
	chunkGap
	queue
	metricCount
)

var metricNames = [metricCount]string{"latency_ms", "ttft_ms", "tpot_ms", "itl_ms", "chunk_gap_ms", "queue_ms"}

// Aggregator takes records as requests end. It is safe for concurrent use.
type Aggregator struct {
	mu         sync.Mutex
	confidence float64
	conf       *big.Rat
	price      Price
	counters   []*counter     // one for each objective
	limits     []limit        // what a request must meet to count for goodput
	cut        []*sliceCounts // for timeslice objectives, one for each length

	requests              Requests
	errors                map[string]int64
	timeouts              int64
	prompt, completion    int64
	reasoning, cached     int64
	promptN, completionN  int64
	reasoningN, cachedN   int64
	fromUsage, fromChunks int64
	good                  int64
	series                [metricCount]series
	lateness              stats.Sketch // ns
	quality               stats.Welford
	events, coalesced     int64
	resent                int64
	first, last           time.Time // first scheduled, last done
	inFlight              time.Duration
	line                  timeline
	started               bool
}

// New makes an Aggregator without records.
func New(cfg Config) *Aggregator {
	if !(cfg.Confidence > 0.5 && cfg.Confidence < 1) {
		cfg.Confidence = DefaultConfidence
	}
	a := &Aggregator{
		confidence: cfg.Confidence, conf: stats.Exact(cfg.Confidence), price: cfg.Price,
		errors: map[string]int64{}, line: timeline{width: firstBin},
	}
	for _, o := range cfg.Objectives {
		a.counters = append(a.counters, a.compile(o))
	}
	a.limits = goodputLimits(a.counters)
	return a
}

// Start tells when the measured part of the run begins: time slices count from
// there. Without it they count from the first record.
func (a *Aggregator) Start(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.start(at)
}

func (a *Aggregator) start(at time.Time) {
	if !a.started && !at.IsZero() {
		a.started, a.line.base = true, at
	}
}

// Add counts one measured request, in any order. It keeps nothing of r.
func (a *Aggregator) Add(r *request.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests.Total++
	if r.Error == request.Cancelled {
		a.requests.Cancelled++
		return
	}
	a.window(r)
	a.events += int64(len(r.Chunks))
	a.coalesced += int64(r.Coalesced)
	a.resent += int64(min(r.Resent, 1))
	if r.Lateness != nil {
		a.lateness.Add(int64(max(*r.Lateness, 0)))
	}
	end := bin{}
	if r.OK {
		a.requests.Succeeded++
		a.success(r)
		end.succeeded = 1
		if r.CompletionTokens != nil {
			end.tokens = *r.CompletionTokens
		}
		if a.meetsLimits(r) {
			a.good++
			end.good = 1
		}
	} else {
		a.requests.Failed++
		end.failed = 1
		class := r.Error
		if class == request.OK {
			class = unclassified
		}
		a.errors[string(class)]++
		if class.IsTimeout() {
			a.timeouts++
		}
	}
	if a.started && !r.DoneAt.IsZero() {
		a.line.add(r.DoneAt, end)
		for _, s := range a.cut {
			s.add(a.line.base, r.DoneAt, end)
		}
	}
}

// window widens the measured window and sums the time in flight.
func (a *Aggregator) window(r *request.Record) {
	begin := r.ScheduledAt
	if begin.IsZero() {
		begin = r.SentAt
	}
	if begin.IsZero() || r.DoneAt.IsZero() {
		return
	}
	a.start(begin)
	if a.first.IsZero() || begin.Before(a.first) {
		a.first = begin
	}
	if r.DoneAt.After(a.last) {
		a.last = r.DoneAt
	}
	if !r.SentAt.IsZero() {
		a.inFlight += max(r.DoneAt.Sub(r.SentAt), 0)
	}
}
