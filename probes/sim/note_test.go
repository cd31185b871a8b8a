package sim_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/request"
	"llmops/probes/sim"
)

// logged is a server that notes its requests, and what it noted.
func logged(t *testing.T, cfg sim.Config) (url string, next func() request.Record) {
	t.Helper()
	records := make(chan request.Record, 10)
	cfg.Log = func(r *request.Record) { records <- *r }
	_, url = start(t, cfg)
	return url, func() request.Record {
		t.Helper()
		select {
		case r := <-records:
			return r
		case <-time.After(30 * time.Second):
			t.Fatal("no record within 30 s")
		}
		panic("unreachable")
	}
}

func TestLogStream(t *testing.T) {
	cfg := quick()
	cfg.PrefillBase, cfg.DecodeBase = 40*time.Millisecond, 10*time.Millisecond
	url, next := logged(t, cfg)
	var got request.Record
	punctual(t, func(t *testing.T) (late string) {
		before := time.Now()
		r := post(t, url+"/v1/chat/completions", `{"stream":true,"max_tokens":5,`+hello+`}`)
		chunks, done, err := read(t, r.Body)
		after := time.Now()
		if err != nil || !done || len(chunks) != 6 {
			t.Fatalf("%d chunks, done %v, %v", len(chunks), done, err)
		}
		got = next()
		// The order in which things happened, on either side of the connection.
		for i, at := range []time.Time{before, got.SentAt, got.FirstByteAt, got.FirstTokenAt, got.LastTokenAt, got.DoneAt, after} {
			if at.IsZero() || i > 0 && at.Before(before) {
				t.Errorf("time %d is %v, before the one that comes first", i, at)
			}
			before = at
		}
		read := chunks[1].at.Sub(got.FirstTokenAt)
		if read < 0 || got.TTFTms == nil || *got.TTFTms < 40 || got.LatencyMs == nil || *got.LatencyMs < 80 {
			t.Fatalf("the first token was read %v after it was written; ttft %v ms, latency %v, want 40 and 80", read, deref(got.TTFTms), deref(got.LatencyMs))
		}
		if read > 30*time.Millisecond || *got.TTFTms > 100 || *got.LatencyMs > 140 {
			late = fmt.Sprintf("the first token was read %v after it was written; ttft %v ms, latency %v, want 40 and 80", read, *got.TTFTms, *got.LatencyMs)
		}
		return late
	})
	if tpot := request.Ms(got.LastTokenAt.Sub(got.FirstTokenAt)) / 4; got.TPOTms == nil || *got.TPOTms != tpot {
		t.Errorf("tpot is %v ms, want %v", deref(got.TPOTms), tpot)
	}
	if !got.ScheduledAt.Equal(got.SentAt) || got.QueueMs != nil || got.Quality != nil {
		t.Errorf("scheduled %v, sent %v, queue %v, quality %v", got.ScheduledAt, got.SentAt, got.QueueMs, got.Quality)
	}
	want := request.Record{Schema: request.Schema, Status: 200, OK: true, PromptTokens: new(int64(4)), CompletionTokens: new(int64(5)),
		CachedTokens: new(int64(0)), FinishReason: "length", Model: "sim"}
	if diff := cmp.Diff(want, untimed(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func deref(v *float64) any {
	if v == nil {
		return "absent"
	}
	return *v
}

// untimed is r without its times.
func untimed(r request.Record) request.Record {
	r.ScheduledAt, r.SentAt, r.FirstByteAt, r.FirstTokenAt, r.LastTokenAt, r.DoneAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	r.TTFTms, r.TPOTms, r.LatencyMs = nil, nil, nil
	return r
}

func TestLogEndings(t *testing.T) {
	const stream, whole = `{"stream":true,"max_tokens":5,"prompt":"x"}`, `{"max_tokens":5,"prompt":"x"}`
	for _, c := range []struct {
		fault, body string
		status      int
		class       request.Class
		tokens      int64
		ttft        bool
	}{
		{"", stream, 200, request.OK, 5, true},
		{"", whole, 200, request.OK, 5, false},
		{"", `{"prompt":7}`, 400, "http_400", 0, false},
		{"", `{"prompt":"x","max_tokens":9000}`, 400, "http_400", 0, false},
		{"http-error:status=503", stream, 503, "http_503", 0, false},
		{"http-error:status=404", whole, 404, "http_404", 0, false},
		{"gpu-leak:mib_per_s=1e9", whole, 500, "http_500", 0, false},
		{"stream-error:after=2", stream, 200, request.StreamError, 2, true},
		{"stream-error:after=2", whole, 500, "http_500", 0, false},
		{"truncate:after=2", stream, 200, request.Truncated, 2, true},
		{"truncate", stream, 200, request.Truncated, 0, false},
		{"truncate:after=2", whole, 200, request.Truncated, 0, false},
		{"reset:after=2", stream, 200, request.Truncated, 2, true},
		{"reset", whole, 0, request.Connect, 0, false},
	} {
		t.Run(c.fault+" "+c.body, func(t *testing.T) {
			cfg := quick()
			if c.fault != "" {
				f, err := sim.ParseFault(c.fault)
				if err != nil {
					t.Fatal(err)
				}
				cfg.Faults = []sim.Fault{f}
			}
			url, next := logged(t, cfg)
			if r, err := http.Post(url+"/v1/completions", "application/json", strings.NewReader(c.body)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
			r := next()
			if r.Status != c.status || r.Error != c.class || r.OK != (c.class == request.OK) {
				t.Errorf("status %d, error %q, ok %v; want %d, %q", r.Status, r.Error, r.OK, c.status, c.class)
			}
			if (r.TTFTms != nil) != c.ttft || r.LatencyMs == nil || *r.LatencyMs < 0 {
				t.Errorf("ttft %v, latency %v; want a ttft: %v", r.TTFTms, r.LatencyMs, c.ttft)
			}
			if got := r.CompletionTokens; (got != nil) != (c.tokens > 0) || got != nil && *got != c.tokens {
				t.Errorf("completion tokens %v, want %d, or none for 0", got, c.tokens)
			}
		})
	}
}

// A client that leaves ends its request; one that never got a reply has no status.
func TestLogCancelled(t *testing.T) {
	cfg := withFault(t, "hang")
	records := make(chan request.Record, 1)
	cfg.Log = func(r *request.Record) { records <- *r }
	s, url := start(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		eventually(t, func() bool { return s.State().Running == 1 })
		time.Sleep(30 * time.Millisecond)
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, "POST", url+"/v1/completions", strings.NewReader(`{"stream":true,"prompt":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(req); err == nil {
		t.Error("a hanging request got a reply")
	}
	r := <-records
	if r.Status != 0 || r.Error != request.Cancelled || r.OK || r.LatencyMs == nil || *r.LatencyMs < 30 || r.TTFTms != nil || !r.FirstByteAt.IsZero() {
		t.Errorf("%+v", r)
	}
}

// Who sees the end of a reply finds it noted and counted, a reset too.
func TestResetIsNotedFirst(t *testing.T) {
	cfg := withFault(t, "reset:after=2")
	var noted atomic.Int64
	cfg.Log = func(*request.Record) {
		time.Sleep(50 * time.Millisecond)
		noted.Add(1)
	}
	_, url := start(t, cfg)
	for i, body := range []string{`{"stream":true,"max_tokens":5,"prompt":"x"}`, `{"max_tokens":5,"prompt":"x"}`} {
		r, err := http.Post(url+"/v1/completions", "application/json", strings.NewReader(body))
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		if n := noted.Load(); err == nil || n != int64(i)+1 {
			t.Errorf("%s: %v, and %d requests are noted, want %d", body, err, n, i+1)
		}
	}
	want := []string{`{handler="/v1/completions",method="POST",status="200"} 1`} // the stream had a status
	if diff := cmp.Diff(want, samples(t, url, "http_requests_total")); diff != "" {
		t.Error(diff)
	}
}

// What is cut at the end is noted before Serve returns.
func TestLogWhenServeStops(t *testing.T) {
	cfg := withFault(t, "hang")
	records := make(chan request.Record, 1)
	cfg.Log = func(r *request.Record) { records <- *r }
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	go func() {
		if r, err := http.Post("http://"+l.Addr().String()+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x"}`)); err == nil {
			r.Body.Close()
		}
	}()
	eventually(t, func() bool { return s.State().Running == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	select {
	case r := <-records:
		if r.Error != request.Cancelled {
			t.Errorf("noted %+v, want a request that was cut", r)
		}
	default:
		t.Error("nothing is noted")
	}
}
