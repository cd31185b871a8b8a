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
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 500}},
		"closed": {Concurrency: 2},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Now().Add(200 * time.Millisecond).Round(0) // by the clock alone
			cfg.Targets, cfg.Requests, cfg.StartAt = []Target{chatTarget(t, url)}, 4, at
			records, res := runAll(t, cfg)
			if late := res.Started.Sub(at); late < 0 || late > time.Second {
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
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	at := time.Now().Add(300 * time.Millisecond)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	cfg := Config{Targets: []Target{chatTarget(t, "https://"+silent.Addr().String()+"/v1"), chatTarget(t, url)},
		Concurrency: 2, Requests: 2, StartAt: at, Timeouts: Timeouts{Connect: 2 * time.Second}}
	records, res := runAll(t, cfg)
	if late := res.Started.Sub(at); late < 0 || late > time.Second || len(records) != 2 {
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
	if res, err := run(t.Context(), time.Now().Add(-2*time.Second)); err == nil || !strings.Contains(err.Error(), "was missed by 2") || !res.Started.IsZero() {
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
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	for name, cfg := range map[string]Config{
		"open":   {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 50}},
		"capped": {Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 50}, MaxConcurrency: 2},
		"closed": {Concurrency: 2, Requests: 40},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Targets, cfg.Prompts, cfg.Sessions = []Target{chatTarget(t, url)}, says{}, chats{time.Minute}
			cfg.Duration, cfg.Drain = 100*time.Millisecond, 30*time.Second
			records, res := runAll(t, cfg)
			if took := res.Ended.Sub(res.Started); len(records) == 0 || took > 10*time.Second {
				t.Errorf("%d requests, the run took %v", len(records), took)
			}
		})
	}
}
