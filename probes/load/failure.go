package load

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"llmops/probes/request"
)

// classify tells how a request without a reply failed.
func classify(ctx context.Context, err error) request.Class {
	if class, ok := cut(ctx); ok {
		return class
	}
	if se, ok := errors.AsType[*setupError](err); ok {
		return se.class
	}
	if isTLS(err) {
		return request.TLS
	}
	return request.Connect
}

// cut tells whether and as what the client itself ended the request.
func cut(ctx context.Context) (request.Class, bool) {
	cause := context.Cause(ctx)
	if l, ok := errors.AsType[*limit](cause); ok {
		return l.class, true
	}
	return request.Cancelled, cause != nil
}

func (cl *client) fail(rec *request.Record, class request.Class, err error) {
	rec.DoneAt = time.Now()
	rec.OK, rec.Error = false, class
	rec.Detail = cl.detail(err.Error())
}

// maxDetail bounds the text of a failure in a record, in bytes.
const maxDetail = 300

// detail makes a server's or the network's words fit for a record: one line,
// short, without the secrets that were sent.
func (cl *client) detail(s string) string {
	s = cl.redact.Replace(strings.Join(strings.Fields(strings.ToValidUTF8(s, "\ufffd")), " "))
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}

// refuse records a status outside 2xx, with the first words of the body.
func (cl *client) refuse(c *call, resp *http.Response, class request.Class, cancel context.CancelCauseFunc) {
	rec := &c.rec
	defer time.AfterFunc(drainLimit, func() { cancel(nil) }).Stop() // the status is known; its text may not come
	var text []byte
	if class == request.Redirect {
		text = []byte("to " + resp.Header.Get("Location"))
	} else {
		text, _ = io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // a body that cannot be read changes nothing
		if text = message(text); len(text) == 0 {
			text = []byte(resp.Status)
		}
	}
	cl.fail(rec, class, errors.New(string(text)))
	if s := resp.Header.Get("Retry-After"); s != "" {
		if sec, err := strconv.ParseFloat(s, 64); err == nil && sec >= 0 && sec < 1e9 {
			rec.RetryAfterS = &sec
		} else if at, err := http.ParseTime(s); err == nil {
			rec.RetryAfterS = new(max(0, at.Sub(rec.DoneAt).Seconds()))
		}
	}
}

// message is what the body of an error says: the message in it where it is
// JSON in one of the usual forms, else all of it.
func message(body []byte) []byte {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  string          `json:"detail"`
	}
	if json.Unmarshal(body, &e) != nil {
		return body
	}
	var text string
	if json.Unmarshal(e.Error, &text) != nil {
		var object struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(e.Error, &object) // what is no object has no message
		text = object.Message
	}
	if text = cmp.Or(text, e.Message, e.Detail); text == "" {
		return body
	}
	return []byte(text)
}
