package load

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"llmops/probes/request"
)

// read takes the body of a 2xx and turns it into an outcome.
func (cl *client) read(ctx context.Context, c *call, resp *http.Response, nc *conn, w *watch, cancel context.CancelCauseFunc) {
	sent, r := c.rec.SentAt, &c.recorder
	r.Reset(cl.target.API, cl.target.Body.Stream, resp.Header.Get("Content-Type"))
	arrived := func() time.Duration {
		if nc == nil {
			c.user++
			return time.Since(sent)
		}
		if lag := time.Duration(nc.lag.Load()); lag >= 0 {
			c.kernel++
			c.lag = max(c.lag, lag)
		} else {
			c.user++
		}
		return nc.lastRead().Sub(sent)
	}
	body, err := decoded(resp)
	for err == nil {
		var n int
		n, err = body.Read(c.buf)
		if n == 0 {
			continue
		}
		at := arrived()
		w.lastByte.Store(int64(at + sent.Sub(w.sent)))
		over := r.Feed(at, c.buf[:n])
		if !w.token.Load() && r.Started() {
			w.token.Store(true)
		}
		if over {
			err = nil
			break
		}
		if n := c.plan.Events; n > 0 && r.Events() >= n {
			err = c.plan.counted()
			cancel(err)
		}
	}
	if err != nil {
		if p, ok := errors.AsType[*planned](context.Cause(ctx)); ok {
			cl.outcome(c)
			cl.breakOff(&c.rec, p)
			return
		}
		if class, ok := cut(ctx); ok {
			cl.outcome(c)
			cl.fail(&c.rec, class, context.Cause(ctx))
			return
		}
		if errors.Is(err, errEncoding) {
			cl.fail(&c.rec, request.ParseError, err)
			return
		}
		r.Close(time.Since(sent), err)
	}
	cl.outcome(c)
}

// outcome copies what the recorder found into the record.
func (cl *client) outcome(c *call) {
	rec, o := &c.rec, c.recorder.Outcome()
	c.text = o.Text
	if o.Class == request.OK && o.Vectors != c.inputs {
		o.Class, o.Detail = request.ParseError, fmt.Sprintf("%d vectors came for %d inputs", o.Vectors, c.inputs)
	}
	rec.OK, rec.Error, rec.Detail = o.Class == request.OK, o.Class, cl.detail(o.Detail)
	if rec.OK {
		rec.Inputs = c.inputs
	}
	rec.DoneAt = rec.SentAt.Add(o.Done)
	if o.Timed {
		rec.FirstTokenAt = rec.SentAt.Add(o.FirstToken)
		rec.LastTokenAt = rec.SentAt.Add(o.LastToken)
	}
	rec.CompletionTokens, rec.TokensFrom = o.Tokens.Ptr(), o.TokensFrom
	rec.PromptTokens, rec.ReasoningTokens, rec.CachedTokens = o.Prompt.Ptr(), o.Reasoning.Ptr(), o.Cached.Ptr()
	rec.Chunks, rec.Coalesced = o.Chunks, o.Coalesced
	rec.Bare, rec.ReasoningChunks = o.Bare, o.Thinking
	rec.FinishReason, rec.Model = cl.redact.Replace(o.FinishReason), cl.redact.Replace(o.Model)
}

// errEncoding marks a Content-Encoding that cannot be read.
var errEncoding = errors.New("content encoding")

// decoded undoes a Content-Encoding that was not asked for.
func decoded(resp *http.Response) (io.Reader, error) {
	switch enc := strings.ToLower(resp.Header.Get("Content-Encoding")); enc {
	case "", "identity":
		return resp.Body, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(resp.Body)
		if errors.Is(err, gzip.ErrHeader) {
			return nil, fmt.Errorf("%w: the body is not gzip as its header says", errEncoding)
		}
		return z, err
	default:
		return nil, fmt.Errorf("%w %q is not supported", errEncoding, enc)
	}
}

const (
	drainLimit = 500 * time.Millisecond // how long a finished reply may still take to end
	drainBytes = 256 << 10              // and how much it may still send
	drainWait  = 5 * time.Millisecond   // how long the next request waits for that
)

// release reads what is left of a reply that is over, so that its connection
// can be used again, and tells whether it has come to the end. A server that does
// not end its body soon loses the connection instead; the caller is not held up
// by it for long.
func release(body io.ReadCloser, cancel context.CancelCauseFunc) (ended bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop := time.AfterFunc(drainLimit, func() { cancel(nil) })
		_, _ = io.CopyN(io.Discard, body, drainBytes) // any error only costs the connection
		stop.Stop()
		_ = body.Close()
		cancel(nil)
	}()
	wait := time.NewTimer(drainWait)
	defer wait.Stop()
	select {
	case <-done:
		return true
	case <-wait.C:
		return false
	}
}
