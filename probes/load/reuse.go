package load

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// reuse is whether connections can be used again. HTTP says that they can
// unless a reply says otherwise, but some servers (llama.cpp among them) close
// theirs after a streamed reply all the same. A request that meets the closing
// connection fails by the client's haste, and cannot be told from one that a
// crash took. So until it is known what the server does, no connection is used
// twice: the first few are given up after their reply, to see; so are those of
// requests that begin after a reply has ended, for fear of its connection.
type reuse struct {
	state atomic.Int32
	known chan struct{} // closed when state is known
	sent  atomic.Int64  // requests before that
	ended atomic.Bool   // one of them has its reply, or the beginning of it
	spent atomic.Int64  // connections that were given up after that
	waits atomic.Int64  // places of a closed loop that waited for the finding
}

const (
	reuseUnknown int32 = iota
	reuseKeeps
	reuseCloses
)

// learn takes the first finding; later ones change nothing.
func (r *reuse) learn(closed bool) {
	to := reuseKeeps
	if closed {
		to = reuseCloses
	}
	if r.state.CompareAndSwap(reuseUnknown, to) {
		close(r.known)
	}
}

const (
	tried      = 2  // so many of the first connections are given up,
	spendable  = 64 // then so many of those that come after a reply,
	spendEvery = 16 // and then of so many requests that of one
)

// once tells whether a request that begins now is to have a connection that
// nobody has used and nobody will.
func (r *reuse) once() bool {
	switch r.state.Load() {
	case reuseKeeps:
		return false
	case reuseCloses:
		return true
	}
	n := r.sent.Add(1)
	if n <= tried {
		return true
	}
	// Only a whole answer tells. A server that refuses everything must not cost a
	// connection each time, or the ports of this machine run out.
	return r.ended.Load() && (r.spent.Add(1) <= spendable || n%spendEvery == 0)
}

// await waits for the finding, which is about to come once replies end, and tells
// whether it did wait. With equal answers all places of a closed loop are free at
// the same moment; without a wait each would open a connection in vain. Where no
// reply shows anything, each of n places waits only once.
func (r *reuse) await(ctx context.Context, n int) bool {
	if r.state.Load() != reuseUnknown || r.waits.Add(1) > int64(n) {
		return false
	}
	limit := time.NewTimer(3 * settle)
	defer limit.Stop()
	select {
	case <-r.known:
	case <-limit.C:
	case <-ctx.Done():
	}
	return true
}

// settle is how long after a reply a server that closes takes to do so: it
// does it at once, whatever the distance, since the end follows the last bytes.
const settle = 20 * time.Millisecond

// Close closes the connection. One on trial is kept a moment longer, to see
// whether the server closes it by itself.
func (c *conn) Close() error {
	if c.trial == nil || c.trial.state.Load() != reuseUnknown || !c.replied.Load() {
		return c.Conn.Close()
	}
	go func() {
		closed := closes(c.Conn)
		_ = c.Conn.Close() // nobody is left to tell
		// net/http closes at the last byte, before the reply has been judged. A
		// server that breaks off a reply says nothing about whole ones.
		if !c.whole.Load() {
			time.Sleep(settle)
		}
		if c.whole.Load() {
			c.trial.learn(closed)
		}
	}()
	return nil
}

// closes tells whether the peer ends the connection within settle.
func closes(nc net.Conn) bool {
	if nc.SetReadDeadline(time.Now().Add(settle)) != nil {
		return false
	}
	_, err := nc.Read(make([]byte, 1))
	return err != nil && !os.IsTimeout(err)
}
