// Package clickhouse asks a ClickHouse server over its HTTP interface and hands on
// the rows of the answer. It knows no tables; it must not follow redirects, nor hold
// a whole answer in memory, nor show a credential.
package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"llmops/probes/remote"
)

// Config says which server, and how to reach it.
type Config struct {
	URL    string // http://host:8123; its query, such as ?database=logs, goes along
	Access remote.Access

	Timeout  time.Duration // of one query; 0: five minutes
	MaxReply int64         // bytes of one answer, unpacked; 0: 256 MiB
}

const (
	defaultTimeout  = 5 * time.Minute
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
	case u.Query().Has("password"):
		return nil, remote.ErrCredential
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxReply == 0 {
		cfg.MaxReply = defaultMaxReply
	}
	return &Client{cfg: cfg, base: u, http: cfg.Access.Client()}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Query runs one statement with the values of its parameters {name:Type} and
// hands each row of the answer, as fields of text, to row. A blank line, which
// stands before totals, is one empty field, and NULL is \N. The fields are valid
// only until row returns. An error is of row, or a *remote.Error; some rows may have
// come before it.
func (c *Client) Query(ctx context.Context, sql string, params map[string]string, row func(fields []string) error) error {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.send(ctx, sql, params)
	if err == nil {
		defer resp.Body.Close()
		body := remote.Limit(resp.Body, c.cfg.MaxReply)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-ClickHouse-Exception-Code") != "" {
			return c.refused(resp, body)
		}
		err = readRows(body, row)
	}
	switch {
	case err == nil:
		return nil
	case whole.Err() != nil:
		return whole.Err()
	case ctx.Err() != nil:
		return c.fail(remote.TimedOut, 0, "no answer within %v", c.cfg.Timeout)
	case errors.Is(err, remote.ErrTooLarge):
		return c.fail(remote.TooLarge, 0, "the answer is larger than %d MiB", c.cfg.MaxReply>>20)
	}
	if e, ok := errors.AsType[*rowError](err); ok {
		return e.err
	}
	return c.fail(remote.Unreachable, 0, "%v", remote.Cause(err))
}

func (c *Client) send(ctx context.Context, sql string, params map[string]string) (*http.Response, error) {
	u := *c.base
	if u.Path == "" {
		u.Path = "/"
	}
	form := u.Query()
	form.Set("default_format", "TabSeparated")
	// An answer begins only when the query has ended, so that a failure in the
	// middle has a status of its own instead of standing among the rows.
	form.Set("wait_end_of_query", "1")
	for name, value := range params {
		form.Set("param_"+name, escape.Replace(value))
	}
	u.RawQuery = form.Encode()
	req, err := c.cfg.Access.Request(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	return c.http.Do(req)
}

// escape writes a value of a parameter, which the server reads as a field of TabSeparated.
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)

// refused is the error that an answer with another status than 200 is.
func (c *Client) refused(resp *http.Response, body io.Reader) error {
	text, _ := io.ReadAll(io.LimitReader(body, 64<<10)) // as much as there is
	kind := remote.Broken
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		kind = remote.Denied
	case status >= 300 && status < 400:
		return c.fail(remote.BadReply, status, "it redirects to another address, which is not followed")
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests, bytes.HasPrefix(text, []byte("Code:")):
		kind = remote.Refused
	}
	message := string(bytes.TrimSpace(text))
	if message == "" {
		message = "no word about why"
	}
	if resp.StatusCode == http.StatusOK {
		return c.fail(kind, resp.StatusCode, "%s", message)
	}
	return c.fail(kind, resp.StatusCode, "status %d: %s", resp.StatusCode, message)
}

func (c *Client) fail(kind remote.Kind, status int, format string, args ...any) error {
	return c.cfg.Access.Fail(kind, c.base.Host, status, format, args...)
}
