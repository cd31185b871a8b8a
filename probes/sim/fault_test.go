package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFaultsOverHTTP(t *testing.T) {
	const body = `{"stream":true,"max_tokens":5,"prompt":"x"}`
	t.Run("http-error", func(t *testing.T) {
		_, url := start(t, withFault(t, "http-error:status=503,retry_after=1500ms"))
		if r := post(t, url+"/v1/completions", body); r.StatusCode != 503 || r.Header.Get("Retry-After") != "2" {
			t.Errorf("status %d, Retry-After %q, want 503 and 2 (rounded up)", r.StatusCode, r.Header.Get("Retry-After"))
		}
	})
	t.Run("error types", func(t *testing.T) {
		for status, want := range map[int]string{400: "BadRequestError", 418: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError",
			429: "RateLimitError", 500: "InternalServerError", 503: "ServiceUnavailableError", 599: "InternalServerError"} {
			_, url := start(t, withFault(t, fmt.Sprintf("http-error:status=%d", status)))
			var e struct {
				Error struct {
					Type string
					Code int
				}
			}
			r := post(t, url+"/v1/completions", body)
			if err := json.NewDecoder(r.Body).Decode(&e); err != nil || r.StatusCode != status || e.Error.Code != status || e.Error.Type != want {
				t.Errorf("status %d: got %d, %+v, %v; want type %s", status, r.StatusCode, e, err, want)
			}
		}
	})
	t.Run("rate-limit", func(t *testing.T) {
		_, url := start(t, withFault(t, "rate-limit:rate=0.1"))
		if r := post(t, url+"/v1/completions", body); r.StatusCode != 200 {
			t.Errorf("first request: status %d", r.StatusCode)
		}
		if r := post(t, url+"/v1/completions", body); r.StatusCode != 429 || r.Header.Get("Retry-After") != "10" {
			t.Errorf("second request: status %d, Retry-After %q, want 429 and 10", r.StatusCode, r.Header.Get("Retry-After"))
		}
	})
	for spec, want := range map[string]struct {
		tokens    int
		done, bad bool
	}{"stream-error:after=2": {2, true, true}, "truncate:after=2": {2, false, false}, "truncate": {0, false, false}} {
		t.Run(spec, func(t *testing.T) {
			_, url := start(t, withFault(t, spec))
			chunks, done, err := read(t, post(t, url+"/v1/completions", body).Body)
			bad := false
			if n := len(chunks); n > 0 && chunks[n-1].Error != nil {
				bad, chunks = true, chunks[:n-1]
			}
			if err != nil || done != want.done || bad != want.bad || len(chunks) != want.tokens {
				t.Errorf("%d tokens, done %v, error object %v, %v; want %+v and a clean end", len(chunks), done, bad, err, want)
			}
		})
	}
	t.Run("reset", func(t *testing.T) {
		s, url := start(t, withFault(t, "reset:after=2"))
		chunks, done, err := read(t, post(t, url+"/v1/completions", body).Body)
		if len(chunks) != 2 || done || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%d tokens, done %v, error %v, want 2 and a reset", len(chunks), done, err)
		}
		if st := s.State(); st.Running != 0 || st.KVUsed != 0 {
			t.Errorf("%d run, %d blocks used", st.Running, st.KVUsed)
		}
	})
	t.Run("reset at once", func(t *testing.T) {
		_, url := start(t, withFault(t, "reset"))
		if _, err := io.ReadAll(post(t, url+"/v1/completions", body).Body); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v, want a reset", err)
		}
	})
	t.Run("stall", func(t *testing.T) {
		s, url := start(t, withFault(t, "stall:after=2,duration=1s"))
		r := post(t, url+"/v1/completions", body)
		time.Sleep(50 * time.Millisecond)
		if st := s.State(); st.Running != 1 || st.KVUsed != 1 {
			t.Errorf("while it stalls %d run with %d blocks, want 1 and 1", st.Running, st.KVUsed)
		}
		chunks, done, _ := read(t, r.Body)
		if gap := chunks[4].at.Sub(chunks[0].at); len(chunks) != 5 || !done || gap < 50*time.Millisecond {
			t.Errorf("%d chunks, done %v, %v from first to last", len(chunks), done, gap)
		}
	})
	t.Run("hang", func(t *testing.T) {
		s, url := start(t, withFault(t, "hang"))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			eventually(t, func() bool { return s.State().Running == 1 })
			time.Sleep(50 * time.Millisecond)
			cancel()
		}()
		req, _ := http.NewRequestWithContext(ctx, "POST", url+"/v1/completions", strings.NewReader(body))
		if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want no reply until the client leaves", err)
		}
		eventually(t, func() bool { st := s.State(); return st.Running == 0 && st.KVUsed == 0 && st.Ended["abort"] == 1 })
	})
	t.Run("gpu-leak", func(t *testing.T) {
		_, url := start(t, withFault(t, "gpu-leak:mib_per_s=1e9"))
		time.Sleep(time.Millisecond)
		if r := post(t, url+"/v1/completions", body); r.StatusCode != 500 {
			t.Errorf("status %d, want 500", r.StatusCode)
		}
		m := metrics(t, url)
		if m["DCGM_FI_DEV_FB_FREE"] != 0 || m["DCGM_FI_DEV_FB_USED"] != 16384 {
			t.Errorf("GPU memory free %g, used %g MiB", m["DCGM_FI_DEV_FB_FREE"], m["DCGM_FI_DEV_FB_USED"])
		}
		if m["vllm:kv_cache_usage_perc"] != 1 {
			t.Errorf("KV cache usage %g, want 1: no block is left", m["vllm:kv_cache_usage_perc"])
		}
	})
	// Replies that are no streams show the same faults in their own way.
	for spec, status := range map[string]int{"stream-error:after=2": 500, "truncate:after=2": 200} {
		t.Run("whole "+spec, func(t *testing.T) {
			_, url := start(t, withFault(t, spec))
			r := post(t, url+"/v1/completions", `{"max_tokens":5,"prompt":"x"}`)
			b, err := io.ReadAll(r.Body)
			if r.StatusCode != status || err != nil || json.Valid(b) != (status == 500) {
				t.Errorf("status %d, body %q, %v", r.StatusCode, b, err)
			}
		})
	}
}

// A truncated reply ends with the text of the tokens that were due before.
func TestTruncatedWholeReply(t *testing.T) {
	for after := range 4 {
		_, url := start(t, withFault(t, fmt.Sprintf("truncate:after=%d", after)))
		b, err := io.ReadAll(post(t, url+"/v1/chat/completions", `{"max_tokens":5,`+hello+`}`).Body)
		_, text, ok := strings.Cut(string(b), `"content":"`)
		if err != nil || !ok || strings.Contains(text, `"`) || len(strings.Fields(text)) != after {
			t.Errorf("after=%d: %q, %v", after, b, err)
		}
	}
}

func TestDisconnectFreesSlot(t *testing.T) {
	cfg := quick()
	cfg.MaxRunning, cfg.DecodeBase = 1, 20*time.Millisecond
	s, url := start(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", url+"/v1/completions", strings.NewReader(`{"stream":true,"max_tokens":8000,"prompt":"x"}`))
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Read(make([]byte, 10))
	if st := s.State(); st.Running != 1 {
		t.Fatalf("%d run", st.Running)
	}
	cancel()
	r.Body.Close()
	eventually(t, func() bool { st := s.State(); return st.Running == 0 && st.KVUsed == 0 && st.Ended["abort"] == 1 })
	if b, err := io.ReadAll(post(t, url+"/v1/completions", `{"max_tokens":1,"prompt":"x"}`).Body); err != nil || !json.Valid(b) {
		t.Errorf("the next request: %q, %v", b, err)
	}
}
