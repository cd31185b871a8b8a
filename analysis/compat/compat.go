// Package compat says what other load testers would have said of a run: it keeps
// the moments of its requests and computes from them each tool's figures, by that
// tool's definitions and under its names. What the definitions are, and where they
// part from ours, is in docs/compat.md. It reads and writes no files, and what was
// not measured is absent or null, also where the tool itself writes 0.
package compat

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"llmops/analysis/loadreport"
	"llmops/probes/request"
)

// Tool is a load tester.
type Tool string

const (
	VLLM          Tool = "vllm"           // vllm bench serve --save-result
	GuideLLM      Tool = "guidellm"       // benchmarks.json
	AIPerf        Tool = "aiperf"         // profile_export_aiperf.json
	InferencePerf Tool = "inference-perf" // summary_lifecycle_metrics.json
)

// Tools are the names that New knows.
func Tools() []string {
	return []string{string(VLLM), string(GuideLLM), string(AIPerf), string(InferencePerf)}
}

// Run is what a document says beside the requests.
type Run struct {
	Version     string // of llmops
	Target      loadreport.Target
	Load        loadreport.Load
	StartedAt   time.Time
	Interrupted bool
	Limits      loadreport.Limits // for goodput
}

// Collector keeps what the definitions of one tool need of each request: about 150
// bytes, and 8 for each event of its stream (12 for inference-perf). Percentiles of
// these tools interpolate between values, so that all must be kept; the tools do so
// too. It is for one goroutine.
type Collector struct {
	tool     Tool
	base     time.Time // of all times below: when the first request that ended was sent
	requests []sample
	chunks   []time.Duration // after base
	tokens   []int32         // of chunks; for inference-perf only
	bare     []time.Duration // after base
}

// sample is one request; -1 is an unknown number of tokens.
type sample struct {
	scheduled, start, done                time.Duration // after base
	connect                               time.Duration // part of the time after start
	class                                 request.Class
	status                                int
	detail                                string // of failures
	prompt, completion, reasoning, cached int64
	counted                               bool // completion is the server's
	chunks, bare                          span // parts of the collector's slices
	thinking                              int  // chunks before the first with more than reasoning
}

type span struct{ from, to int }

// New collects for a tool, one of Tools.
func New(tool Tool) (*Collector, error) {
	if !slices.Contains(Tools(), string(tool)) {
		return nil, fmt.Errorf("%q is none of %s", string(tool), strings.Join(Tools(), ", "))
	}
	return &Collector{tool: tool}, nil
}

// Add takes a measured request. Those that were never sent are in no tool's figures.
// A nil collector keeps nothing.
func (c *Collector) Add(r *request.Record) {
	if c == nil || r.SentAt.IsZero() {
		return
	}
	if c.base.IsZero() {
		c.base = r.SentAt
	}
	sent := r.SentAt.Sub(c.base)
	s := sample{
		scheduled: sent, start: sent, done: sent, class: r.Error, status: r.Status,
		prompt: orUnknown(r.PromptTokens), completion: orUnknown(r.CompletionTokens),
		reasoning: orUnknown(r.ReasoningTokens), cached: orUnknown(r.CachedTokens),
		counted: r.TokensFrom == "usage", thinking: min(max(r.ReasoningChunks, 0), len(r.Chunks)),
	}
	if !r.ScheduledAt.IsZero() {
		s.scheduled = r.ScheduledAt.Sub(c.base)
	}
	if !r.DoneAt.IsZero() {
		s.done = r.DoneAt.Sub(c.base)
	}
	if r.ConnectMs != nil {
		s.connect = time.Duration(*r.ConnectMs * float64(time.Millisecond))
	}
	if !r.OK {
		s.detail = r.Detail
	}
	s.chunks.from, s.bare.from = len(c.chunks), len(c.bare)
	// A wall clock that is set may put the kernel's stamp of an event before the event
	// ahead of it, or before the request.
	last := sent
	for _, chunk := range r.Chunks {
		last = max(last, sent+chunk.At)
		c.chunks = append(c.chunks, last)
		if c.tool == InferencePerf {
			c.tokens = append(c.tokens, chunk.Tokens)
		}
	}
	last = sent
	for _, at := range r.Bare {
		last = max(last, sent+at)
		c.bare = append(c.bare, last)
	}
	s.chunks.to, s.bare.to = len(c.chunks), len(c.bare)
	c.requests = append(c.requests, s)
}

func orUnknown(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// Document is what the tool would have written, for encoding/json.
func (c *Collector) Document(run Run) any {
	switch c.tool {
	case GuideLLM:
		return c.guidellm(run)
	case AIPerf:
		return c.aiperf(run)
	case InferencePerf:
		return c.inferencePerf(run)
	}
	return c.vllm(run)
}

func (s *sample) ok() bool        { return s.class == request.OK }
func (s *sample) cancelled() bool { return s.class == request.Cancelled }

// outputs are the times of the events with output.
func (c *Collector) outputs(s *sample) []time.Duration { return c.chunks[s.chunks.from:s.chunks.to] }

// with gives the requests that keep says yes to.
func (c *Collector) with(keep func(*sample) bool) (list []*sample) {
	for i := range c.requests {
		if s := &c.requests[i]; keep(s) {
			list = append(list, s)
		}
	}
	return list
}

// window is from the least of from to the greatest of to; false without requests.
func window(list []*sample, from, to func(*sample) time.Duration) (begin, end time.Duration, ok bool) {
	for i, s := range list {
		if i == 0 {
			begin, end = from(s), to(s)
			continue
		}
		begin, end = min(begin, from(s)), max(end, to(s))
	}
	return begin, end, len(list) > 0
}

// values collects a figure of each request that has it.
func values(list []*sample, figure func(*sample) (float64, bool)) (out []float64) {
	for _, s := range list {
		if v, ok := figure(s); ok {
			out = append(out, v)
		}
	}
	return out
}

// count is a figure for values: a number of tokens, if it is known.
func count(n int64) (float64, bool) { return float64(n), n >= 0 }

func seconds(d time.Duration) float64      { return float64(d) / float64(time.Second) }
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
