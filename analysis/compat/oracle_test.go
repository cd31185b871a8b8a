package compat

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"llmops/analysis/loadreport"
	"llmops/probes/request"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// moments is what one of the tools logged of a request, in seconds: start, done and
// scheduled from the beginning of the run, chunks from start.
type moments struct {
	Start, Done float64
	Scheduled   *float64
	Chunks      []float64
	Prompt      int64
	Completion  int64
	Cached      *int64
}

func (m moments) record() *request.Record {
	at := func(s float64) time.Time { return begin.Add(time.Duration(math.Round(s * 1e9))) }
	r := &request.Record{OK: true, ScheduledAt: at(m.Start), SentAt: at(m.Start), DoneAt: at(m.Done), PromptTokens: &m.Prompt, CompletionTokens: &m.Completion, CachedTokens: m.Cached, TokensFrom: "usage"}
	if m.Scheduled != nil {
		r.ScheduledAt = at(*m.Scheduled)
	}
	for _, s := range m.Chunks {
		r.Chunks = append(r.Chunks, request.Chunk{At: time.Duration(math.Round(s * 1e9)), Tokens: 1})
	}
	return r
}

// The files of testdata are runs of the tools themselves (vllm 0.32.0, guidellm
// 0.8.1, aiperf 0.13.0, inference-perf 0.7.0) against the simulator: the moments that
// each of them logged of every request, and the summary that it made of them. From
// the same moments the same figures must come, each one that the tool has.
func TestAgainstTheTools(t *testing.T) {
	for _, tool := range Tools() {
		t.Run(tool, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + tool + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var run struct {
				Requests []moments
				Document map[string]any
			}
			if err := json.Unmarshal(text, &run); err != nil {
				t.Fatal(err)
			}
			c, err := New(Tool(tool))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range run.Requests {
				c.Add(m.record())
			}
			got := document(t, c, Run{Target: loadreport.Target{API: "chat", Model: "sim"}})
			h := held{t: t, within: 1e-6}
			if Tool(tool) == GuideLLM { // its times are Unix seconds, known to a quarter of a microsecond: 1e-4 of the gaps that its rates are made of
				h.within = 1e-4
			}
			h.same(tool, run.Document, got)
			if h.figures < 38 {
				t.Errorf("only %d figures were compared", h.figures)
			}
			t.Logf("%d figures", h.figures)
		})
	}
}

func document(t *testing.T, c *Collector, run Run) map[string]any {
	t.Helper()
	text, err := json.Marshal(c.Document(run))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return got
}

// held compares what a tool says with what we say.
type held struct {
	t       *testing.T
	within  float64 // of the value
	figures int
}

func (h *held) same(path string, want, got any) {
	h.t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for key, v := range want {
			g, ok := object[key]
			if !ok {
				h.t.Errorf("%s.%s is missing", path, key)
				continue
			}
			h.same(path+"."+key, v, g)
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			h.t.Errorf("%s is %v, want %v", path, got, want)
			return
		}
		for i := range want {
			h.same(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])
		}
	case float64:
		h.figures++
		g, ok := got.(float64)
		if !ok || math.Abs(g-want) > 1e-6+h.within*math.Abs(want) {
			h.t.Errorf("%s is %v, want %v", path, got, want)
		}
	default:
		if want != got {
			h.t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}
