package load

import (
	"maps"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
	"llmops/probes/sim"
)

// Whatever the server does to requests, all in one run, the client finds each
// under its class, as often as the server counted it. Streams that a limit of the
// client ended are told apart on the other side by how far they had come.
func TestFaultsAreCountedByClass(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.Model, cfg.PrefillBase, cfg.DecodeBase = "m", time.Millisecond, time.Millisecond
	for _, text := range []string{"http-error:status=503,p=0.05", "http-error:status=500,p=0.05,retry_after=2s", "rate-limit:rate=20,burst=800",
		"stream-error:after=3,p=0.05", "truncate:after=2,p=0.05", "reset:after=2,p=0.05", "hang:p=0.02", "stall:after=2,duration=1m,p=0.02",
		"slow-prefill:factor=2,p=0.1", "slow-decode:factor=2,p=0.1"} {
		f, err := sim.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = append(cfg.Faults, f)
	}
	var mu sync.Mutex
	served := map[request.Class]int{}
	cfg.Log = func(r *request.Record) {
		class := r.Error
		switch {
		case class == request.Cancelled && r.CompletionTokens == nil:
			class = request.TimeoutFirstToken
		case class == request.Cancelled:
			class = request.TimeoutIdle
		}
		mu.Lock()
		defer mu.Unlock()
		served[class]++
	}
	server, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewServer(server.Handler())
	defer hs.Close()

	const requests = 1500
	seen := map[request.Class]int{}
	_, err = Run(t.Context(), Config{
		Concurrency: 32, Requests: requests, Targets: []Target{chatTarget(t, hs.URL+"/v1")},
		Prompts:  prompt.Synthetic{Input: length.Constant(8), Output: length.Constant(8)},
		Timeouts: Timeouts{FirstToken: 2 * time.Second, Idle: 2 * time.Second},
	}, func(r *request.Record) error {
		seen[r.Error]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	hs.Close() // the last of the records are in
	mu.Lock()
	defer mu.Unlock()
	if !maps.Equal(seen, served) {
		t.Errorf("the client counts %v,\nthe server %v", seen, served)
	}
	for _, class := range []request.Class{request.OK, request.HTTP(429), request.HTTP(500), request.HTTP(503), request.StreamError,
		request.Truncated, request.TimeoutFirstToken, request.TimeoutIdle} {
		if seen[class] == 0 {
			t.Errorf("no request is %q: the test shows nothing of it", class)
		}
	}
	t.Log(seen)
}
