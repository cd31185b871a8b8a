package load

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"llmops/probes/load/arrival"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

// However a run ends, by itself, by somebody, or by a record that cannot be kept, in
// whatever it is just doing, none of its goroutines stays behind and all that was sent is
// accounted for.
func TestNothingStaysBehind(t *testing.T) {
	var n atomic.Int64
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until then a server does not see its client go
		switch n.Add(1) % 5 {
		case 0:
			<-r.Context().Done() // never an answer
			return
		case 1:
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		time.Sleep(5 * time.Millisecond)
		reply(w)
	})
	fast := func() Schedule { return &arrival.Process{Kind: arrival.Constant, Rate: 400} }
	people := Dialogues{Turns: length.Constant(3), Think: must(length.ParseTimes("10ms"))}
	for name, cfg := range map[string]Config{
		"closed":            {Concurrency: 8},
		"open":              {Arrivals: fast()},
		"capped":            {Arrivals: fast(), MaxConcurrency: 4},
		"sessions, closed":  {Concurrency: 8, Sessions: people},
		"sessions, open":    {Arrivals: fast(), Sessions: people},
		"sessions, capped":  {Arrivals: fast(), MaxConcurrency: 4, Sessions: people},
		"long thoughts":     {Arrivals: fast(), MaxConcurrency: 4, Sessions: Dialogues{Turns: length.Constant(3), Think: must(length.ParseTimes("1h"))}},
		"cancelled by plan": {Concurrency: 8, Cancel: Quitters{Share: 0.5, Cancellation: Cancellation{After: 3 * time.Millisecond}}.Cancel},
		"a shard":           {Arrivals: fast(), MaxConcurrency: 4, Shard: Shard{Index: 1, Count: 3}},
		"a start to come":   {Concurrency: 8, StartAt: time.Now().Add(time.Hour)},
	} {
		for end, by := range map[string]func(context.Context, *Config) (context.Context, func(*request.Record) error){
			"by itself": func(ctx context.Context, c *Config) (context.Context, func(*request.Record) error) {
				c.StartAt = time.Time{}
				return ctx, func(*request.Record) error { return nil }
			},
			"before it begins": func(ctx context.Context, c *Config) (context.Context, func(*request.Record) error) {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx, func(*request.Record) error { return nil }
			},
			"by somebody": func(ctx context.Context, c *Config) (context.Context, func(*request.Record) error) {
				ctx, cancel := context.WithTimeout(ctx, 60*time.Millisecond)
				t.Cleanup(cancel)
				return ctx, func(*request.Record) error { return nil }
			},
			"by a full disk": func(ctx context.Context, c *Config) (context.Context, func(*request.Record) error) {
				c.StartAt = time.Time{}
				return ctx, func(*request.Record) error { return errors.New("no space left") }
			},
		} {
			t.Run(name+" ends "+end, func(t *testing.T) {
				cfg := cfg
				cfg.Targets, cfg.Prompts = []Target{chatTarget(t, url+"/v1")}, prompt.Synthetic{Input: length.Constant(4), Output: length.Constant(4)}
				cfg.Timeouts, cfg.Duration, cfg.Drain, cfg.Gauge = Timeouts{Total: time.Minute}, 100*time.Millisecond, 20*time.Millisecond, &Gauge{}
				ctx, sink := by(t.Context(), &cfg)
				before, began := runtime.NumGoroutine(), time.Now()
				var kept int64
				res, _ := Run(ctx, cfg, func(r *request.Record) error {
					if !r.SentAt.IsZero() {
						kept++
					}
					return sink(r)
				})
				if took := time.Since(began); took > 20*time.Second { // the limits and thoughts are longer
					t.Errorf("it took %v", took)
				}
				if cfg.Gauge.InFlight() != 0 || end != "by a full disk" && kept != cfg.Gauge.Sent() {
					t.Errorf("%d sent, %d in flight, %d recorded (%+v)", cfg.Gauge.Sent(), cfg.Gauge.InFlight(), kept, res)
				}
				for wait := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before+2 && time.Now().Before(wait); {
					time.Sleep(5 * time.Millisecond)
				}
				// Two are of the server, which learns late that a connection is gone.
				if now := runtime.NumGoroutine(); now > before+2 {
					buf := make([]byte, 1<<16)
					t.Errorf("%d goroutines before, %d after:\n%s", before, now, buf[:runtime.Stack(buf, true)])
				}
			})
		}
	}
}
