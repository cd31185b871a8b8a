// Package prometheus asks a server that has Prometheus's HTTP API for series:
// Prometheus, Thanos, Mimir, VictoriaMetrics. It passes on what it is told, series by
// series; it must not judge it, hold a whole reply in memory, follow redirects, nor
// show a credential.
package prometheus

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"llmops/probes/remote"
)

// Config says which server, and how to reach it.
type Config struct {
	URL    string // of the server, with a prefix of the path if it has one: http://host:9090
	Access remote.Access

	Timeout  time.Duration // of one request; 0: two minutes
	MaxReply int64         // bytes of one reply, unpacked; 0: 256 MiB
	Read     *atomic.Int64 // adds up the bytes that were read; may be nil
}

const (
	defaultTimeout  = 2 * time.Minute
	defaultMaxReply = 256 << 20
)

// Client asks one server. It may be used by several goroutines.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client
}

// New refuses a URL that is none of a server. The error does not repeat it, since it
// may hold a password.
func New(cfg Config) (*Client, error) {
	u, err := remote.Base(cfg.URL)
	switch {
	case err != nil:
		return nil, err
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of a server has no query: want http://HOST:PORT/PREFIX")
	}
	u.Path, _ = strings.CutSuffix(strings.TrimSuffix(u.Path, "/"), "/api/v1")
	u.RawPath = ""
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxReply == 0 {
		cfg.MaxReply = defaultMaxReply
	}
	return &Client{cfg: cfg, base: u, http: cfg.Access.Client()}, nil
}

// Host is the server as it may be shown.
func (c *Client) Host() string { return c.base.Host }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Series is one series of a reply: Values[i] at Times[i], ascending, in ms since the
// epoch. Both slices are valid only until the visitor returns.
type Series struct {
	Labels map[string]string
	Times  []int64
	Values []float64
}

// Range asks for the values of an expression at start, start+step and so on up to end
// (all in ms) and hands each series to visit. Warnings are the server's, such as that
// of a part of the data that could not be read. An error is of visit, or a *remote.Error;
// some series may have been visited before it.
func (c *Client) Range(ctx context.Context, expr string, start, end, step int64, visit func(Series) error) (warnings []string, err error) {
	form := url.Values{"query": {expr}, "start": {seconds(start)}, "end": {seconds(end)}, "step": {seconds(step)}}
	form.Set("timeout", strconv.FormatFloat(c.cfg.Timeout.Seconds(), 'f', -1, 64)+"s")
	return c.ask(ctx, form, visit)
}

func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) }

func (c *Client) ask(ctx context.Context, form url.Values, visit func(Series) error) ([]string, error) {
	a, err := c.begin(ctx, http.MethodPost, "api/v1/query_range", form)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	r := &reply{visit: visit}
	if err := a.decode(r.decode, r); err != nil {
		return nil, err
	}
	return a.clean(r.warnings), nil
}

func (c *Client) fail(kind remote.Kind, status int, format string, args ...any) error {
	return c.cfg.Access.Fail(kind, c.Host(), status, format, args...)
}

// counted adds up what is read, unless total is nil.
type counted struct {
	from  io.Reader
	total *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if c.total != nil {
		c.total.Add(int64(n))
	}
	return n, err
}
