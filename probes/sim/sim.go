// Package sim is an inference server that is simulated but for its interface:
// OpenAI-compatible HTTP with streaming, driven in real time by the queueing
// model of package model, with that model's faults and Prometheus metrics. It
// serves demos, and as a test oracle: it knows when every token was due.
//
// It must not produce numbers of its own: every time, count and gauge that it
// shows is the model's, except how many HTTP replies had which status, which
// the model does not know.
package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"llmops/probes/request"
	"llmops/probes/sim/model"
)

// Config is the model's configuration and that of the interface.
type Config struct {
	model.Config

	Model            string // the one model that is served
	DefaultMaxTokens int    // output limit of requests that give none
	Stamp            bool   // chunks carry "llmops":{"due_ns":…,"sent_ns":…}, Unix time

	// Log, if set, is called once for each completion request, when its reply
	// has been written, from the goroutine that wrote it: the end of the reply
	// waits for it. Times are this side's; ScheduledAt is when the request's
	// head had been read. What the client measured is not in the record.
	Log func(*request.Record)
}

// Fault is one thing that goes wrong; see model.Fault.
type Fault = model.Fault

// ParseFault reads "KIND[:key=value,…]"; see model.ParseFault.
func ParseFault(s string) (Fault, error) { return model.ParseFault(s) }

// DefaultConfig is a small and fast service.
func DefaultConfig() Config {
	return Config{Config: model.Default(), Model: "sim", DefaultMaxTokens: 64}
}

// Server is a simulated server. Its clock starts with the first use.
type Server struct {
	cfg     Config
	started sync.Once
	wall    time.Time // the model's time 0
	replies replies
	noted   atomic.Int64 // records begun

	mu      sync.Mutex
	engine  *model.Engine
	streams map[model.ID]*mailbox
	emit    func(model.Event)
	driving bool
	alarm   *alarm // of the driver, nil while it does not run
	armed   time.Duration
}

// New checks cfg and makes a server; the error names everything that is wrong.
func New(cfg Config) (*Server, error) {
	var errs []error
	switch {
	case cfg.Model == "":
		errs = append(errs, errors.New("simulated server: the model name is empty"))
	case !utf8.ValidString(cfg.Model) || strings.ContainsFunc(cfg.Model, unicode.IsControl):
		errs = append(errs, fmt.Errorf("simulated server: the model name %q holds control characters or is no UTF-8", cfg.Model))
	}
	if cfg.DefaultMaxTokens < 1 {
		errs = append(errs, fmt.Errorf("simulated server: default max tokens is %d, want at least 1", cfg.DefaultMaxTokens))
	}
	engine, err := model.New(cfg.Config)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, engine: engine, streams: map[model.ID]*mailbox{}}
	s.emit = s.deliver
	return s, nil
}

// Handler is the HTTP interface.
func (s *Server) Handler() http.Handler {
	s.started.Do(func() { s.wall = time.Now() })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) { s.complete(w, r, chat) })
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) { s.complete(w, r, text) })
	mux.HandleFunc("POST /v1/embeddings", s.embed)
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /metrics", s.metrics)
	return s.replies.count(mux)
}

// server reads a request within a time that a body of the largest size needs
// on a slow link. Replies have no limit: that of a stalled sequence is long.
func (s *Server) server() *http.Server {
	return &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
}

// Serve answers on l until ctx is done; then it lets replies in progress go on
// for a moment, cuts the rest and returns nil when all have ended. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	const grace = 500 * time.Millisecond
	srv := s.server()
	var open sync.WaitGroup // connections; only the loop that accepts them adds to it
	srv.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("simulated server on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(stop) != nil {
		// Cuts the connections and with that cancels what still runs.
		if err := srv.Close(); err != nil {
			return fmt.Errorf("simulated server on %s: %w", l.Addr(), err)
		}
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("simulated server on %s: %w", l.Addr(), err)
	}
	open.Wait()
	return nil
}

// State is the model's present state.
func (s *Server) State() model.State {
	s.started.Do(func() { s.wall = time.Now() })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engine.Advance(s.now(), s.emit)
	return s.engine.State()
}
