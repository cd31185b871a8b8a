package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

// play submits requests at time 0 and returns all events as lines.
func play(t *testing.T, cfg Config, requests ...Request) []string {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		e.Submit(0, r)
	}
	var lines []string
	e.Advance(time.Hour, func(ev Event) { lines = append(lines, line(ev)) })
	checkBlocks(t, e)
	return lines
}

func line(ev Event) string {
	s := fmt.Sprintf("%v #%d ", ev.At, ev.ID)
	switch ev.Kind {
	case Queued:
		s += "queued"
	case Started:
		s += fmt.Sprintf("started cached=%d", ev.Cached)
	case Token:
		s += fmt.Sprintf("token %d", ev.Index)
	case Preempted:
		s += "preempted"
	case Ended:
		s += "ended"
	}
	if ev.Reason != None {
		s += " " + ev.Reason.String()
	}
	if ev.Fault != nil {
		s += " " + string(ev.Fault.Kind)
	}
	if ev.RetryAfter > 0 {
		s += " retry " + ev.RetryAfter.String()
	}
	return s
}

func small() Config {
	c := Default()
	c.PrefillBase, c.PrefillPerToken = 10*ms, ms
	c.DecodeBase, c.DecodePerSequence = 4*ms, ms
	c.BlockSize, c.KVBlocks, c.MaxModelLen = 4, 8, 64
	return c
}

// The expected traces follow by hand from the definitions.
func TestTraces(t *testing.T) {
	chain := []uint64{11, 12, 13, 14, 15, 16}
	for name, c := range map[string]struct {
		edit     func(*Config)
		requests []Request
		want     []string
	}{
		"one request": {
			requests: []Request{{PromptTokens: 5, MaxTokens: 3}},
			want:     []string{"0s #0 queued", "0s #0 started cached=0", "15ms #0 token 0", "20ms #0 token 1", "25ms #0 token 2 length"},
		},
		"decode gap grows with the batch": {
			requests: []Request{{PromptTokens: 5, MaxTokens: 3}, {PromptTokens: 7, MaxTokens: 1}},
			want: []string{"0s #0 queued", "0s #0 started cached=0", "0s #1 queued", "0s #1 started cached=0",
				"15ms #0 token 0", "17ms #1 token 0 length", "21ms #0 token 1", "26ms #0 token 2 length"},
		},
		// 10 ms whatever the prompt, one token whatever was asked for, even more
		// than the context holds.
		"plain queue": {
			edit: func(c *Config) {
				c.MaxRunning, c.ServiceTime = 1, 10*ms
				c.Output, _ = ParseOutputLength("7")
			},
			requests: []Request{{PromptTokens: 9, MaxTokens: 100, IgnoreEOS: true}, {PromptTokens: 1, MaxTokens: 3}},
			want: []string{"0s #0 queued", "0s #0 started cached=0", "0s #1 queued", "10ms #0 token 0 length",
				"10ms #1 started cached=0", "20ms #1 token 0 length"},
		},
		"one slot": {
			edit:     func(c *Config) { c.MaxRunning = 1 },
			requests: []Request{{PromptTokens: 5, MaxTokens: 1}, {PromptTokens: 7, MaxTokens: 1}},
			want: []string{"0s #0 queued", "0s #0 started cached=0", "0s #1 queued", "15ms #0 token 0 length",
				"15ms #1 started cached=0", "32ms #1 token 0 length"},
		},
		"full queue": {
			edit:     func(c *Config) { c.MaxRunning, c.MaxWaiting = 1, 1 },
			requests: []Request{{PromptTokens: 5, MaxTokens: 1}, {PromptTokens: 5, MaxTokens: 1}, {PromptTokens: 5, MaxTokens: 1}},
			want: []string{"0s #0 queued", "0s #0 started cached=0", "0s #1 queued", "0s #2 ended queue_full retry 1s",
				"15ms #0 token 0 length", "15ms #1 started cached=0", "30ms #1 token 0 length"},
		},
		"too long for the context": {
			requests: []Request{{PromptTokens: 60, MaxTokens: 5}},
			want:     []string{"0s #0 ended too_long"},
		},
		"too long for the cache": {
			requests: []Request{{PromptTokens: 30, MaxTokens: 3}},
			want:     []string{"0s #0 ended too_long"},
		},
		// 8 tokens are 2 full blocks, but the last token must be computed, so
		// one block (4 tokens) is shared: 10 + 4 ms.
		"prefix cache": {
			edit:     func(c *Config) { c.MaxRunning = 1 },
			requests: []Request{{PromptTokens: 8, MaxTokens: 1, Prefix: chain[:2]}, {PromptTokens: 8, MaxTokens: 1, Prefix: chain[:2]}},
			want: []string{"0s #0 queued", "0s #0 started cached=0", "0s #1 queued", "18ms #0 token 0 length",
				"18ms #1 started cached=4", "32ms #1 token 0 length"},
		},
		// 8 blocks; both hold 3 for 12 tokens, and grow at their first and fifth
		// token: 4 + 4. At the fifth token of #0 nothing is left: #1, which came
		// last, gives way, and starts again when #0 is done; 12 + 4 tokens.
		"preemption": {
			requests: []Request{{PromptTokens: 12, MaxTokens: 6}, {PromptTokens: 12, MaxTokens: 6}},
			want: []string{"0s #0 queued", "0s #0 started cached=0", "0s #1 queued", "0s #1 started cached=0",
				"22ms #0 token 0", "22ms #1 token 0", "28ms #0 token 1", "28ms #1 token 1", "34ms #0 token 2", "34ms #1 token 2",
				"40ms #0 token 3", "40ms #1 token 3", "46ms #0 token 4", "46ms #1 preempted", "51ms #0 token 5 length",
				"51ms #1 started cached=0", "77ms #1 token 4", "82ms #1 token 5 length"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := small()
			if c.edit != nil {
				c.edit(&cfg)
			}
			if diff := cmp.Diff(c.want, play(t, cfg, c.requests...)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// checkBlocks recounts the KV cache from nothing.
func checkBlocks(t *testing.T, e *Engine) {
	t.Helper()
	held := make([]int32, len(e.kv.blocks))
	for _, s := range e.running {
		if want := e.cfg.blocksFor(s.req.PromptTokens + s.generated); len(s.blocks) != want {
			t.Fatalf("#%d holds %d blocks for %d tokens, want %d", s.id, len(s.blocks), s.req.PromptTokens+s.generated, want)
		}
		for _, b := range s.blocks {
			held[b]++
		}
	}
	free, used := 0, 0
	for b := e.kv.oldest; b >= 0; b = e.kv.blocks[b].next {
		if held[b] > 0 || e.kv.blocks[b].ref != 0 {
			t.Fatalf("block %d is free and in use", b)
		}
		if free++; free > len(e.kv.blocks) {
			t.Fatal("the free list has a cycle")
		}
	}
	for b, n := range held {
		if e.kv.blocks[b].ref != n {
			t.Fatalf("block %d has %d references, %d sequences hold it", b, e.kv.blocks[b].ref, n)
		}
		if n > 0 {
			used++
		}
	}
	if free != e.kv.free || used != e.kv.used() || free+used+e.kv.lost != len(e.kv.blocks) {
		t.Fatalf("blocks: %d free (says %d), %d used (says %d), %d lost, of %d", free, e.kv.free, used, e.kv.used(), e.kv.lost, len(e.kv.blocks))
	}
	for h, b := range e.kv.byHash {
		if e.kv.blocks[b].hash != h {
			t.Fatalf("block %d is known under a hash that it does not have", b)
		}
	}
}

// workload is random traffic that shares prompts, overloads a small cache and
// now and then loses a client.
func workload(seed uint64, e *Engine, n int) []Request {
	rng := rand.New(rand.NewPCG(seed, 99))
	requests := make([]Request, n)
	var at time.Duration
	for i := range requests {
		at += time.Duration(rng.ExpFloat64() * float64(8*ms))
		h := NewPromptHash(e.cfg.BlockSize)
		h.Words(strings.Repeat(fmt.Sprintf("w%d ", rng.IntN(3)), rng.IntN(14)))
		h.Words(strings.Repeat("tail ", rng.IntN(6)))
		requests[i] = Request{PromptTokens: h.Tokens(), Prefix: h.Prefix(), MaxTokens: 1 + rng.IntN(12)}
		id := e.Submit(at, requests[i])
		if rng.IntN(10) == 0 {
			e.Cancel(at+time.Duration(rng.IntN(60))*ms, id)
		}
	}
	return requests
}

// Whatever happens: every request ends once, no token is lost, repeated or
// out of order, blocks are never leaked, counts agree with events, the queue
// keeps the order of arrival, and Little's law holds exactly.
func TestConservation(t *testing.T) {
	faults := map[string][]string{
		"none":   nil,
		"stream": {"stall:after=3,duration=40ms,p=0.3", "truncate:after=4,p=0.2", "stream-error:after=2,p=0.1", "reset:p=0.1"},
		"times":  {"slow-prefill:factor=3,p=0.5", "slow-decode:factor=2.5,from=1s,for=2s", "latency-creep:per_minute=9"},
		"refuse": {"http-error:p=0.1,retry_after=2s", "rate-limit:rate=80,burst=3"},
		"leak":   {"gpu-leak:mib_per_s=1500,from=1s,for=2s"},
		"gone":   {"gpu-leak:mib_per_s=4000"},
	}
	for name, specs := range faults {
		t.Run(name, func(t *testing.T) {
			cfg := small()
			cfg.MaxRunning, cfg.MaxWaiting, cfg.MaxModelLen = 4, 20, 32
			cfg.Output, _ = ParseOutputLength("exponential:5")
			for _, s := range specs {
				f, err := ParseFault(s)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Faults = append(cfg.Faults, f)
			}
			e, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			n := 600
			if name == "none" {
				n = 3000
			}
			conserve(t, e, workload(1, e, n))
		})
	}
}

func conserve(t *testing.T, e *Engine, requests []Request) {
	n := len(requests)
	tokens, ended := make([]int, n), make([]Reason, n)
	queued, waited := make([]bool, n), time.Duration(0)
	since := slices.Repeat([]time.Duration{-1}, n) // when it began to wait, -1: it does not wait
	var out, prompts, preempted, refused int64
	var area time.Duration // ∫ waiting dt
	emit := func(ev Event) {
		i := ev.ID
		if ended[i] != None {
			t.Fatalf("%s: after its end", line(ev))
		}
		switch ev.Kind {
		case Queued:
			queued[i], since[i] = true, ev.At
		case Started:
			waited += ev.At - since[i]
			since[i] = -1
		case Preempted:
			since[i] = ev.At
			preempted++
		case Token:
			if ev.Index != tokens[i] {
				t.Fatalf("%s: want token %d", line(ev), tokens[i])
			}
			if tokens[i]++; tokens[i] == 1 {
				prompts += int64(requests[i].PromptTokens)
			}
			out++
			if tokens[i] > requests[i].MaxTokens {
				t.Fatalf("%s: the limit is %d tokens", line(ev), requests[i].MaxTokens)
			}
			if ev.Reason == Limit && tokens[i] != requests[i].MaxTokens {
				t.Fatalf("%s: limit %d", line(ev), requests[i].MaxTokens)
			}
		case Ended:
			if !queued[i] {
				refused++
			}
			if since[i] >= 0 {
				waited += ev.At - since[i]
			}
		}
		ended[i] = ev.Reason
	}
	for {
		at, ok := e.Next()
		if !ok {
			break
		}
		area += time.Duration(e.wait.len) * (at - e.now)
		e.Advance(at, emit)
		checkBlocks(t, e)
		if len(e.running) > e.cfg.MaxRunning {
			t.Fatalf("%d run, at most %d may", len(e.running), e.cfg.MaxRunning)
		}
		for s := e.wait.head; s != nil && s.next != nil; s = s.next {
			if s.id >= s.next.id {
				t.Fatalf("#%d waits before #%d", s.id, s.next.id)
			}
		}
	}
	for i, r := range ended {
		if r == None {
			t.Errorf("#%d never ended", i)
		}
	}
	st := e.State()
	if st.Running != 0 || st.Waiting != 0 || st.KVUsed != 0 || len(e.live) != 0 {
		t.Errorf("at the end %d run, %d wait, %d blocks are used", st.Running, st.Waiting, st.KVUsed)
	}
	if area != waited {
		t.Errorf("Little's law: ∫ waiting dt = %v, sum of waits = %v", area, waited)
	}
	if st.OutputTokens != out || st.PromptTokens != prompts || st.Preemptions != preempted {
		t.Errorf("counted %d output, %d prompt tokens, %d preemptions; events say %d, %d, %d",
			st.OutputTokens, st.PromptTokens, st.Preemptions, out, prompts, preempted)
	}
	if st.Refused+st.E2E.Count != int64(n) || st.Refused != refused {
		t.Errorf("%d refused (events: %d) and %d ended of %d", st.Refused, refused, st.E2E.Count, n)
	}
	if st.OutputLength.Sum != float64(out) || st.TTFT.Count+st.ITL.Count != out {
		t.Errorf("histograms: output length sums to %g, %d first and %d later tokens; %d tokens came", st.OutputLength.Sum, st.TTFT.Count, st.ITL.Count, out)
	}
	if len(e.cfg.Faults) == 0 && (preempted == 0 || st.PrefixHits == 0 || refused == 0 || st.Ended["abort"] == 0) {
		t.Errorf("the workload must provoke everything: %d preemptions, %d hits, %d refused, %d aborted", preempted, st.PrefixHits, refused, st.Ended["abort"])
	}
}

func TestDeterminism(t *testing.T) {
	trace := func(seed uint64, step time.Duration) (lines []string) {
		cfg := small()
		cfg.Seed, cfg.MaxModelLen = seed, 32
		cfg.Output, _ = ParseOutputLength("lognormal:4,1")
		f, _ := ParseFault("stall:after=2,duration=30ms,p=0.5")
		cfg.Faults = []Fault{f}
		e, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		workload(1, e, 200)
		for at := time.Duration(0); at < 20*time.Second; at += step {
			e.Advance(at, func(ev Event) { lines = append(lines, line(ev)) })
		}
		return lines
	}
	a := trace(1, time.Second)
	if len(a) < 1000 {
		t.Fatalf("only %d events", len(a))
	}
	if !slices.Equal(a, trace(1, 7*ms)) {
		t.Error("the trace depends on the steps in which the engine is advanced")
	}
	if slices.Equal(a, trace(2, time.Second)) {
		t.Error("the seed changes nothing")
	}
}

// With every prompt new and time to spare, utilization and memory are known.
func TestState(t *testing.T) {
	cfg := small()
	cfg.Faults = []Fault{{Kind: GPULeak, Rate: 100, From: time.Second}}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.Submit(100*ms, Request{PromptTokens: 5, MaxTokens: 48}) // too long for 8 blocks
	e.Submit(500*ms, Request{PromptTokens: 5, MaxTokens: 8})  // runs 15 + 7·5 ms
	discard := func(Event) {}
	e.Advance(520*ms, discard)
	if st := e.State(); st.Running != 1 || st.KVUsed != 2 || st.GPUUsedMiB != 12288 || st.GPUUtilization != 0 {
		t.Errorf("at 520ms: %d running, %d blocks, %g MiB, utilization %g; want 1, 2, 12288, 0 (no full second yet)", st.Running, st.KVUsed, st.GPUUsedMiB, st.GPUUtilization)
	}
	e.Advance(1500*ms, discard)
	st := e.State()
	if math.Abs(st.GPUUtilization-0.05) > 1e-9 {
		t.Errorf("utilization of the first second is %g, want 50 ms of it", st.GPUUtilization)
	}
	if st.GPUUsedMiB != 12288+50 || st.GPUFreeMiB != 16384-12288-50 {
		t.Errorf("after 0.5 s of a leak of 100 MiB/s: %g used, %g free", st.GPUUsedMiB, st.GPUFreeMiB)
	}
	e.Advance(time.Hour, discard)
	if st = e.State(); st.GPUFreeMiB != 0 || st.GPUUtilization != 0 {
		t.Errorf("after an hour: %g MiB free, utilization %g, want 0 and 0", st.GPUFreeMiB, st.GPUUtilization)
	}
}

func BenchmarkEngineToken(b *testing.B) {
	cfg := Default()
	e, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	tokens := 0
	emit := func(ev Event) {
		if ev.Kind == Token {
			tokens++
		}
	}
	for b.Loop() {
		for len(e.live) < cfg.MaxRunning {
			e.Submit(e.now, Request{PromptTokens: 100, MaxTokens: 100})
			e.Advance(e.now, emit)
		}
		t, _ := e.Next()
		e.Advance(t, emit)
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}
