// Package prometheus asks a server that has Prometheus's HTTP API for series:
// Prometheus, Thanos, Mimir, VictoriaMetrics. It passes on what it is told, series by
// series; it must not judge it, hold a whole reply in memory, follow redirects, nor
// show a credential.
package prometheus

import (
	"context"
	"errors"
	"fmt"
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
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// A form in the body, since selectors may be longer than a URL may be.
	req, err := c.cfg.Access.Request(ctx, http.MethodPost, c.base.JoinPath("api/v1/query_range").String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, c.fail(remote.Unreachable, 0, "%v", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	broken := func(err error) error {
		switch {
		case whole.Err() != nil:
			return whole.Err()
		case ctx.Err() != nil:
			return c.fail(remote.TimedOut, 0, "no answer within %v", c.cfg.Timeout)
		}
		return c.fail(remote.Unreachable, 0, "%v", remote.Cause(err))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, broken(err)
	}
	defer resp.Body.Close()
	body := remote.Limit(&counted{resp.Body, c.cfg.Read}, c.cfg.MaxReply)
	r := &reply{visit: visit}
	err = r.decode(body)
	switch {
	case r.refused != nil:
		return nil, r.refused
	case whole.Err() != nil, ctx.Err() != nil:
		return nil, broken(ctx.Err())
	case resp.StatusCode/100 == 3:
		return nil, c.fail(remote.BadReply, resp.StatusCode, "it redirects elsewhere, which is not followed")
	case errors.Is(body.Err(), remote.ErrTooLarge):
		return nil, c.fail(remote.TooLarge, 0, "the reply is larger than %d MiB", c.cfg.MaxReply>>20)
	case r.failure != "" || resp.StatusCode/100 != 2:
		return nil, c.told(resp, r)
	case err != nil && body.Err() != nil && !errors.Is(body.Err(), io.EOF):
		return nil, broken(body.Err())
	case err != nil:
		return nil, c.fail(remote.BadReply, 0, "the answer is none of Prometheus's API: %v", err)
	}
	for i, w := range r.warnings {
		r.warnings[i] = c.cfg.Access.Clean(w)
	}
	return r.warnings, nil
}

// told is the error that the server answers with.
func (c *Client) told(resp *http.Response, r *reply) error {
	text := r.failure
	if text == "" {
		text = fmt.Sprintf("HTTP status %d", resp.StatusCode)
	}
	kind := remote.Refused
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		kind = remote.Denied
	case code == http.StatusNotFound && r.failure == "", code == http.StatusMethodNotAllowed:
		kind = remote.BadReply
	case code == http.StatusServiceUnavailable && r.failureType == "timeout":
		kind = remote.TimedOut
	case code >= 500 && r.failureType != "execution", code == http.StatusTooManyRequests:
		kind = remote.Broken
	}
	return c.fail(kind, resp.StatusCode, "%s", text)
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
