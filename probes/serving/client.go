// Package serving asks inference servers how they are: vLLM, SGLang, TGI, Triton,
// TensorRT-LLM, llama.cpp, Ollama. It finds out which one answers by what it shows,
// and turns its own names and units into one snapshot.Server. It must not send it
// work, follow redirects, show a credential, judge what it is told, nor invent a
// number that the engine does not show.
package serving

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"llmops/probes/remote"
	"llmops/probes/snapshot"
)

// Config says how servers are reached.
type Config struct {
	Access   remote.Access
	Timeout  time.Duration // of one request; 0: 2 s
	MaxReply int64         // bytes of one reply, unpacked; 0: 16 MiB

	// IterationStats reads the JSON metrics of trtllm-serve where it shows no
	// others. Reading empties their queue: another reader misses what this one took.
	IterationStats bool

	// Lean asks for the page of metrics alone once the engine is known, as long as it
	// answers: what does not change (models, version) is not asked again, and the
	// settings are those of the first reading, which are not repeated.
	Lean bool

	// Transport replaces the one that is made of Access; for tests.
	Transport http.RoundTripper
}

const (
	defaultTimeout  = 2 * time.Second
	defaultMaxReply = 16 << 20
)

// Client asks servers. It may be used by several goroutines.
type Client struct {
	engines registry
	cfg     Config
	http    *http.Client
	trip    atomic.Int64 // ns, the least time that connecting took; 0: not measured
}

// RoundTrip is the least time that a TCP connection took, which is one round trip of the
// network; of all servers of the client. False when none was made.
func (c *Client) RoundTrip() (time.Duration, bool) {
	d := time.Duration(c.trip.Load())
	return d, d > 0
}

// timed measures connections.
func (c *Client) timed(ctx context.Context) context.Context {
	var mu sync.Mutex // several addresses may be tried side by side
	began := map[string]time.Time{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectStart: func(_, addr string) {
			mu.Lock()
			defer mu.Unlock()
			began[addr] = time.Now()
		},
		ConnectDone: func(_, addr string, err error) {
			mu.Lock()
			defer mu.Unlock()
			took := int64(time.Since(began[addr]))
			if was := c.trip.Load(); err == nil && (was == 0 || took < was) {
				c.trip.Store(max(took, 1))
			}
		},
	})
}

// New makes a client.
func New(cfg Config) *Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxReply <= 0 {
		cfg.MaxReply = defaultMaxReply
	}
	c := &Client{engines: engines(), cfg: cfg, http: cfg.Access.Client()}
	if cfg.Transport != nil {
		c.http.Transport = cfg.Transport
	}
	return c
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// reply is what a server answered, whatever its status.
type reply struct {
	status int
	server string // the header of that name
	kind   string // the Content-Type
	body   []byte
	at     time.Time // when the answer began
}

// get asks for one page. A status that is not 2xx is no error.
func (c *Client) get(ctx context.Context, at string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := c.cfg.Access.Request(c.timed(ctx), http.MethodGet, at, nil)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4, application/json;q=0.9, */*;q=0.1")
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, server: resp.Header.Get("Server"), kind: resp.Header.Get("Content-Type"), at: time.Now()}
	r.body, err = io.ReadAll(remote.Limit(resp.Body, c.cfg.MaxReply))
	return r, err
}

// broken says what went wrong with a request.
func (c *Client) broken(source, what string, err error) snapshot.Problem {
	p := snapshot.Problem{Source: source, What: what, Status: snapshot.Unavailable}
	err = remote.Cause(err)
	p.Detail = c.clean(err.Error())
	ne, isNet := errors.AsType[net.Error](err)
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		p.Status, p.Detail = snapshot.Failed, fmt.Sprintf("the page is larger than %d KiB", c.cfg.MaxReply>>10)
	case errors.Is(err, context.DeadlineExceeded), isNet && ne.Timeout():
		p.Status, p.Detail = snapshot.Timeout, fmt.Sprintf("no answer within %v", c.cfg.Timeout)
		p.Hint = "the server hangs, or a firewall drops what is sent to it"
	case errors.Is(err, context.Canceled):
		p.Status, p.Detail = snapshot.Timeout, "interrupted"
	case unverified:
		p.Hint = "trust the authority that signed its certificate"
	}
	return p
}

// refused says what a status other than 2xx means; "" is what for all of it.
func (c *Client) refused(source, what string, r reply) snapshot.Problem {
	p := snapshot.Problem{Source: source, What: what, Status: snapshot.Failed, Detail: fmt.Sprintf("HTTP status %d", r.status)}
	switch {
	case r.status/100 == 3:
		p.Detail += ": it redirects elsewhere, which is not followed"
		p.Hint = "give the URL that it redirects to"
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		p.Status, p.Hint = snapshot.Forbidden, "it wants a credential, or another one"
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed, r.status == http.StatusNotImplemented:
		p.Status = snapshot.Unsupported
	case r.status == http.StatusServiceUnavailable:
		p.Status, p.Hint = snapshot.Unavailable, "it may still be loading its model"
	}
	return p
}

// clean makes the words of a server fit to be shown.
func (c *Client) clean(text string) string { return c.cfg.Access.Clean(text) }
