// Package load sends requests to an inference endpoint as a load test wants
// them sent, and writes down when each thing happened to each of them. It
// judges nothing: percentiles and verdicts are made from its records elsewhere.
package load

import (
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/check"
	"llmops/probes/load/prompt"
)

// Config is one run.
type Config struct {
	// Targets get the requests in turn, by their numbers; where there are sessions,
	// by the numbers of those.
	Targets  []Target
	Timeouts Timeouts
	// Prompts may be Conversations too.
	Prompts prompt.Source
	// Checks, if set, gives what the answer to prompt number i is held against,
	// nil for nothing. Only the text of such answers is kept, until it is checked.
	// Of Conversations it is asked for the first turn, by the number of the session.
	Checks func(i int64) check.Set

	// Concurrency is the closed loop: so many requests in flight, each followed
	// at once by the next. Used when Arrivals is nil.
	Concurrency int
	// Arrivals is the open loop: requests are sent when they are due, however
	// slow the server is.
	Arrivals Schedule
	// MaxConcurrency caps the requests in flight of the open loop, 0: no cap.
	// What waits for the cap waits in order, and the wait shows as queue time.
	MaxConcurrency int
	// Sessions, if set, makes conversations of what arrives, or of the places of the
	// closed loop.
	Sessions Sessions
	// Shard is the part of the run that is done here.
	Shard Shard
	// StartAt is when the run begins by the clock, which shards have in common; zero:
	// at once. It is an error if it has passed when Run is called.
	StartAt time.Time
	// Cancel, if set, gives for request number i when the client breaks it off.
	Cancel func(i int64) Cancellation

	// Requests and Duration end the run, whichever comes first; 0: no limit,
	// one of them must be set. Both begin after the warm-up. Requests counts those
	// of all shards; a session that would go beyond it is shortened. What is due
	// after Duration is not sent, later turns of sessions included.
	Requests int64
	Duration time.Duration
	// Warm-up requests are sent and their records dropped. With Requests, a session
	// that begins in the warm-up belongs to it as a whole, so that exactly so many are
	// measured; without, its turns that are due later are measured, so that the
	// measured part holds all that is sent in it.
	WarmupRequests int64
	WarmupDuration time.Duration
	// Drain is how long after Duration requests may finish; then they are cut
	// and counted as cancelled.
	Drain time.Duration

	// Gauge, if set, shows how far the run is while it goes on.
	Gauge *Gauge
	// Measured, if set, is called once, when the measured part begins, with the
	// time at which its first request is sent (open loop: due).
	Measured func(time.Time)
	// Graded, if set, is called for each measured request that succeeded and has
	// checks, before its record is handed over and from the same goroutine.
	Graded func(Graded)
}

// Schedule says when the requests of an open loop are due, each as a time since
// the start of the run, in order. It must yield the same times each time that it
// is asked.
type Schedule interface {
	Times() iter.Seq[time.Duration]
	Validate() error
}

// Target is where the requests go and how.
type Target struct {
	URL    string // of the requests, path included
	Label  string // the URL as records show it, where there are several targets
	API    api.API
	Body   api.Options
	Header http.Header // sent with each request; secrets included
	Host   string      // Host header, "" for that of the URL

	TLS   *tls.Config                           // nil: defaults
	Proxy func(*http.Request) (*url.URL, error) // nil: none
	// Secrets never appear in a record, even if the server echoes them.
	Secrets []string
}

// Timeouts are the client's limits; 0 is none.
type Timeouts struct {
	Connect    time.Duration // TCP and TLS, each
	FirstToken time.Duration // streams only, from sending to the first token
	Idle       time.Duration // between two bytes, once tokens came
	Total      time.Duration // the whole request
}

func (c *Config) validate() error {
	switch {
	case len(c.Targets) == 0:
		return errors.New("no target")
	case c.Prompts == nil:
		return errors.New("no prompts")
	case c.Requests <= 0 && c.Duration <= 0:
		return errors.New("neither a number of requests nor a duration is set")
	case c.Arrivals == nil && c.Concurrency < 1:
		return errors.New("concurrency must be at least 1")
	}
	for _, t := range c.Targets {
		if c.Checks != nil && !t.API.Streams() {
			return fmt.Errorf("replies of %s carry no text that could be checked", t.API.Name)
		}
	}
	if c.Arrivals == nil {
		return c.Shard.validate(c.Concurrency, 0)
	}
	return errors.Join(c.Shard.validate(0, c.MaxConcurrency), c.Arrivals.Validate())
}
