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
	Confidence float64 // of each one-sided test, to be above 0.5 and below 1; 0: DefaultConfidence
	Price      Price
}

// series is one metric: its distribution, and its moments in the order of the
// schedule.
type series struct {
	sketch stats.Sketch   // ns
	means  stats.Sequence // a cluster for each request: sum and number of its values, ms
	joined joined
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
	lengths    []*sliceCounts // for timeslice objectives, one for each length

	requests              Requests
	errors                map[string]int64
	prompt, completion    int64
	reasoning, cached     int64
	promptN, completionN  int64
	reasoningN, cachedN   int64
	fromUsage, fromChunks int64
	good                  int64
	inputs                int64 // of embeddings
	series                [metricCount]series
	lateness, readLag     stats.Sketch // ns
	quality               stats.Sequence
	grades                grades
	events, coalesced     int64
	resent                int64
	first, last           time.Time // first scheduled, last done
	inFlight              time.Duration
	cut                   cut
	line                  timeline
	course                course
	arrivals              arrivals
	urls                  urls
	started               bool
}

// New makes an Aggregator without records.
func New(cfg Config) *Aggregator {
	if cfg.Confidence == 0 {
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

// Add counts one measured request, in any order. It keeps nothing of r. Its ID
// is its place in the schedule: requests that are near each other there are
// expected to resemble each other.
func (a *Aggregator) Add(r *request.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests.add(r)
	a.urls.add(r)
	if r.Error == request.Cancelled {
		a.arrived(r)
		if !r.ByPlan {
			a.cutOff(r)
		} else if !r.SentAt.IsZero() && !r.DoneAt.IsZero() {
			a.inFlight += max(r.DoneAt.Sub(r.SentAt), 0)
		}
		return
	}
	a.window(r)
	a.arrived(r)
	a.events += int64(len(r.Chunks))
	a.coalesced += int64(r.Coalesced)
	a.resent += int64(min(r.Resent, 1))
	if r.Lateness != nil {
		a.lateness.Add(int64(max(*r.Lateness, 0)))
	}
	if r.ReadLag != nil {
		a.readLag.Add(int64(max(*r.ReadLag, 0)))
	}
	end, class := bin{}, request.OK
	if r.OK {
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
		a.failure(r)
		end.failed = 1
		if class = r.Error; class == request.OK {
			class = unclassified
		}
		a.errors[string(class)]++
	}
	a.ended(r)
	if a.started && !r.DoneAt.IsZero() {
		a.line.add(r.DoneAt, end)
		a.course.add(r.DoneAt.Sub(a.line.base), r, end, string(class))
		for _, s := range a.lengths {
			s.add(a.line.base, r.DoneAt, end)
		}
	}
}

// window widens the measured window and sums the time in flight.
func (a *Aggregator) window(r *request.Record) {
	begin := begun(r)
	if begin.IsZero() || r.DoneAt.IsZero() {
		return
	}
	a.start(begin)
	widen(&a.first, &a.last, begin, r.DoneAt)
	if !r.SentAt.IsZero() {
		a.inFlight += max(r.DoneAt.Sub(r.SentAt), 0)
	}
}

// begun is when the time of a request begins.
func begun(r *request.Record) time.Time {
	if r.ScheduledAt.IsZero() {
		return r.SentAt
	}
	return r.ScheduledAt
}

func widen(first, last *time.Time, from, to time.Time) {
	if first.IsZero() || from.Before(*first) {
		*first = from
	}
	if to.After(*last) {
		*last = to
	}
}
