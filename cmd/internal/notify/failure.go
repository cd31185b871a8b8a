package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"llmops/probes/remote"
)

// failure is a try that did not succeed. Its text may hold secrets.
type failure struct {
	msg       string
	status    int           // of HTTP or SMTP; 0: none
	after     time.Duration // what the server asks to wait; 0: it does not say
	temporary bool          // another try may succeed
}

func (f *failure) Error() string { return f.msg }

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 1 << 20

// exchange sends a request by rt and reads the whole answer within the time of one
// attempt, so that nothing is left open. Any status but 2xx is a failure: redirects are
// not followed, because the address and the headers hold secrets.
func (l line) exchange(ctx context.Context, req *http.Request) (*http.Response, error) {
	begun := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, l.attempt, errAttempt)
	defer stop()
	defer context.AfterFunc(req.Context(), func() { cancel(errAttempt) })() // some services have a limit of their own
	req = req.Clone(ctx)
	if req.Header.Get("User-Agent") == "" && l.agent != "" {
		req.Header.Set("User-Agent", l.agent)
	}
	res, err := l.client.Transport.RoundTrip(req)
	if err != nil {
		return nil, broken(ctx, req.URL.Host, time.Since(begun), err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close() // all of it that matters has been read
	if err != nil {
		return nil, broken(ctx, req.URL.Host, time.Since(begun), err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	f := &failure{
		msg:       fmt.Sprintf("%s answers %s", req.URL.Host, res.Status),
		status:    res.StatusCode,
		after:     retryAfter(res.Header, time.Now()),
		temporary: res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout,
	}
	if words := serverWords(res.Header, body); words != "" {
		f.msg += ": " + words
	}
	return nil, f
}

// ask is exchange for those who want to know of success only.
func (l line) ask(ctx context.Context, req *http.Request) error {
	res, err := l.exchange(ctx, req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

var errAttempt = errors.New("the attempt took too long")

// broken is a request without an answer.
func broken(ctx context.Context, host string, waited time.Duration, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), context.Canceled):
		return &failure{msg: host + ": interrupted"}
	case ctx.Err() != nil: // the attempt, or all of the message, took too long
		return &failure{msg: fmt.Sprintf("%s did not answer within %v", host, waited.Round(100*time.Millisecond)), temporary: true}
	}
	err = remote.Cause(err)
	f := &failure{msg: fmt.Sprintf("%s: %v", host, err), temporary: true}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		f.temporary = false // the next try meets the same certificate
	}
	return f
}

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds or a date. Some
// services write fractions.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds > 0 && seconds < 1e9 { // more than that is no answer, and no Duration
			return time.Duration(seconds * float64(time.Second))
		}
		return 0
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// serverWords is what a server says about an error: the message of a JSON object, or
// plain text. A page for a browser says nothing.
func serverWords(h http.Header, body []byte) string {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	var object map[string]any
	if json.Unmarshal(body, &object) == nil {
		for _, key := range []string{"message", "error", "description", "errors", "msg", "errmsg"} {
			switch v := object[key].(type) {
			case string:
				if v != "" {
					return v
				}
			case []any:
				return fmt.Sprint(v...)
			}
		}
	}
	var text string
	switch {
	case json.Unmarshal(body, &text) == nil:
		return text
	case kind == "text/html":
		return ""
	}
	return string(body[:min(len(body), 2000)])
}
