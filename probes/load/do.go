package load

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"llmops/probes/request"
)

// do sends c and reads its reply to the end. It fills c.rec; it never fails
// itself: every failure is a class of the record.
func (cl *client) do(parent context.Context, c *call) {
	ctx, cancel := context.WithCancelCause(parent)
	sent := time.Now()
	rec := &c.rec
	rec.SentAt = sent
	closedLoop := rec.ScheduledAt.IsZero()
	stream := cl.target.Body.Stream
	w := newWatch(cl.limits, c.plan, stream, sent, cancel)
	defer w.stop()

	a := &anchors{}
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { a.asked.Store(int64(time.Since(sent))) },
		GotConn: func(info httptrace.GotConnInfo) {
			nc := stamped(info.Conn)
			if nc != nil {
				a.written.Store(nc.written.Load())
				nc.began.Store(0)
			}
			a.gotConn.Store(int64(time.Since(sent)))
			a.reused.Store(info.Reused || nc != nil && nc.ahead)
			a.conn.Store(nc)
		},
		GotFirstResponseByte: func() { a.firstByte.Store(int64(time.Since(sent))) },
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: cl.url, Host: cmp.Or(cl.target.Host, cl.url.Host),
		Header:        cl.target.Header,
		Body:          c.open(),
		ContentLength: int64(len(c.body)),
		// net/http sends again what it has not written a byte of.
		GetBody: func() (io.ReadCloser, error) { return c.open(), nil },
	}).WithContext(httptrace.WithClientTrace(context.WithValue(ctx, dialOwner{}, ctx), trace))

	tr := cl.transport
	if cl.reuse.once() {
		tr = cl.trial
	}
	req.Close = cl.reuse.state.Load() == reuseCloses
	resp, err := tr.RoundTrip(req)
	for err != nil && rec.Resent < maxResent && a.neverArrived() && ctx.Err() == nil {
		// A kept connection was closed before the request got there: nobody has
		// refused it. It goes out again, counted, and its clock runs on. Nothing
		// else is ever sent twice.
		rec.Resent++
		req.Body = c.open()
		resp, err = tr.RoundTrip(req)
	}
	if d := a.gotConn.Load(); d > 0 && !a.reused.Load() {
		rec.ConnectMs = new(request.Ms(time.Duration(d - a.asked.Load())))
	}
	if d := a.firstByte.Load(); d > 0 {
		rec.FirstByteAt = sent.Add(time.Duration(d))
	}
	rec.SentAt = sent.Add(cl.sendLag(rec, a))
	if closedLoop {
		rec.ScheduledAt = rec.SentAt
	}
	if err != nil {
		if p, ok := errors.AsType[*planned](context.Cause(ctx)); ok {
			cl.breakOff(rec, p)
		} else {
			cl.fail(rec, classify(ctx, err), err)
			c.exhausted = exhausted(err)
		}
		cancel(nil)
		return
	}
	rec.Status = resp.StatusCode
	cl.reuse.ended.Store(true) // or will have soon: with the last byte its connection is free
	switch {
	case resp.StatusCode/100 == 2:
		if nc := a.conn.Load(); resp.Close {
			cl.reuse.learn(false) // the server says what it does
		} else if nc != nil && c.plan == (Cancellation{}) { // one that is broken off teaches nothing
			nc.replied.Store(true)
		}
		cl.read(ctx, c, resp, a.conn.Load(), w, cancel)
		if nc := a.conn.Load(); nc != nil && rec.OK {
			nc.whole.Store(true)
		}
		if c.kernel > 0 {
			rec.ReadLag = new(c.lag)
		}
	case resp.StatusCode/100 == 3:
		cl.refuse(c, resp, request.Redirect, cancel)
	default:
		cl.refuse(c, resp, request.HTTP(resp.StatusCode), cancel)
	}
	if rec.ByPlan {
		_ = resp.Body.Close() // with the rest unread, which ends the connection
		cancel(nil)
		c.free = rec.DoneAt
		return
	}
	if release(resp.Body, cancel) {
		c.free = rec.DoneAt
		if nc := a.conn.Load(); nc != nil {
			c.free = later(c.free, nc.lastRead())
		}
	}
}

// sendLag is how long a request waited inside this client before its first byte
// went out, or before it began to connect: net/http hands it from goroutine to
// goroutine, and on a busy machine each waits its turn. The server has no part in
// that.
func (cl *client) sendLag(rec *request.Record, a *anchors) time.Duration {
	nc := a.conn.Load()
	if nc == nil || nc.began.Load() == 0 || rec.Resent > 0 {
		return 0
	}
	lag := nc.epoch.Add(time.Duration(nc.began.Load())).Sub(rec.SentAt)
	// A request that has begun to connect may be given a connection that became
	// free meanwhile: it waited for the server all the same.
	return max(lag-time.Duration(a.gotConn.Load()-a.asked.Load()), 0)
}
