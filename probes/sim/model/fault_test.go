package model

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFaultTraces(t *testing.T) {
	one := []Request{{PromptTokens: 5, MaxTokens: 3}}
	two := []Request{{PromptTokens: 5, MaxTokens: 3}, {PromptTokens: 5, MaxTokens: 1}}
	for spec, c := range map[string]struct {
		requests []Request
		want     []string
	}{
		// Without faults: tokens at 15, 20 and 25 ms.
		"slow-prefill:factor=4":          {one, []string{"60ms #0 token 0", "65ms #0 token 1", "70ms #0 token 2 length"}},
		"slow-decode:factor=3":           {one, []string{"15ms #0 token 0", "30ms #0 token 1", "45ms #0 token 2 length"}},
		"slow-decode:factor=3,from=16ms": {one, []string{"15ms #0 token 0", "20ms #0 token 1", "35ms #0 token 2 length"}},
		"slow-decode:factor=3,for=16ms":  {one, []string{"15ms #0 token 0", "30ms #0 token 1", "35ms #0 token 2 length"}},
		// A factor of 1 + 60 a minute · 15 ms = 1.015, and then of 1.020075.
		"latency-creep:per_minute=60":     {one, []string{"15ms #0 token 0", "20.075ms #0 token 1", "25.175375ms #0 token 2 length"}},
		"stall:after=2,duration=1s":       {one, []string{"15ms #0 token 0", "20ms #0 token 1", "1.025s #0 token 2 length"}},
		"stall:duration=1s":               {one, []string{"1.015s #0 token 0", "1.02s #0 token 1", "1.025s #0 token 2 length"}},
		"truncate:after=1":                {one, []string{"15ms #0 token 0", "20ms #0 ended fault truncate"}},
		"reset":                           {one, []string{"15ms #0 ended fault reset"}},
		"stream-error:after=2":            {one, []string{"15ms #0 token 0", "20ms #0 token 1", "25ms #0 ended fault stream-error"}},
		"truncate:after=3":                {one, []string{"15ms #0 token 0", "20ms #0 token 1", "25ms #0 token 2 length"}},
		"http-error:retry_after=3s":       {one, []string{"0s #0 ended fault http-error retry 3s"}},
		"rate-limit:rate=2":               {two, []string{"0s #1 ended fault rate-limit retry 500ms", "15ms #0 token 0", "20ms #0 token 1", "25ms #0 token 2 length"}},
		"rate-limit:rate=2,burst=2,p=0.5": {two, []string{"15ms #0 token 0", "15ms #1 token 0 length", "21ms #0 token 1", "26ms #0 token 2 length"}},
	} {
		t.Run(spec, func(t *testing.T) {
			cfg := small()
			f, err := ParseFault(spec)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Faults = []Fault{f}
			var got []string
			for _, l := range play(t, cfg, c.requests...) {
				if strings.Contains(l, "token") || strings.Contains(l, "ended") {
					got = append(got, l)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// A hanging request keeps its slot until its client leaves, and nobody behind
// it gets one.
func TestHangHoldsSlot(t *testing.T) {
	cfg := small()
	cfg.MaxRunning = 1
	cfg.Faults = []Fault{{Kind: Hang, For: time.Millisecond}}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	emit := func(ev Event) { got = append(got, line(ev)) }
	id := e.Submit(0, Request{PromptTokens: 5, MaxTokens: 1})
	e.Submit(2*ms, Request{PromptTokens: 5, MaxTokens: 1})
	e.Advance(time.Minute, emit)
	if _, ok := e.Next(); ok {
		t.Error("something is due although the only running request hangs")
	}
	if st := e.State(); st.Running != 1 || st.Waiting != 1 || st.KVUsed != 2 {
		t.Errorf("%d run, %d wait, %d blocks; want 1, 1, 2", st.Running, st.Waiting, st.KVUsed)
	}
	e.Cancel(time.Minute, id)
	e.Advance(time.Hour, emit)
	want := []string{"0s #0 started cached=0", "2ms #1 queued", "1m0s #0 ended abort", "1m0s #1 started cached=0", "1m0.015s #1 token 0 length"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// 16384 − 8192 − 4096 MiB are spare; after them the leak eats the cache of 8
// blocks at 512 MiB a block: what runs is preempted or dies, what comes is
// refused.
func TestLeakShrinksCache(t *testing.T) {
	cfg := small()
	cfg.Faults = []Fault{{Kind: GPULeak, Rate: 4096, For: 1750 * ms}} // 7168 MiB: 6 blocks in the end
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	emit := func(ev Event) {
		if ev.Kind != Token || ev.Reason != None {
			got = append(got, line(ev))
		}
	}
	e.Submit(900*ms, Request{PromptTokens: 12, MaxTokens: 4})  // before: 4 blocks
	e.Submit(1760*ms, Request{PromptTokens: 9, MaxTokens: 1})  // 3 blocks never fit again
	e.Submit(1770*ms, Request{PromptTokens: 6, MaxTokens: 2})  // 2 blocks fit
	e.Submit(1780*ms, Request{PromptTokens: 5, MaxTokens: 3})  // fits, waits for them
	e.Submit(1790*ms, Request{PromptTokens: 8, MaxTokens: 10}) // fits, and outgrows them
	e.Advance(time.Minute, emit)
	want := []string{
		"900ms #0 queued", "900ms #0 started cached=0", "937ms #0 token 3 length",
		"1.76s #1 ended out_of_memory",
		"1.77s #2 queued", "1.77s #2 started cached=0", "1.78s #3 queued", "1.79s #4 queued", "1.791s #2 token 1 length",
		"1.791s #3 started cached=0", "1.816s #3 token 2 length",
		"1.816s #4 started cached=0", "1.834s #4 preempted", "1.834s #4 ended out_of_memory",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	checkBlocks(t, e)
	if e.kv.lost != 6 {
		t.Errorf("%d blocks lost, want 6", e.kv.lost)
	}
}

// What the leak took of the cache counts as in use.
func TestLeakShowsInUsage(t *testing.T) {
	cfg := small()
	cfg.Faults = []Fault{{Kind: GPULeak, Rate: 4096}}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	discard := func(Event) {}
	e.Submit(1200*ms, Request{PromptTokens: 12, MaxTokens: 20})
	for _, c := range []struct {
		at         time.Duration
		used, lost int
		usage      float64
	}{
		{1199 * ms, 0, 2, 2. / 8},
		{1210 * ms, 3, 2, 5. / 8},   // the prefill of 12 tokens
		{2 * time.Second, 0, 8, 1},  // done, and nothing is left
		{20 * time.Second, 0, 8, 1}, // and so it stays
	} {
		e.Advance(c.at, discard)
		st := e.State()
		if st.KVUsed != c.used || st.KVLost != c.lost || st.KVUsage() != c.usage {
			t.Errorf("at %v: %d used, %d lost, usage %g; want %d, %d, %g", c.at, st.KVUsed, st.KVLost, st.KVUsage(), c.used, c.lost, c.usage)
		}
	}
	for _, c := range []struct {
		used, lost int
		want       float64
	}{{0, 0, 0}, {2, 4, 0.75}, {3, 5, 1}, {0, 7, 0.875}, {0, 8, 1}} {
		if got := (State{KVUsed: c.used, KVLost: c.lost, KVBlocks: 8}).KVUsage(); got != c.want {
			t.Errorf("%d used, %d lost of 8: %g, want %g", c.used, c.lost, got, c.want)
		}
	}
}

// A share p picks p of the requests, other ones for another fault and seed.
func TestShare(t *testing.T) {
	const n = 100_000
	for _, p := range []float64{0.01, 0.1, 0.5} {
		hits, both := 0, 0
		for id := range uint64(n) {
			a, b := share(1, 0, id) < p, share(1, 1, id) < p
			if a {
				hits++
			}
			if a && b {
				both++
			}
		}
		sd := math.Sqrt(n * p * (1 - p))
		if math.Abs(float64(hits)-n*p) > 4*sd {
			t.Errorf("p = %g picks %d of %d", p, hits, n)
		}
		if q := p * p; math.Abs(float64(both)-n*q) > 4*math.Sqrt(n*q*(1-q)) {
			t.Errorf("two faults with p = %g pick %d of %d together, want about %g", p, both, n, n*q)
		}
	}
}

func TestParseFault(t *testing.T) {
	got, err := ParseFault("stall:after=5,duration=2s,p=0.1,from=10s,for=1m")
	want := Fault{Kind: Stall, After: 5, Duration: 2 * time.Second, P: 0.1, From: 10 * time.Second, For: time.Minute}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for spec, part := range map[string]string{
		"":                                 "unknown kind",
		"stal:after=1":                     "want one of gpu-leak, hang",
		"stall":                            "stall needs duration=",
		"stall:duration=0s":                "duration is 0",
		"stall:duration=2":                 "missing unit",
		"stall:duration=1s,after=-1":       "0 or more",
		"stall:duration=1s,factor=2":       `no key "factor"`,
		"stall:duration=1s,duration=2s":    "given twice",
		"stall:duration":                   "not key=value",
		"hang:p=0":                         "leave the fault out",
		"hang:p=1.5":                       "up to 1",
		"hang:p=NaN":                       "p is NaN",
		"hang:p=x":                         "not a number",
		"hang:from=-1s":                    "from is -1s",
		"slow-decode:factor=0":             "factor is 0",
		"slow-decode:factor=NaN":           "factor is NaN",
		"http-error:status=200":            "400 to 599",
		"rate-limit:rate=-1":               "more than 0",
		"rate-limit:rate=1,burst=0":        "burst is 0",
		"gpu-leak:mib_per_s=Inf":           "more than 0",
		"truncate:after=9999999999999999e": "not a number",
	} {
		if _, err := ParseFault(spec); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: error %v, want %q in it", spec, err, part)
		}
	}
}

func FuzzParseFault(f *testing.F) {
	for _, s := range []string{"hang", "stall:after=5,duration=2s,p=0.1,from=10s,for=1m", "rate-limit:rate=2.5,burst=7", "http-error",
		"gpu-leak:mib_per_s=1e3", "latency-creep:per_minute=.5", "slow-prefill:factor=3", "http-error:status=429,retry_after=1.5s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseFault(s)
		if err != nil {
			return
		}
		b, err := ParseFault(a.String())
		if err != nil || a != b {
			t.Errorf("%q reads as %+v, written %q, read again %+v, %v", s, a, a.String(), b, err)
		}
	})
}
