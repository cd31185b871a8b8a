package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"llmops/probes/remote"
)

// An answer is a reply while it is read.
type answer struct {
	client     *Client
	whole, ctx context.Context // the caller's, and that with the time limit
	cancel     context.CancelFunc
	resp       *http.Response
	body       *remote.Body
}

// begin sends a question. The answer must be closed.
func (c *Client) begin(whole context.Context, method, path string, form url.Values) (*answer, error) {
	ctx, cancel := context.WithTimeout(whole, c.cfg.Timeout)
	a := &answer{client: c, whole: whole, ctx: ctx, cancel: cancel}
	address, body := c.base.JoinPath(path), io.Reader(nil)
	if method == http.MethodPost { // a form, since selectors may be longer than a URL may be
		body = strings.NewReader(form.Encode())
	} else {
		address.RawQuery = form.Encode()
	}
	req, err := c.cfg.Access.Request(ctx, method, address.String(), body)
	if err != nil {
		cancel()
		return nil, c.fail(remote.Unreachable, 0, "%v", err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	if a.resp, err = c.http.Do(req); err != nil { //nolint:bodyclose // Close does
		defer cancel()
		return nil, a.broken(err)
	}
	a.body = remote.Limit(&counted{a.resp.Body, c.cfg.Read}, c.cfg.MaxReply)
	return a, nil
}

// Close ends the request.
func (a *answer) Close() {
	_ = a.resp.Body.Close() // what was wanted of it is read
	a.cancel()
}

// broken is the error of a connection.
func (a *answer) broken(err error) error {
	switch {
	case a.whole.Err() != nil:
		return a.whole.Err()
	case a.ctx.Err() != nil:
		return a.client.fail(remote.TimedOut, 0, "no answer within %v", a.client.cfg.Timeout)
	}
	return a.client.fail(remote.Unreachable, 0, "%v", remote.Cause(err))
}

// decode reads all of the answer, and says what is wrong with it. What the server tells
// of that is in r.
func (a *answer) decode(read func(io.Reader) error, r *reply) error {
	c, err := a.client, read(a.body)
	switch {
	case r.refused != nil:
		return r.refused
	case a.whole.Err() != nil, a.ctx.Err() != nil:
		return a.broken(a.ctx.Err())
	case a.resp.StatusCode/100 == 3:
		return c.fail(remote.BadReply, a.resp.StatusCode, "it redirects elsewhere, which is not followed")
	case errors.Is(a.body.Err(), remote.ErrTooLarge):
		return a.tooLarge()
	case r.failure != "" || a.resp.StatusCode/100 != 2:
		return c.told(a.resp, r)
	case err != nil && a.body.Err() != nil && !errors.Is(a.body.Err(), io.EOF):
		return a.broken(a.body.Err())
	case err != nil:
		return c.fail(remote.BadReply, 0, "the answer is none of Prometheus's API: %v", err)
	}
	return nil
}

func (a *answer) tooLarge() error {
	return a.client.fail(remote.TooLarge, 0, "the reply is larger than %d MiB", a.client.cfg.MaxReply>>20)
}

func (a *answer) clean(warnings []string) []string {
	for i, w := range warnings {
		warnings[i] = a.client.cfg.Access.Clean(w)
	}
	return warnings
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
