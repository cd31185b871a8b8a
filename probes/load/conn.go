package load

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"llmops/probes/request"
)

// Sources of time stamps.
const (
	FromKernel = "kernel" // taken when a segment arrived
	FromUser   = "user"   // taken when this process came to read it
)

// conn is a connection that knows when bytes last arrived on it. It sits at the
// bottom, below TLS and HTTP, so that a stamp is taken before anything is
// decoded; finer sources of stamps belong here and nowhere else.
type conn struct {
	net.Conn
	kernel *receiver // nil: stamps are taken in this process
	epoch  time.Time
	last   atomic.Int64 // ns after epoch at which the newest bytes arrived; 0: none yet
	lag    atomic.Int64 // ns between that and the read; -1: not known

	ahead   bool        // opened before the run
	trial   *reuse      // set: the connection is given up after one reply, to learn from it
	replied atomic.Bool // a reply has begun that leaves the connection open
	whole   atomic.Bool // and it was a success

	written atomic.Int64 // bytes sent
	began   atomic.Int64 // ns after epoch at which the newest request began to go out; 0: not yet
	broken  atomic.Int64 // bytes the peer had acknowledged when the connection broke, and 1 for the SYN; 0: not known
}

// breaks takes down, while the socket is still open, how much the peer got.
func (c *conn) breaks() { c.broken.CompareAndSwap(0, acknowledged(c.Conn)) }

// unacknowledged tells that of what was sent after the first sent bytes the
// peer's TCP acknowledged nothing before the connection broke: it never got
// there. A peer that has closed the connection answers with a reset, not with
// an acknowledgement.
func (c *conn) unacknowledged(sent int64) bool {
	n := c.broken.Load()
	return n > 0 && n <= sent+1
}

func (c *conn) Write(p []byte) (int, error) {
	if c.began.Load() == 0 {
		c.began.Store(int64(time.Since(c.epoch)))
	}
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	if err != nil {
		c.breaks()
	}
	return n, err
}

func (c *conn) Read(p []byte) (int, error) {
	if c.kernel != nil {
		n, arrived, stamped, err := c.kernel.read(p)
		if err != nil {
			c.breaks()
			return n, err
		}
		c.last.Store(int64(arrived.Sub(c.epoch)))
		c.lag.Store(-1)
		if stamped {
			c.lag.Store(int64(time.Since(arrived)))
		}
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.last.Store(int64(time.Since(c.epoch)))
	}
	if err != nil {
		c.breaks()
	}
	return n, err
}

// lastRead is when bytes last arrived: an upper bound on the arrival of
// everything that was read from the connection so far.
func (c *conn) lastRead() time.Time { return c.epoch.Add(time.Duration(c.last.Load())) }

// stamped finds the stamping connection under nc, through TLS if need be.
func stamped(nc net.Conn) *conn {
	switch c := nc.(type) {
	case *conn:
		return c
	case *tls.Conn:
		return stamped(c.NetConn())
	}
	return nil
}

// setupError is a failure to set up a connection, with the class that it has.
type setupError struct {
	class request.Class
	err   error
}

func (e *setupError) Error() string { return e.err.Error() }
func (e *setupError) Unwrap() error { return e.err }

// dialer opens stamped connections.
type dialer struct {
	epoch   time.Time
	timeout time.Duration
	tls     *tls.Config
	target  string // host:port that tls.ServerName belongs to
	user    bool   // do not ask the kernel for stamps
	trial   *reuse // for connections on trial
}

// dialOwner is the key of the request's own context in the context of its dial.
// net/http lets a dial outlive its request, for the benefit of others; here
// each request dials for itself, and dials that nobody waits for would pile up.
type dialOwner struct{}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if owner, ok := ctx.Value(dialOwner{}).(context.Context); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(owner, cancel)()
	}
	nd := net.Dialer{Timeout: d.timeout, KeepAlive: 30 * time.Second}
	nc, err := nd.DialContext(ctx, network, addr)
	if err != nil {
		class := request.Connect
		if _, ok := errors.AsType[*net.DNSError](err); ok {
			class = request.DNS
		}
		return nil, &setupError{class, err}
	}
	c := &conn{Conn: nc, epoch: d.epoch, trial: d.trial}
	c.lag.Store(-1)
	if !d.user {
		c.kernel, _ = newReceiver(nc)
	}
	return c, nil
}

// dialTLS shakes hands itself, because a failure there has a class of its own
// and net/http tells it apart only by its text.
func (d *dialer) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	cfg := d.tls.Clone()
	if cfg.ServerName == "" || addr != d.target { // a proxy has a name of its own
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = addr
		}
		cfg.ServerName = host
	}
	if d.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.timeout)
		defer cancel()
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close() // the handshake's error is the one that matters
		return nil, &setupError{request.TLS, err}
	}
	return tc, nil
}
