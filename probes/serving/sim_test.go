package serving

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/probes/sim"
	"llmops/probes/snapshot"
)

// The simulated server knows what it did: what is read must be that.
func TestAgainstSim(t *testing.T) {
	cfg := sim.DefaultConfig()
	cfg.ServiceTime, cfg.MaxRunning = 20*time.Millisecond, 2
	server, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server.Handler())
	defer srv.Close()
	c := New(Config{})
	defer c.Close()
	x, err := c.Target(srv.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	idle, problems := x.Read(t.Context(), 0)
	if idle.Engine != "vllm" || len(idle.Models) != 1 || *idle.Running != 0 || len(problems) > 0 || idle.TTFT.Count != 0 || idle.TTFT.P50 != nil {
		t.Errorf("%+v %v", idle, problems)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			resp, err := http.Post(srv.URL+"/v1/completions", "application/json", strings.NewReader(`{"model":"`+cfg.Model+`","prompt":"a b c","max_tokens":4}`))
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	s, problems := x.Read(t.Context(), 0)
	st := server.State()
	if *s.RequestsTotal != 10 || *s.GenerationTokensTotal != float64(st.OutputTokens) || *s.PromptTokensTotal != float64(st.PromptTokens) || len(problems) > 0 {
		t.Errorf("%+v %v", s, problems)
	}
	if s.Basis != snapshot.OverWindow || s.Latency.Count != 10 || *s.RequestsPerSecond != 10 / *s.WindowS || *s.ErrorRate != 0 {
		t.Errorf("%+v", s)
	}
	// Each takes 20 ms at least; how long they wait for a slot depends on when they come.
	if mean := *s.Latency.Mean; mean < 20-1e-6 || math.Abs(mean-st.E2E.Sum*1000/10) > 1e-6 {
		t.Errorf("mean latency %v ms, the server's is %v ms", mean, st.E2E.Sum*1000/10)
	}
}

func BenchmarkRead(b *testing.B) {
	page := fixture(b, "sim-vllm-1.txt")
	c := New(Config{Transport: transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/metrics" {
			return plain(200, page), nil
		}
		return plain(404, ""), nil
	})})
	x, err := c.Target("http://h")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if s, _ := x.Read(b.Context(), 0); s.Running == nil {
			b.Fatal(s)
		}
	}
}
