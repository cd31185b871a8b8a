// Package loadreport turns the records of a load test into its summary and its
// verdict. It keeps sketches and counts, never the records, so that its memory
// does not grow with the run. It reads no clock, opens no file and prints
// nothing; how requests are made is not its business.
package loadreport

import (
	"time"

	"llmops/analysis/capacity"
	"llmops/analysis/stats"
)

// Schema names the JSON form of a Summary.
const Schema = "llmops.loadtest/v1"

// Verdict is the outcome of an objective or of a run.
type Verdict string

// The verdicts. Invalid is for a whole run only.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Invalid      Verdict = "invalid"
)

// Summary is the JSON document of a load test. Keys and units are API
// (docs/metrics.md); absent means not measured.
type Summary struct {
	Schema     string           `json:"schema"`
	Version    string           `json:"version"`
	Target     Target           `json:"target"`
	Load       Load             `json:"load"`
	StartedAt  time.Time        `json:"started_at,omitzero"`
	DurationS  float64          `json:"duration_s"`           // the whole run, warm-up included
	MeasuredS  *float64         `json:"measured_s,omitempty"` // first scheduled to last done
	Requests   Requests         `json:"requests"`
	Errors     map[string]int64 `json:"errors"` // failed requests by class
	Tokens     Tokens           `json:"tokens"`
	Throughput Throughput       `json:"throughput"`
	Metrics    Metrics          `json:"metrics"`
	ByURL      []ByURL          `json:"by_url,omitempty"` // of several targets, the worst first
	Client     Client           `json:"client"`
	Server     *Server          `json:"server,omitempty"` // the engine's side, where it tells
	SLO        []Judgement      `json:"slo"`
	Quality    *Quality         `json:"quality,omitempty"`
	Cost       *Cost            `json:"cost,omitempty"`
	Lengths    *Lengths         `json:"lengths,omitempty"`  // asked for, and as the server counted
	Arrivals   []Arrivals       `json:"arrivals,omitempty"` // open loop: asked and achieved over time
	Capacity   *capacity.Report `json:"capacity,omitempty"` // of a search for it; the rest is of the probe that shows it best
	Verdict    Verdict          `json:"verdict"`
	Warnings   []string         `json:"warnings,omitempty"` // what a reader should know beside the verdict
}

// Target says what was tested.
type Target struct {
	URL   string `json:"url"`
	API   string `json:"api"`
	Model string `json:"model"`
}

// Load says how the load was made. A nil pointer of the first block is null.
type Load struct {
	Mode           string   `json:"mode"` // "closed" or "open"
	Concurrency    *int     `json:"concurrency"`
	Rate           *float64 `json:"rate"` // requests per second
	Arrivals       *string  `json:"arrivals"`
	Seed           uint64   `json:"seed"`
	WarmupRequests int64    `json:"warmup_requests"`

	Burstiness     *float64 `json:"burstiness,omitempty"`
	MaxConcurrency *int     `json:"max_concurrency,omitempty"`
	Requests       *int64   `json:"requests,omitempty"`
	DurationS      *float64 `json:"duration_s,omitempty"`
	Shape          string   `json:"shape,omitempty"` // ramp or stages, as given
	Trace          *Trace   `json:"trace,omitempty"`

	Shard    string    `json:"shard,omitempty"`    // "2/4": the second of four parts of the run
	Sessions *Sessions `json:"sessions,omitempty"` // what arrives, or takes a place, are conversations
	Cancel   string    `json:"cancel,omitempty"`   // the plan for breaking off requests, as given
}

// Sessions says what conversations are like, in the words in which it was given.
type Sessions struct {
	Turns     string `json:"turns"`
	ThinkTime string `json:"think_time,omitempty"`
}

// Requests counts the measured requests; Total is the sum of the others.
type Requests struct {
	Total     int64 `json:"total"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
	Cancelled int64 `json:"cancelled"`
	ByPlan    int64 `json:"cancelled_by_plan,omitempty"` // part of Cancelled; the others were cut at the end
}

// Tokens are those of succeeded requests.
type Tokens struct {
	Prompt     *int64 `json:"prompt,omitempty"`
	Completion *int64 `json:"completion,omitempty"`
	Reasoning  *int64 `json:"reasoning,omitempty"` // part of Completion
	Cached     *int64 `json:"cached,omitempty"`    // part of Prompt
	Source     string `json:"source,omitempty"`    // "usage", "chunks" or "mixed"
}

// Throughput is counted over the measured window.
type Throughput struct {
	RequestsPerSecond *float64 `json:"requests_per_second,omitempty"`
	TokensPerSecond   *float64 `json:"tokens_per_second,omitempty"`
	Goodput           *float64 `json:"goodput,omitempty"` // requests per second within the latency objectives
	// Of embeddings: texts and their tokens.
	InputsPerSecond       *float64 `json:"inputs_per_second,omitempty"`
	PromptTokensPerSecond *float64 `json:"prompt_tokens_per_second,omitempty"`
	Concurrency           *float64 `json:"concurrency,omitempty"` // requests in flight, mean over the window
}

// Metrics are the distributions, each in ms.
type Metrics struct {
	Latency  Distribution `json:"latency_ms"`
	TTFT     Distribution `json:"ttft_ms"`
	TPOT     Distribution `json:"tpot_ms"`
	ITL      Distribution `json:"itl_ms"`
	ChunkGap Distribution `json:"chunk_gap_ms"`
	Queue    Distribution `json:"queue_ms"`
}

// Distribution is that of values that were measured by a client.
type Distribution struct {
	stats.Distribution

	// Names of the figures above that are upper bounds, or that may be off either
	// way, because several chunks were read at once (docs/metrics.md).
	UpperBound []string `json:"upper_bound,omitempty"`
	Unsure     []string `json:"unsure,omitempty"`
}

// Client says how far the client itself is to be trusted.
type Client struct {
	Verdict          ClientVerdict `json:"verdict"`
	Reasons          []string      `json:"reasons"`
	TimestampSource  string        `json:"timestamp_source,omitempty"`
	CoalescedRatio   *float64      `json:"coalesced_ratio,omitempty"`
	DispatchLateness Distribution  `json:"dispatch_lateness_us"`
	ReadLag          *Distribution `json:"read_lag_us,omitempty"` // from the kernel's stamp to the read, the worst of each request
	SchedP99         *float64      `json:"sched_latency_p99_us,omitempty"`
	SchedMax         *float64      `json:"sched_latency_max_us,omitempty"`
	GCPauses         uint64        `json:"gc_pauses,omitempty"`
	GCPauseMax       *float64      `json:"gc_pause_max_us,omitempty"`
	LongestWait      *float64      `json:"longest_wait_us,omitempty"` // of anything in the client, for a processor or to be read
	ClockStep        *float64      `json:"clock_step_us,omitempty"`   // of the wall clock, if it was set
	Resent           int64         `json:"resent,omitempty"`          // requests that met a kept connection which the server had closed
	CPUUsPerEvent    *float64      `json:"cpu_us_per_event,omitempty"`
	CPUShare         *float64      `json:"cpu_share,omitempty"` // of the cores the client may use, 0 to 1
	AskedRate        *float64      `json:"asked_rate,omitempty"`
	AchievedRate     *float64      `json:"achieved_rate,omitempty"`
}

// Unit says what an objective counts.
type Unit string

// The units. Gaps come with requests: it takes more requests to have more.
const (
	UnitRequests Unit = "requests"
	UnitGaps     Unit = "gaps"
	UnitSlices   Unit = "slices"
)

// Judgement is the verdict on one objective.
type Judgement struct {
	Objective string   `json:"objective"`
	Name      string   `json:"name,omitempty"` // from an SLO file
	Observed  *float64 `json:"observed,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
	Verdict   Verdict  `json:"verdict"`
	Detail    string   `json:"detail"`

	N              uint64  `json:"n"`                         // what was counted
	Unit           Unit    `json:"unit"`                      // of N
	SliceS         float64 `json:"slice_s,omitempty"`         // length of a slice, s
	Bad            *uint64 `json:"bad,omitempty"`             // how many of N missed
	MoreNeeded     *uint64 `json:"more_needed,omitempty"`     // further slices (Unit slices) or requests that would decide, at the same ratio
	FailedExcluded int64   `json:"failed_excluded,omitempty"` // failed requests left out
	CutOff         uint64  `json:"cut_off,omitempty"`         // cut requests that, as misses, would undo a pass
	Confidence     float64 `json:"confidence"`                // of each one-sided test
}

// Label is the objective for people: with its name, if a file gives it one.
func (j Judgement) Label() string {
	if j.Name == "" {
		return j.Objective
	}
	return j.Name + ": " + j.Objective
}

// Cost in USD. It is absent without a price.
type Cost struct {
	PerRequestUSD  *float64 `json:"per_request_usd,omitempty"`
	Per1kTokensUSD *float64 `json:"per_1k_tokens_usd,omitempty"` // per 1000 completion tokens
}

// Run is what the records do not say.
type Run struct {
	Version   string
	Target    Target
	Load      Load
	StartedAt time.Time
	Duration  time.Duration // the whole run, warm-up included
	Client    ClientFacts
	// Window is for how long measured requests were sent; 0: not known. Where
	// requests were cut off at the end, the measured window reaches to its end
	// at least, or else to the cut.
	Window time.Duration
	// Interrupted tells that the run was broken off, so that cutting requests
	// that had only just been sent says nothing about the service.
	Interrupted bool
	// Prompts are the flags of a shard that say what its prompts are made of; of a
	// dataset its content counts. Nil: not known, or no shard.
	Prompts  map[string]string `json:",omitempty"`
	Lengths  *Lengths
	Server   *Server  `json:"-"` // the engine's side, where it is known
	Warnings []string // put before those of the summary
}

// ClientFacts is what the client knows about itself. Nil is "not measured".
type ClientFacts struct {
	TimestampSource string         // "kernel" or "user"
	CPU             *time.Duration // user and system time over the run; nil when other work shares the process
	Cores           float64        // cores the process may use; 0: not known
	Events          int64          // token events handled in that time; 0: those of the records
	// AskedRate and AchievedRate are what the schedule asked and what the
	// client sent, per second. Waits that a cap on concurrency imposed must
	// not count against it.
	AskedRate, AchievedRate *float64
	// How long goroutines that could run waited for a processor, the pauses of
	// the garbage collector, the longest wait that is known of, and the largest
	// step of the wall clock.
	SchedP99, SchedMax     *time.Duration
	Pauses                 uint64
	PauseMax               *time.Duration
	LongestWait, ClockStep *time.Duration

	Suspect []string // own findings that cast doubt
	Invalid []string // own findings that void the run: out of file descriptors, say
	// Judged tells that these are all findings: they come from the clients that a
	// merged run had, each judged by itself.
	Judged bool
}

// Price turns load into USD. Nil is "no such price".
type Price struct {
	PerHour              *float64 // of the whole deployment under test
	PerMillionPrompt     *float64
	PerMillionCompletion *float64
}
