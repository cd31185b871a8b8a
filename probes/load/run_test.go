package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/arrival"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

const oneToken = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

// server answers every POST with handle.
func server(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	return srv.URL + "/v1"
}

// punctual gives a busy machine ten chances: what try returns came of lost time.
func punctual(t *testing.T, try func(*testing.T) (late string)) {
	t.Helper()
	late := ""
	for range 10 {
		if late = try(t); late == "" || t.Failed() {
			return
		}
	}
	t.Error(late)
}

// gate answers once so many requests have been there at the same time, or it is clear
// that they will not; more must never be.
func gate(t *testing.T, n int64) http.HandlerFunc {
	var inFlight atomic.Int64
	full := make(chan struct{})
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch at := inFlight.Add(1); {
		case at > n:
			t.Errorf("the server sees %d requests at once, want at most %d", at, n)
		case at == n:
			once.Do(func() { close(full) })
		}
		select {
		case <-full:
		case <-time.After(10 * time.Second):
		}
		inFlight.Add(-1)
		reply(w)
	}
}

func reply(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, oneToken)
}

// A service of 50 ms, asked for 100 requests a second, one at a time: request i
// is due at 10i ms and done at 50(i+1) ms, so its latency from the schedule is
// 50+40i ms, 430 ms on average over 20, and it waits 40i ms, 380 on average.
func TestOpenLoopCountsFromTheSchedule(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(50 * time.Millisecond)
		reply(w)
	})
	records, _ := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Requests: 20, MaxConcurrency: 1,
		Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 100}})
	var latency, queue, service, late float64
	for i, r := range records {
		if !r.OK || r.ID != int64(i) || r.Lateness == nil {
			t.Fatalf("record %d: id %d, %q: %s, lateness %v", i, r.ID, r.Error, r.Detail, r.Lateness)
		}
		service += request.Ms(r.DoneAt.Sub(r.SentAt)) / 20
		late += request.Ms(*r.Lateness) / 20
		latency += *r.LatencyMs / 20
		queue += *r.QueueMs / 20
		if want := time.Duration(i) * 10 * time.Millisecond; r.ScheduledAt.Sub(records[0].ScheduledAt) != want {
			t.Errorf("request %d is due %v after the first, want %v", i, r.ScheduledAt.Sub(records[0].ScheduledAt), want)
		}
		if i > 0 && r.SentAt.Before(records[i-1].DoneAt) {
			t.Errorf("request %d was sent %v before the one before it was done", i, records[i-1].DoneAt.Sub(r.SentAt))
		}
	}
	// A busy machine sleeps longer than asked, never shorter.
	if latency < 429 || queue < 379 || service < 49 || math.Abs(latency-queue-service) > 0.1 {
		t.Errorf("mean latency %.1f ms, mean queue time %.1f ms, want about 430 and 380; in service %.1f", latency, queue, service)
	}
	if late > queue/3 {
		t.Errorf("mean lateness %.1f ms of %.1f; the wait for the cap must not be in it", late, queue)
	}
}

func TestClosedLoopKeepsItsConcurrency(t *testing.T) {
	records, res := runAll(t, Config{Targets: []Target{chatTarget(t, server(t, gate(t, 7)))}, Concurrency: 7, Requests: 100, WarmupRequests: 9})
	if res.Peak != 7 {
		t.Errorf("%d requests at once, want 7", res.Peak)
	}
	seen := map[int64]bool{}
	for _, r := range records {
		seen[r.ID] = true
	}
	if len(records) != 100 || len(seen) != 100 || !seen[0] || !seen[99] {
		t.Errorf("%d records with %d numbers, want 100 from 0 to 99", len(records), len(seen))
	}
	if res.Warmup != 9 {
		t.Errorf("%d warm-up requests, want 9", res.Warmup)
	}
}

func TestDurationDrainsThenCuts(t *testing.T) {
	t.Parallel() // it waits, most of the time
	const last, drain = 300 * time.Millisecond, 700 * time.Millisecond
	var ends atomic.Pointer[time.Time]
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"max_tokens":1,`) || strings.HasSuffix(string(body), `"max_tokens":1}`) {
			<-r.Context().Done() // never answers
			return
		}
		time.Sleep(time.Until(*ends.Load()) + 50*time.Millisecond) // what is under way at the end may finish
		reply(w)
	})
	source := sourceFunc(func(i int64) api.Prompt {
		p := api.Prompt{Text: "hi", MaxTokens: 2}
		if i == 0 {
			p.MaxTokens = 1
		}
		return p
	})
	punctual(t, func(t *testing.T) (late string) {
		records, res := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Prompts: source, Concurrency: 3, Duration: last, Drain: drain,
			Measured: func(from time.Time) { ends.Store(new(from.Add(last))) }})
		took := res.Ended.Sub(res.Started)
		if took < last+drain-10*time.Millisecond || res.Interrupted {
			t.Errorf("the run took %v, interrupted %v; want %v", took, res.Interrupted, last+drain)
		}
		cancelled := 0
		for _, r := range records {
			switch {
			case r.Error == request.Cancelled && r.ID == 0:
				cancelled++
			case !r.OK:
				late = fmt.Sprintf("request %d: %s", r.ID, r.Error)
			}
		}
		if took > last+drain+2*time.Second || cancelled != 1 || len(records) != 3 {
			late = fmt.Sprintf("%d of %d cancelled in %v; want exactly the one of 3 that hangs", cancelled, len(records), took)
		}
		return late
	})
}

type sourceFunc func(int64) api.Prompt

func (f sourceFunc) Prompt(i int64) api.Prompt { return f(i) }

// Every request that was due when the run was cut is accounted for, sent or not.
func TestInterruptAccountsForWhatWasDue(t *testing.T) {
	url := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a server notices the end of a client only then
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var ids []int64
	res, err := Run(ctx, Config{Targets: []Target{chatTarget(t, url)}, Prompts: prompt.Synthetic{Input: length.Constant(3)},
		Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 100}, MaxConcurrency: 2, Requests: 1000},
		func(r *request.Record) error {
			if r.Error != request.Cancelled {
				t.Errorf("request %d: %q", r.ID, r.Error)
			}
			if (r.QueueMs == nil) != r.SentAt.IsZero() {
				t.Errorf("request %d: a queue time without having been sent", r.ID)
			}
			ids = append(ids, r.ID)
			return nil
		})
	if err != nil || !res.Interrupted {
		t.Fatalf("interrupted %v, error %v", res.Interrupted, err)
	}
	// Due every 10 ms, the first at the beginning.
	end, _ := ctx.Deadline()
	least, most := end.Sub(res.MeasuredFrom)/(10*time.Millisecond), res.Ended.Sub(res.MeasuredFrom)/(10*time.Millisecond)+1
	if n := time.Duration(len(ids)); n < least || n > most {
		t.Errorf("%d requests of %d to %d that were due", n, least, most)
	}
}

func TestSinkErrorEndsTheRun(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ *http.Request) { reply(w) })
	full := errors.New("disk full")
	n := 0
	_, err := Run(t.Context(), Config{Targets: []Target{chatTarget(t, url)}, Prompts: prompt.Synthetic{Input: length.Constant(3)},
		Concurrency: 4, Duration: time.Minute}, func(*request.Record) error {
		if n++; n == 10 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || n != 10 {
		t.Errorf("error %v after %d records", err, n)
	}
}

func TestFailuresToConnect(t *testing.T) {
	t.Parallel() // it waits, most of the time
	tlsServer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(w) }))
	tlsServer.Config.ErrorLog = nil
	t.Cleanup(tlsServer.Close)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel, never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for _, tc := range []struct {
		name, url string
		limits    Timeouts
		want      request.Class
	}{
		{"unknown name", "http://no-such-host.invalid/v1", Timeouts{}, request.DNS},
		{"unknown authority", tlsServer.URL + "/v1", Timeouts{}, request.TLS},
		{"no status line, first token", "http://" + silent.Addr().String() + "/v1", Timeouts{FirstToken: 50 * time.Millisecond}, request.TimeoutFirstToken},
		{"no status line, total", "http://" + silent.Addr().String() + "/v1", Timeouts{FirstToken: time.Minute, Total: 50 * time.Millisecond}, request.TimeoutTotal},
		{"handshake without answer", "https://" + silent.Addr().String() + "/v1", Timeouts{Connect: 500 * time.Millisecond}, request.TLS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := runOne(t, Config{Targets: []Target{chatTarget(t, tc.url)}, Timeouts: tc.limits})
			if rec.Error != tc.want || rec.OK || rec.Detail == "" {
				t.Errorf("class %q (%s), want %q", rec.Error, rec.Detail, tc.want)
			}
			if rec.TTFTms != nil || !rec.FirstTokenAt.IsZero() {
				t.Error("a TTFT without a token")
			}
		})
	}
}

// rawServer hands each connection to handle and closes it afterwards.
func rawServer(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return "http://" + ln.Addr().String() + "/v1"
}

// rawReply is a whole reply that leaves the connection open.
func rawReply(c net.Conn) {
	fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s", len(oneToken), oneToken)
}

// llama.cpp's server promises to keep a connection and closes it after the
// reply; the next request must not fail for it, nor be sent twice to anybody.
func TestKeptConnectionThatIsClosed(t *testing.T) {
	for _, concurrency := range []int{1, 16} {
		t.Run(strconv.Itoa(concurrency), func(t *testing.T) {
			var seen atomic.Int64
			url := rawServer(t, func(c net.Conn) {
				if n, _ := c.Read(make([]byte, 8192)); n == 0 {
					return
				}
				seen.Add(1)
				time.Sleep(2 * time.Millisecond) // so that the run outlasts the trial
				rawReply(c)
			})
			punctual(t, func(t *testing.T) (late string) {
				seen.Store(0)
				records, res := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: concurrency, Requests: 200})
				if !res.Closes { // or the server was held up between its reply and the end
					return "it was not noticed that the server closes"
				}
				for _, r := range records {
					if !r.OK || r.Resent != 0 {
						t.Errorf("request %d: %s: %s, resent %d", r.ID, r.Error, r.Detail, r.Resent)
					}
				}
				if seen.Load() != 200 {
					t.Errorf("the server saw %d requests of 200", seen.Load())
				}
				return ""
			})
		})
	}
}

// A server that has taken a request and dies over it has failed it, on a kept
// connection as on a new one.
func TestCrashOnAKeptConnectionIsAFailure(t *testing.T) {
	t.Parallel() // it waits, most of the time
	var posts atomic.Int64
	url := rawServer(t, func(c net.Conn) {
		in := bufio.NewReader(c)
		for n := 0; ; n++ {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			posts.Add(1)
			time.Sleep(5 * time.Millisecond)
			if n == 1 {
				return
			}
			rawReply(c)
		}
	})
	records, _ := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 1, Requests: 80})
	failed := 0
	for _, r := range records {
		if r.Error == request.Connect {
			failed++
		}
	}
	// Every second one, once connections are used again.
	if posts.Load() != 80 || failed < 15 || failed > 40 {
		t.Errorf("%d POSTs for 80 requests, %d failed to connect", posts.Load(), failed)
	}
}

// A reply that comes before the request is written leaves net/http reading the
// body; it must not read another request's. The race detector watches.
func TestBodyIsNotReusedWhileItIsSent(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	records, _ := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 4, Requests: 40,
		Prompts: sourceFunc(func(int64) api.Prompt { return api.Prompt{Text: strings.Repeat("x ", 1<<19)} })})
	for _, r := range records {
		if r.Error != "http_413" && r.Error != request.Connect { // the reply may be lost in the reset
			t.Errorf("request %d: %q", r.ID, r.Error)
		}
	}
}

// The end of a run is planned from its start: a warm-up in which everything
// hangs does not put it off.
func TestWarmupThatHangsEnds(t *testing.T) {
	t.Parallel() // it waits, most of the time
	url := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	start := time.Now()
	records, res := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 2,
		WarmupDuration: 700 * time.Millisecond, Duration: 50 * time.Millisecond, Drain: 50 * time.Millisecond})
	if d := time.Since(start); d > 10*time.Second || len(records) != 0 || res.Warmup != 2 {
		t.Errorf("%d records and %d warm-up requests after %v", len(records), res.Warmup, d)
	}
}

// Each place of a closed loop has one connection, opened before the run, and the
// few on which it was learnt that the server keeps them are replaced.
func TestConnectionsAreReused(t *testing.T) {
	for _, concurrency := range []int{1, 2, 16} {
		t.Run(strconv.Itoa(concurrency), func(t *testing.T) {
			var mu sync.Mutex
			var from map[string]bool
			url := server(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				from[r.RemoteAddr] = true
				mu.Unlock()
				time.Sleep(2 * time.Millisecond)
				reply(w)
			})
			punctual(t, func(t *testing.T) (lost string) {
				from = map[string]bool{}
				records, res := runAll(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: concurrency, Requests: 200})
				if res.Closes {
					t.Error("the server is said to close its connections")
				}
				if n := len(from); n > concurrency+2*tried {
					lost = fmt.Sprintf("%d connections for %d at a time", n, concurrency)
				}
				connects, late := 0, 0
				for _, r := range records {
					if r.ConnectMs != nil {
						connects++
					}
					if r.Lateness != nil && *r.Lateness > settle {
						late++
					}
				}
				if connects > 2*tried {
					lost = fmt.Sprintf("%d requests had to connect", connects)
				}
				if late > concurrency/2 {
					lost = fmt.Sprintf("%d of %d requests were late: the wait for the finding counts as lateness", late, len(records))
				}
				return lost
			})
		})
	}
}

// A server that is slow to shake hands makes requests wait for connections. Some
// of them then get one that another request left: they waited for the server too.
func TestWaitForTheServersConnectionIsNotLateness(t *testing.T) {
	t.Parallel() // it waits, most of the time
	const shake = 1200 * time.Millisecond
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		reply(w)
	}))
	srv.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		time.Sleep(shake)
		return nil, nil
	}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	target := chatTarget(t, srv.URL+"/v1")
	target.TLS = &tls.Config{RootCAs: pool}
	records, _ := runAll(t, Config{Targets: []Target{target}, Requests: 60, Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 60}})
	late := 0
	for _, r := range records {
		if *r.Lateness > shake/2 {
			late++
		}
	}
	if late > len(records)/20 {
		t.Errorf("%d of %d requests were late: the server's handshake counts as the client's lateness", late, len(records))
	}
}

// A server that refuses everything costs no connection for each request.
func TestRefusalsReuseConnections(t *testing.T) {
	var connections atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	punctual(t, func(t *testing.T) (lost string) {
		connections.Store(0)
		records, _ := runAll(t, Config{Targets: []Target{chatTarget(t, srv.URL+"/v1")}, Concurrency: 8, Requests: 2000})
		if len(records) != 2000 {
			t.Errorf("%d records of 2000 requests", len(records))
		}
		// One that has to wait long for a connection that is about to be free opens one.
		if n := connections.Load(); n > 8+tried+spendable+2000/spendEvery+20 {
			lost = fmt.Sprintf("%d connections for 2000 requests", n)
		}
		return lost
	})
}

func TestSecretsStayOutOfRecords(t *testing.T) {
	const key = "sk-very-secret"
	var got string
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"incorrect key %s"}}`, key)
	})
	target := chatTarget(t, url)
	target.Header = http.Header{"Authorization": {"Bearer " + key}}
	target.Secrets = []string{key}
	before := maps.Clone(target.Header)
	rec := runOne(t, Config{Targets: []Target{target}})
	if got != "Bearer "+key {
		t.Errorf("the server got %q", got)
	}
	line, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(line), key) || !strings.Contains(rec.Detail, "[redacted]") {
		t.Errorf("the record shows the key: %s", line)
	}
	if rec.Error != "http_401" {
		t.Errorf("class %q", rec.Error)
	}
	if len(target.Header) != len(before) {
		t.Error("the caller's headers were changed")
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	rec := runOne(t, Config{Targets: []Target{chatTarget(t, url)}})
	if rec.Error != "http_429" || rec.RetryAfterS == nil || *rec.RetryAfterS != 7 {
		t.Errorf("class %q, retry after %v", rec.Error, rec.RetryAfterS)
	}
}

func TestWithoutStreamThereIsNoTTFT(t *testing.T) {
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"a b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`)
	})
	target := chatTarget(t, url)
	target.Body.Stream = false
	// A limit on the first token is none of a reply in one piece.
	rec := runOne(t, Config{Targets: []Target{target}, Timeouts: Timeouts{FirstToken: time.Nanosecond, Idle: time.Nanosecond}})
	if !rec.OK || rec.TTFTms != nil || rec.TPOTms != nil || rec.CompletionTokens == nil || *rec.CompletionTokens != 2 || *rec.PromptTokens != 3 {
		t.Errorf("%+v", rec)
	}
}

func TestConfigIsChecked(t *testing.T) {
	ok := Config{Targets: []Target{{URL: "http://127.0.0.1:1"}}, Prompts: prompt.Synthetic{}, Concurrency: 1, Requests: 1}
	for name, spoil := range map[string]func(*Config){
		"no prompts":      func(c *Config) { c.Prompts = nil },
		"no end":          func(c *Config) { c.Requests = 0 },
		"concurrency":     func(c *Config) { c.Concurrency = 0 },
		"rate":            func(c *Config) { c.Arrivals = &arrival.Process{Kind: arrival.Constant, Rate: -1} },
		"url":             func(c *Config) { c.Targets = []Target{{URL: "http://[::1"}} },
		"no target":       func(c *Config) { c.Targets = nil },
		"no shard":        func(c *Config) { c.Shard = Shard{Index: 2, Count: 2} },
		"too many shards": func(c *Config) { c.Shard = Shard{Count: 2} },
	} {
		c := ok
		spoil(&c)
		if _, err := Run(t.Context(), c, func(*request.Record) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
