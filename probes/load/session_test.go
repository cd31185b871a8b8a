package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/arrival"
	"llmops/probes/load/check"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

// chats are sessions of three turns with fixed thoughts.
type chats struct{ think time.Duration }

func (c chats) Session(s int64) Session {
	return Session{Key: fmt.Sprint("chat ", s), Think: []time.Duration{time.Hour, c.think, 2 * c.think}}
}

// says is a source that knows the turns before.
type says struct{}

func (says) Prompt(int64) api.Prompt { return api.Prompt{Text: "no session"} }

func (says) SessionPrompt(s int64, turn int) api.Prompt {
	p := api.Prompt{MaxTokens: 4}
	for i := range turn + 1 {
		p.Messages = append(p.Messages, api.Message{Role: "user", Content: fmt.Sprintf("chat %d turn %d", s, i)})
	}
	return p
}

// Each turn is due its thought after the end of the one before, and is sent then;
// its time counts from there.
func TestTurnsFollowEachOther(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if text := string(body); strings.Contains(text, "no session") || strings.Contains(text, "turn 2") && !strings.Contains(text, "turn 0") {
			w.WriteHeader(http.StatusBadRequest)
		}
		if strings.Contains(string(body), "chat 1 ") { // a session goes on although its turns fail
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		time.Sleep(4 * time.Millisecond)
		reply(w)
	})
	const think = 12 * time.Millisecond
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 200}},
		"capped": {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 200}, MaxConcurrency: 2},
		"closed": {Concurrency: 2},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Targets, cfg.Prompts, cfg.Sessions, cfg.Requests = []Target{chatTarget(t, url)}, says{}, chats{think}, 20
			records, res := runAll(t, cfg)
			slices.SortFunc(records, func(a, b request.Record) int { return int(a.ID - b.ID) })
			if len(records) != 20 { // the last session is shortened
				t.Fatalf("%d records, want 20", len(records))
			}
			for i, r := range records {
				session, turn := i/3, i%3
				if r.ID != int64(i) || r.Session != fmt.Sprint("chat ", session) || r.OK == (session == 1) {
					t.Errorf("record %d: number %d of %q, %q %s", i, r.ID, r.Session, r.Error, r.Detail)
				}
				if turn == 0 {
					continue
				}
				if want := records[i-1].DoneAt.Add(time.Duration(turn) * think); !r.ScheduledAt.Equal(want) {
					t.Errorf("turn %d of session %d is due %v away from its thought's end", turn, session, r.ScheduledAt.Sub(want))
				}
				if r.SentAt.Before(r.ScheduledAt) || r.Lateness == nil || *r.Lateness > r.SentAt.Sub(r.ScheduledAt) || *r.Lateness > 5*time.Second {
					t.Errorf("request %d was sent %v after it was due, lateness %v", i, r.SentAt.Sub(r.ScheduledAt), r.Lateness)
				}
			}
			if most := int64(max(cfg.Concurrency, cfg.MaxConcurrency)); most > 0 && res.Peak > most {
				t.Errorf("%d requests at once, the cap is %d", res.Peak, most)
			}
		})
	}
}

// A session that thinks takes no place under the cap: eight of them, a second of
// thought each, do not take 8 s one after the other.
func TestThoughtTakesNoPlace(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	two := Dialogues{Turns: length.Constant(2), Think: must(length.ParseTimes("1s"))}
	start := time.Now()
	records, _ := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Requests: 16, MaxConcurrency: 1, Sessions: two,
		Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 1000}})
	if d := time.Since(start); len(records) != 16 || d < time.Second || d > 6*time.Second {
		t.Errorf("%d requests took %v, want 16 in a little over 1 s", len(records), d)
	}
}

// What is due after the end of the run is not sent, and what begins in the warm-up
// is measured as soon as its turns are due behind it.
func TestSessionsEndWithTheRun(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	endless := Dialogues{Turns: length.Constant(1000), Think: must(length.ParseTimes("20ms"))}
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 50}, MaxConcurrency: 4},
		"closed": {Concurrency: 3},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Targets, cfg.Sessions = []Target{chatTarget(t, url)}, endless
			cfg.WarmupDuration, cfg.Duration, cfg.Drain = 500*time.Millisecond, 700*time.Millisecond, 30*time.Second
			punctual(t, func(t *testing.T) (late string) {
				records, res := runAll(t, cfg)
				warmed, ids := 0, map[int64]bool{}
				for _, r := range records {
					due := r.ScheduledAt.Sub(res.MeasuredFrom)
					if r.ScheduledAt.Equal(r.SentAt) {
						due = 0 // the closed loop's own: begun in time, which is not in the record
					}
					if r.ScheduledAt.Before(res.MeasuredFrom) || due >= cfg.Duration || ids[r.ID] {
						t.Errorf("request %d is due %v after the measured part begins", r.ID, r.ScheduledAt.Sub(res.MeasuredFrom))
					}
					if ids[r.ID] = true; r.ID < 0 {
						warmed++
					}
				}
				if res.Window != cfg.Duration || res.Interrupted {
					t.Errorf("window %v, interrupted %v", res.Window, res.Interrupted)
				}
				if warmed < 5 || res.Warmup < 5 {
					late = fmt.Sprintf("%d turns of the warm-up's sessions of %d in all, %d warm-up requests", warmed, len(records), res.Warmup)
				}
				return late
			})
		})
	}
}

// A run that is cut ends at once, however long its sessions would still think.
func TestInterruptedThoughts(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 200}},
		"capped": {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 200}, MaxConcurrency: 1},
		"closed": {Concurrency: 3},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg.Targets, cfg.Prompts, cfg.Requests = []Target{chatTarget(t, url)}, says{}, 1000
			cfg.Sessions = Dialogues{Turns: length.Constant(3), Think: must(length.ParseTimes("1h"))}
			var cut time.Time
			n := 0
			res, err := Run(ctx, cfg, func(*request.Record) error {
				if n++; n == 3 {
					cut = time.Now()
					cancel()
				}
				return nil
			})
			if err != nil || !res.Interrupted || n < 3 || time.Since(cut) > 10*time.Second {
				t.Errorf("%d records, ended in %v, interrupted %v, error %v", n, time.Since(cut), res.Interrupted, err)
			}
		})
	}
}

// What is broken off on purpose is seen by the server, ends its connection, and is
// neither a success nor a failure.
func TestCancelledByPlan(t *testing.T) {
	var began, gone atomic.Int64
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		began.Add(1)
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), "long") {
			reply(w)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			if _, err := io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n"); err != nil || r.Context().Err() != nil {
				gone.Add(1)
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-time.After(5 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
		<-r.Context().Done() // no end of its own
		gone.Add(1)
	})
	source := sourceFunc(func(i int64) api.Prompt {
		return api.Prompt{Text: []string{"long", "short"}[i%2], MaxTokens: 9}
	})
	for name, tc := range map[string]struct {
		plan Cancellation
		ok   func(r request.Record) bool
	}{
		// Counted from when it was handed over, which on a busy machine is before it was sent.
		"time":   {Cancellation{After: 400 * time.Millisecond}, func(r request.Record) bool { return len(r.Chunks) > 0 && *r.LatencyMs < 5000 }},
		"tokens": {Cancellation{Events: 3, After: time.Minute}, func(r request.Record) bool { return len(r.Chunks) >= 3 }},
	} {
		t.Run(name, func(t *testing.T) {
			began.Store(0)
			gone.Store(0)
			var chunks []request.Record
			cfg := Config{Targets: []Target{chatTarget(t, url)}, Prompts: source, Concurrency: 10, Requests: 20, Cancel: func(i int64) Cancellation {
				if i%2 == 1 {
					return Cancellation{After: time.Minute} // a plan that comes too late changes nothing
				}
				return tc.plan
			}}
			start := time.Now()
			if _, err := Run(t.Context(), cfg, func(r *request.Record) error {
				c := *r
				c.Chunks = slices.Clone(r.Chunks)
				chunks = append(chunks, c)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for _, r := range chunks {
				cut := r.ID%2 == 0
				if d := r.DoneAt.Sub(start); cut && tc.plan.Events == 0 && d < tc.plan.After {
					t.Errorf("request %d was broken off after %v", r.ID, d)
				}
				if cut != (r.Error == request.Cancelled) || cut != r.ByPlan || cut == r.OK || cut && (!strings.Contains(r.Detail, "by plan") || !tc.ok(r)) {
					t.Errorf("request %d: %q %q, %d chunks, %v", r.ID, r.Error, r.Detail, len(r.Chunks), *r.LatencyMs)
				}
			}
			for wait := time.Now(); gone.Load() < 10 && time.Since(wait) < 30*time.Second; {
				time.Sleep(time.Millisecond)
			}
			if len(chunks) != 20 || began.Load() != 20 || gone.Load() != 10 {
				t.Errorf("%d records; the server saw %d requests and %d clients go, want 20, 20 and 10", len(chunks), began.Load(), gone.Load())
			}
		})
	}
}

// A request without a word of reply is broken off too; limits that come first win.
func TestCancelledBeforeTheReply(t *testing.T) {
	url := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	cfg := Config{Targets: []Target{chatTarget(t, url)}, Cancel: func(int64) Cancellation { return Cancellation{After: 30 * time.Millisecond} }}
	if r := runOne(t, cfg); r.Error != request.Cancelled || !r.ByPlan || r.Detail != "cancelled by plan 30ms after it was sent" {
		t.Errorf("%q: %s", r.Error, r.Detail)
	}
	cfg.Timeouts.Total = 10 * time.Millisecond
	if r := runOne(t, cfg); r.Error != request.TimeoutTotal || r.ByPlan {
		t.Errorf("%q: %s", r.Error, r.Detail)
	}
}

func TestQuitters(t *testing.T) {
	for text, want := range map[string]Quitters{
		"5%:after=2s":          {Share: 0.05, Cancellation: Cancellation{After: 2 * time.Second}},
		"0.25:after=20tok":     {Share: 0.25, Cancellation: Cancellation{Events: 20}},
		" 100 % :after= 1ms ":  {},
		"100%:after=1ms":       {Share: 1, Cancellation: Cancellation{After: time.Millisecond}},
		"0:after=1s":           {},
		"101%:after=1s":        {},
		"NaN:after=1s":         {},
		"5%":                   {},
		"5%:after=":            {},
		"5%:after=-1s":         {},
		"5%:after=0tok":        {},
		"5%:after=9999999e9to": {},
	} {
		q, err := ParseQuitters(text)
		if (err == nil) != (want.Share > 0) || err == nil && q != want {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
	}
	q := Quitters{Seed: 1, Share: 0.1, Cancellation: Cancellation{Events: 1}}
	n := 0
	for i := range int64(10_000) {
		if q.Cancel(i) != (Cancellation{}) {
			n++
		}
	}
	if n < 880 || n > 1120 { // four standard deviations of 30
		t.Errorf("%d of 10,000 at 10 %%", n)
	}
}

func TestDialoguesAreOfTheirSeed(t *testing.T) {
	d := Dialogues{Seed: 5, Turns: must(length.Parse("uniform:1,9")), Think: must(length.ParseTimes("uniform:1s,3s"))}
	lengths := map[int]int{}
	for s := range int64(900) {
		a, b := d.Session(s), d.Session(s)
		if !slices.Equal(a.Think, b.Think) || a.Think[0] != 0 {
			t.Fatalf("session %d: %v and %v", s, a.Think, b.Think)
		}
		lengths[len(a.Think)]++
		for _, d := range a.Think[1:] {
			if d < time.Second || d > 3*time.Second {
				t.Errorf("session %d thinks for %v", s, d)
			}
		}
	}
	for n := 1; n <= 9; n++ {
		if lengths[n] < 60 || lengths[n] > 140 {
			t.Errorf("%d of 900 sessions have %d turns, want about 100", lengths[n], n)
		}
	}
}

var _ prompt.Source = says{}

// With conversations the checks are those of the session, on its first turn.
func TestChecksOfSessions(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	set, err := new(check.Parser).Parse([]byte(`[{"exact":"x"}]`))
	if err != nil {
		t.Fatal(err)
	}
	graded := map[int64]int{}
	cfg := Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 2, Requests: 30, Sessions: chats{}, Prompts: says{},
		Checks: func(i int64) check.Set {
			if i == 4 { // a session
				return nil
			}
			return set
		},
		Graded: func(g Graded) { graded[g.ID]++ }}
	records, _ := runAll(t, cfg)
	for _, r := range records {
		if want := r.ID%3 == 0 && r.ID != 12; (graded[r.ID] == 1) != want || (r.Quality != nil) != want {
			t.Errorf("request %d was graded %d times, quality %v", r.ID, graded[r.ID], r.Quality)
		}
	}
}
