package loadtestcmd

import (
	"context"
	"fmt"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/request"
)

const (
	coolRequests = 2
	coolLimit    = 30 * time.Second
)

// cool waits until the service is as fast as it was without load, for a while. The
// error says that it does not answer at all any more.
func (s *search) cool(ctx context.Context) error {
	limit := max(coolLimit, coolRequests*s.slowest()).Round(time.Second)
	deadline := time.Now().Add(limit)
	var last request.Class
	answers := false
	for n := 1; ctx.Err() == nil && time.Now().Before(deadline); n++ {
		o := *s.o
		b, err := s.at(&o, -(len(s.runs)*1000 + n))
		if err != nil {
			return err
		}
		cfg := b.config()
		cfg.Arrivals, cfg.Concurrency, cfg.MaxConcurrency = nil, 1, 0
		cfg.Requests, cfg.Duration, cfg.WarmupRequests, cfg.WarmupDuration = coolRequests, max(time.Until(deadline), 1), 0, 0
		cfg.Drain = 0 // what has no answer by then waits no longer
		quick, answered, failed := s.quick(ctx, cfg)
		if quick {
			return nil
		}
		answers, last = answers || answered, failed // the last try may be cut short
		select {
		case <-ctx.Done():
		case <-time.After(min(max(s.idle.Latency, 100*time.Millisecond), time.Second)):
		}
	}
	switch {
	case interrupted(ctx):
	case !answers:
		return cli.WithHint(cli.Failed(fmt.Errorf("after probe %d the service answered no request for %s: %s", len(s.runs), limit, last)),
			"look whether it still runs: a load may have ended it")
	default:
		s.app.Warnf("after probe %d the service did not become as fast again as it was without load within %s", len(s.runs), limit)
	}
	return nil
}

// quick tells whether all requests of cfg were as fast as without load, whether there
// was an answer to any, and how the last failed.
func (s *search) quick(ctx context.Context, cfg load.Config) (fast, answers bool, failed request.Class) {
	fast = true
	_, err := load.Run(ctx, cfg, func(r *request.Record) error {
		answers = answers || r.OK
		if !r.OK {
			failed = r.Error
		}
		fast = fast && r.OK && r.DoneAt.Sub(r.SentAt) <= s.slowest()
		return nil
	})
	return err == nil && answers && fast, answers, failed
}

// slowest is the latency that passes for one without load.
func (s *search) slowest() time.Duration {
	limit := 3 * s.idle.Latency
	if s.unloaded != nil && s.unloaded.LatencyMS.Max != nil {
		limit = max(limit, time.Duration(*s.unloaded.LatencyMS.Max*float64(time.Millisecond)))
	}
	return limit + 10*time.Millisecond
}
