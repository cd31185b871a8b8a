package load

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/check"
	"llmops/probes/request"
)

// idleConn is how long an unused connection is kept: less than the 5 s after
// which common servers close theirs, so that no request meets a closing one.
const idleConn = 4 * time.Second

// client sends requests one at a time; it may be used by many goroutines.
type client struct {
	target    Target
	url       *url.URL
	limits    Timeouts
	epoch     time.Time
	transport *http.Transport
	trial     *http.Transport // gives connections up after one reply
	reuse     reuse
	ahead     ahead
	open      func(context.Context) (net.Conn, error) // a connection straight to the target; nil: there is a proxy
	redact    *strings.Replacer
}

func newClient(t Target, limits Timeouts, epoch time.Time) (*client, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	d := &dialer{epoch: epoch, timeout: limits.Connect, tls: t.TLS, target: hostPort(u)}
	if d.tls == nil {
		d.tls = defaultTLS()
	}
	// One request a connection at a time (HTTP/1.1): a stamp of the connection
	// is then a stamp of the request. Redirects are not followed and bodies not
	// compressed, because nobody asked for that.
	tr := &http.Transport{
		DialContext:         d.dial,
		DialTLSContext:      d.dialTLS,
		TLSClientConfig:     d.tls, // for connections through a proxy
		Proxy:               t.Proxy,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 1 << 20,
		IdleConnTimeout:     idleConn,
		TLSHandshakeTimeout: limits.Connect,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &setupError{request.Connect, fmt.Errorf("the proxy answers %s to CONNECT", resp.Status)}
			}
			return nil
		},
	}
	var pairs []string
	for _, s := range t.Secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	cl := &client{target: t, url: u, limits: limits, epoch: epoch, transport: tr, redact: strings.NewReplacer(pairs...)}
	cl.reuse.known = make(chan struct{})
	cl.direct(d, tr)
	onTrial := *d
	onTrial.trial = &cl.reuse
	cl.trial = tr.Clone()
	cl.trial.MaxIdleConnsPerHost = -1
	cl.trial.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if nc := cl.ahead.take(); nc != nil {
			stamped(nc).trial = &cl.reuse
			return nc, nil
		}
		return onTrial.dial(ctx, network, addr)
	}
	if u.Scheme == "https" {
		// Ending TLS says so to the server, which then closes: nothing is learnt.
		cl.reuse.learn(false)
	}
	return cl, nil
}

// direct lets requests use connections that were opened ahead, where no proxy
// stands between.
func (cl *client) direct(d *dialer, tr *http.Transport) {
	if cl.target.Proxy != nil {
		if p, err := cl.target.Proxy(&http.Request{URL: cl.url}); p != nil || err != nil {
			return
		}
	}
	dial := d.dial
	to := &tr.DialContext
	if cl.url.Scheme == "https" {
		dial, to = d.dialTLS, &tr.DialTLSContext
	}
	cl.open = func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", d.target) }
	*to = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if nc := cl.ahead.take(); nc != nil {
			return nc, nil
		}
		return dial(ctx, network, addr)
	}
}

// hostPort is the address that u is dialled at.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// call is one request on its way, with everything that it reuses.
type call struct {
	rec      request.Record
	recorder api.Recorder
	body     []byte       // of the request
	bodies   atomic.Int32 // readers of body that net/http has not closed
	buf      []byte       // read buffer
	warm     bool
	// What the answer is held against, its text (the recorder's memory), and what
	// came of it; nil where there is nothing to check.
	checks check.Set
	text   []byte
	graded *Graded
	// Reads of the reply with the kernel's stamp and without, and how long what
	// arrived has waited for its read, at worst.
	kernel, user int
	lag          time.Duration
	// exhausted: this machine had no file descriptor or port left for it.
	exhausted bool
	// Open loop: when the request is due, by how much the pacer came too late
	// for that, and when a goroutine was there to send it.
	due     time.Time
	behind  time.Duration
	offered time.Time
	// Closed loop: when the place that this request takes was vacated by the one
	// before, and when it itself leaves it, by the arrival of its last byte;
	// zero: not known.
	vacant, free time.Time
}

// open gives net/http a reader of the body. It may go on reading, in a goroutine
// of its own, after the reply has come: idle tells when it no longer does.
func (c *call) open() io.ReadCloser {
	c.bodies.Add(1)
	return &sendBody{Reader: bytes.NewReader(c.body), call: c}
}

func (c *call) idle() bool { return c.bodies.Load() == 0 }

type sendBody struct {
	*bytes.Reader
	call   *call
	closed atomic.Bool
}

func (b *sendBody) Close() error {
	if !b.closed.Swap(true) {
		b.call.bodies.Add(-1)
	}
	return nil
}

// anchors are the times that net/http reports, possibly from other goroutines.
type anchors struct {
	asked     atomic.Int64 // ns after sent, when the newest connection was asked for
	gotConn   atomic.Int64 // and when it was there
	firstByte atomic.Int64
	reused    atomic.Bool
	conn      atomic.Pointer[conn]
	written   atomic.Int64 // bytes that the connection had sent before this request
}

// neverArrived tells that the request went out on a connection kept from an
// earlier one and that not a byte of it got there.
func (a *anchors) neverArrived() bool {
	c := a.conn.Load()
	return c != nil && a.reused.Load() && a.firstByte.Load() == 0 && c.unacknowledged(a.written.Load())
}

// maxResent bounds the closed connections that one request may meet.
const maxResent = 16

// do sends c and reads its reply to the end. It fills c.rec; it never fails
// itself: every failure is a class of the record.
func (cl *client) do(parent context.Context, c *call) {
	ctx, cancel := context.WithCancelCause(parent)
	sent := time.Now()
	rec := &c.rec
	rec.SentAt = sent
	closedLoop := rec.ScheduledAt.IsZero()
	stream := cl.target.Body.Stream
	w := newWatch(cl.limits, stream, sent, cancel)
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
	resp, err := tr.RoundTrip(req) //nolint:bodyclose // release closes it
	for err != nil && rec.Resent < maxResent && a.neverArrived() && ctx.Err() == nil {
		// A kept connection was closed before the request got there: nobody has
		// refused it. It goes out again, counted, and its clock runs on. Nothing
		// else is ever sent twice.
		rec.Resent++
		req.Body = c.open()
		resp, err = tr.RoundTrip(req) //nolint:bodyclose // release closes it
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
		cl.fail(rec, classify(ctx, err), err)
		c.exhausted = exhausted(err)
		cancel(nil)
		return
	}
	rec.Status = resp.StatusCode
	cl.reuse.ended.Store(true) // or will have soon: with the last byte its connection is free
	switch {
	case resp.StatusCode/100 == 2:
		if nc := a.conn.Load(); resp.Close {
			cl.reuse.learn(false) // the server says what it does
		} else if nc != nil {
			nc.replied.Store(true)
		}
		cl.read(ctx, c, resp, a.conn.Load(), w)
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

// read takes the body of a 2xx and turns it into an outcome.
func (cl *client) read(ctx context.Context, c *call, resp *http.Response, nc *conn, w *watch) {
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
	}
	if err != nil {
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
	rec.OK, rec.Error, rec.Detail = o.Class == request.OK, o.Class, cl.detail(o.Detail)
	rec.DoneAt = rec.SentAt.Add(o.Done)
	if o.Timed {
		rec.FirstTokenAt = rec.SentAt.Add(o.FirstToken)
		rec.LastTokenAt = rec.SentAt.Add(o.LastToken)
	}
	rec.CompletionTokens, rec.TokensFrom = o.Tokens.Ptr(), o.TokensFrom
	rec.PromptTokens, rec.ReasoningTokens, rec.CachedTokens = o.Prompt.Ptr(), o.Reasoning.Ptr(), o.Cached.Ptr()
	rec.Chunks, rec.Coalesced = o.Chunks, o.Coalesced
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
