package load

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"llmops/probes/load/arrival"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

// Shards that are told the same time begin at it, whatever each did before.
func TestStartAt(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 500}},
		"closed": {Concurrency: 2},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Now().Add(time.Second).Round(0) // by the clock alone
			cfg.Targets, cfg.Requests, cfg.StartAt = []Target{chatTarget(t, url)}, 4, at
			records, res := runAll(t, cfg)
			if late := res.Started.Sub(at); late < 0 || late > 5*time.Second {
				t.Errorf("began %v after it was to", late)
			}
			for _, r := range records {
				if r.SentAt.Before(at) || len(records) != 4 {
					t.Errorf("%d requests, one sent %v before the start", len(records), at.Sub(r.SentAt))
				}
			}
		})
	}
}

// A server that does not finish its handshakes does not move the start.
func TestStartBeforeAllIsConnected(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	at := time.Now().Add(time.Second)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	cfg := Config{Targets: []Target{chatTarget(t, "https://"+silent.Addr().String()+"/v1"), chatTarget(t, url)},
		Concurrency: 2, Requests: 2, StartAt: at, Timeouts: Timeouts{Connect: time.Minute, Total: time.Second}}
	records, res := runAll(t, cfg)
	if late := res.Started.Sub(at); late < 0 || late > 3*time.Second || len(records) != 2 {
		t.Errorf("began %v after it was to; %d requests", late, len(records))
	}
}

func TestStartThatCannotBe(t *testing.T) {
	var asked atomic.Int64
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		reply(w)
	})
	run := func(ctx context.Context, at time.Time) (Result, error) {
		cfg := Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 1, Requests: 1, StartAt: at,
			Prompts: prompt.Synthetic{Seed: 1, Input: length.Constant(8)}}
		return Run(ctx, cfg, func(*request.Record) error { return nil })
	}
	if res, err := run(t.Context(), time.Now().Add(-2*time.Hour)); err == nil || !strings.Contains(err.Error(), "was missed by 2h0m") || !res.Started.IsZero() {
		t.Errorf("%+v, %v", res, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if res, err := run(ctx, time.Now().Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) || !res.Started.IsZero() {
		t.Errorf("%+v, %v", res, err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// A session that would go on only after the run's end is over: nobody waits for it.
func TestThoughtsBeyondTheEnd(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 50}},
		"capped": {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 50}, MaxConcurrency: 2},
		"closed": {Concurrency: 2, Requests: 40},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Targets, cfg.Prompts, cfg.Sessions = []Target{chatTarget(t, url)}, says{}, chats{time.Minute}
			cfg.Duration, cfg.Drain = 600*time.Millisecond, 30*time.Second
			records, res := runAll(t, cfg)
			if took := res.Ended.Sub(res.Started); len(records) == 0 || took > 10*time.Second {
				t.Errorf("%d requests, the run took %v", len(records), took)
			}
		})
	}
}

// A run lasts as long as it was asked to, also where nothing is due at its end: its rates
// are over that time.
func TestRunLastsItsDuration(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	stages, err := arrival.ParseStages("40ms:200")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*arrival.Process{
		"few":    {Kind: arrival.Constant, Rate: 1},
		"stages": {Kind: arrival.Constant, Profile: stages},
	} {
		cfg := Config{Targets: []Target{chatTarget(t, url)}, Arrivals: p, WarmupDuration: 5 * time.Millisecond, Duration: 300 * time.Millisecond, Drain: time.Minute}
		if name == "few" {
			cfg.WarmupDuration = 0
		}
		records, res := runAll(t, cfg)
		if over := res.Ended.Sub(res.MeasuredFrom); len(records) == 0 || res.Window != cfg.Duration || over < cfg.Duration || over > 10*time.Second {
			t.Errorf("%s: %d requests, measured for %v, window %v, want %v", name, len(records), over, res.Window, cfg.Duration)
		}
		cfg.Requests, cfg.Duration = 1, time.Minute // ends before
		if _, res := runAll(t, cfg); res.Window != 0 || res.Ended.Sub(res.MeasuredFrom) > 10*time.Second {
			t.Errorf("%s, 1 request: measured for %v, window %v", name, res.Ended.Sub(res.MeasuredFrom), res.Window)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		cfg.Requests = 0
		cfg.Prompts = prompt.Synthetic{Seed: 1, Input: length.Constant(8), Output: length.Constant(4)}
		cfg.Duration = time.Minute
		res, err := Run(ctx, cfg, func(*request.Record) error { return nil })
		cancel()
		if took := res.Ended.Sub(res.Started); err != nil || !res.Interrupted || res.Window != 0 || took > 10*time.Second {
			t.Errorf("%s, interrupted: %+v, %v", name, res, err)
		}
	}
}
