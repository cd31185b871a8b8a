package load

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/check"
	"llmops/probes/request"
)

// call is one request on its way, with everything that it reuses.
type call struct {
	rec      request.Record
	client   *client // that sends it
	part     part    // the session that it belongs to
	turn     int
	inputs   int // vectors that must come; 0: an answer in words
	plan     Cancellation
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
