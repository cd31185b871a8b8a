package load

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"llmops/probes/load/api"
	"llmops/probes/load/arrival"
	"llmops/probes/load/check"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

// asked is one request as the schedule has it.
type asked struct {
	ID      int64
	Due     time.Duration // after the first measured one of the whole; of later turns and the closed loop 0
	Session string
	URL     string
}

// bodies keeps what was sent to it.
type bodies struct {
	mu   sync.Mutex
	list []string
}

func (b *bodies) serve(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	b.list = append(b.list, string(text))
	b.mu.Unlock()
	reply(w)
}

// parts does cfg in count shards, one after the other, and gives what they did
// together: 0, the whole.
func parts(t *testing.T, cfg Config, count int) (all []asked, sent []string, warm int64) {
	t.Helper()
	var seen bodies
	a, b := server(t, seen.serve), server(t, seen.serve)
	cfg.Targets = []Target{chatTarget(t, a), chatTarget(t, b)}
	cfg.Targets[0].Label, cfg.Targets[1].Label = "a", "b"
	for i := range max(1, count) {
		if count > 0 {
			cfg.Shard = Shard{Index: i, Count: count}
		}
		records, res := runAll(t, cfg)
		warm += res.Warmup
		for _, r := range records {
			if !r.OK {
				t.Fatalf("request %d: %s %s", r.ID, r.Error, r.Detail)
			}
			x := asked{ID: r.ID, Session: r.Session, URL: r.URL}
			if cfg.Arrivals != nil && cfg.Sessions == nil {
				x.Due = r.ScheduledAt.Sub(res.MeasuredFrom)
			}
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(x, y asked) int { return cmp.Compare(x.ID, y.ID) })
	slices.Sort(seen.list)
	return all, seen.list, warm
}

func TestShardsAreTogetherTheRun(t *testing.T) {
	t.Parallel() // it waits, most of the time
	open := &arrival.Process{Kind: arrival.Gamma, Rate: 500, Burstiness: 0.5, Seed: 3}
	prompts := prompt.Synthetic{Seed: 9, Input: length.Constant(8), Output: length.Constant(4)}
	talk := Dialogues{Seed: 4, Turns: must(length.Parse("uniform:1,5")), Think: must(length.ParseTimes("uniform:1ms,9ms"))}
	for name, cfg := range map[string]Config{
		"open loop":       {Arrivals: open, Requests: 67, WarmupRequests: 7},
		"open, capped":    {Arrivals: open, Requests: 40, MaxConcurrency: 5},
		"open, warmed up": {Arrivals: open, Requests: 40, WarmupDuration: 20 * time.Millisecond},
		"open, for a time": {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 300},
			Duration: 150 * time.Millisecond, Drain: 30 * time.Second, WarmupRequests: 4},
		"sessions":        {Arrivals: open, Sessions: talk, Requests: 67, WarmupRequests: 7},
		"closed loop":     {Concurrency: 5, Requests: 67, WarmupRequests: 8},
		"closed sessions": {Concurrency: 5, Sessions: talk, Requests: 67, WarmupRequests: 7},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Prompts = prompts
			whole, sent, warm := parts(t, cfg, 0)
			if n := cfg.Requests; n > 0 && int64(len(whole)) != n {
				t.Fatalf("%d requests, want %d", len(whole), n)
			}
			for i, x := range whole {
				if x.ID != int64(i) {
					t.Fatalf("request %d has the number %d", i, x.ID)
				}
			}
			for count := 1; count <= 4; count += 3 {
				together, sentTogether, warmTogether := parts(t, cfg, count)
				if diff := gocmp.Diff(whole, together); diff != "" {
					t.Errorf("%d shards:\n%s", count, diff)
				}
				if diff := gocmp.Diff(sent, sentTogether); diff != "" || warm != warmTogether {
					t.Errorf("%d shards: %d warm-up requests, want %d; bodies differ:\n%s", count, warmTogether, warm, diff)
				}
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Numbers are dealt out evenly, each to one shard, warm-up or not.
func TestShardDealsOut(t *testing.T) {
	for count := 1; count < 7; count++ {
		sum := int64(0)
		for i := range count {
			s := Shard{i, count}
			sum += s.Share(20)
			own, warm := int64(0), int64(0)
			for n := range int64(20) {
				if s.Owns(n) {
					own++
				}
				if s.Owns(-1 - n) {
					warm++
				}
				if s.Owns(n) != s.Owns(-1-n) {
					t.Errorf("shard %d of %d: %d and the warm-up's %d differ", i, count, n, -1-n)
				}
			}
			if own != s.Share(20) || warm != own {
				t.Errorf("shard %d of %d owns %d and %d of 20, its share is %d", i, count, own, warm, s.Share(20))
			}
		}
		if sum != 20 {
			t.Errorf("%d shards have %d of 20", count, sum)
		}
	}
	if whole := (Shard{}); !whole.Owns(7) || whole.Share(7) != 7 {
		t.Error("the whole does not own everything")
	}
}

func TestClosedLoopShardsShareTheConcurrency(t *testing.T) {
	peaks := []int64{}
	for i := range 3 {
		url := server(t, gate(t, []int64{3, 2, 2}[i]))
		_, res := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 7, Requests: 120, Shard: Shard{i, 3}})
		peaks = append(peaks, res.Peak)
	}
	if diff := gocmp.Diff([]int64{3, 2, 2}, peaks); diff != "" {
		t.Error(diff)
	}
}

// Requests go round the targets by number; a target that is down fails its own only.
func TestTargetsTakeTurns(t *testing.T) {
	targets := make([]Target, 3)
	for i := range targets {
		targets[i] = chatTarget(t, server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) }))
		targets[i].Label = fmt.Sprint("target ", i)
	}
	targets[1].URL = "http://127.0.0.1:1/v1/chat/completions"
	targets[1].Secrets, targets[2].Secrets = []string{"127.0.0.1:1"}, []string{"connection"} // the other's secret counts too
	for _, cfg := range []Config{
		{Concurrency: 4},
		{Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 500}},
	} {
		cfg.Targets, cfg.Requests, cfg.WarmupRequests = targets, 30, 4
		records, _ := runAll(t, cfg)
		per := map[string]int{}
		for _, r := range records {
			per[r.URL]++
			if want := fmt.Sprint("target ", r.ID%3); r.URL != want || r.OK != (r.ID%3 != 1) {
				t.Errorf("request %d went to %s: %q", r.ID, r.URL, r.Error)
			}
			if r.Error == request.Connect && (strings.Contains(r.Detail, "127.0.0.1:1:") || strings.Contains(r.Detail, "connection")) {
				t.Errorf("a secret is shown: %s", r.Detail)
			}
		}
		if !maps.Equal(per, map[string]int{"target 0": 10, "target 1": 10, "target 2": 10}) {
			t.Error(per)
		}
	}
}

// A place of the closed loop reads the clock before it is admitted, so that another
// may begin the measured part in between: the warm-up stays as long as asked for.
func TestWarmupIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want []int64 // the IDs of what goes out at 0, 2 and then 1 ms
	}{
		"so many requests": {Config{WarmupRequests: 1, Requests: 9}, []int64{-1, 0, 1}},
		"for a time":       {Config{WarmupDuration: 2 * time.Millisecond, Requests: 9}, []int64{-1, 0, -2}},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := &runner{cfg: c.cfg, start: start, monitor: newMonitor(wallClock(start))}
			defer r.monitor.stop()
			if c.cfg.WarmupRequests == 0 {
				r.begin(start.Add(c.cfg.WarmupDuration))
			}
			var got []int64
			for _, ms := range []time.Duration{0, 2, 1} {
				p, ok := r.admit(start.Add(ms * time.Millisecond))
				if !ok {
					t.Fatalf("%v ms: not admitted", ms)
				}
				got = append(got, p.first)
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The measured part may begin while a turn of a session of the warm-up is written and
// waits to be due: what is due behind that is measured.
func TestTurnOfTheWarmupAtItsEnd(t *testing.T) {
	set, err := new(check.Parser).Parse([]byte(`[{"exact":"x"}]`))
	if err != nil {
		t.Fatal(err)
	}
	for requests, warm := range map[int64]bool{0: false, 9: true} { // with so many requests the session is of the warm-up as a whole
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			cfg := Config{Targets: []Target{chatTarget(t, "http://x/v1")}, Prompts: sourceFunc(func(int64) api.Prompt { return api.Prompt{Text: "hi"} }),
				Sessions: chats{8 * time.Millisecond}, Checks: func(int64) check.Set { return set }, WarmupRequests: 3, Requests: requests, Duration: time.Second}
			clients, err := newClients(cfg.Targets, cfg.Timeouts, start)
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{cfg: cfg, clients: clients, start: start, monitor: newMonitor(wallClock(start)), issue: t.Context(), grader: &grader{}, cut: func() {}}
			defer r.monitor.stop()
			r.calls.New = func() any { return &call{} }
			p, _ := r.admit(start)
			go func() {
				time.Sleep(3 * time.Millisecond)
				r.admit(time.Now())
			}()
			c := r.next(p, 0, start)
			if r.deadline.Stop(); c.warm != warm || (len(c.checks) > 0) == warm || c.due.Sub(r.from) != 5*time.Millisecond {
				t.Errorf("%d requests: warm %v, %d checks, due %v after the measured part begins", requests, c.warm, len(c.checks), c.due.Sub(r.from))
			}
		})
	}
}
