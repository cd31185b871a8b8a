package load

import (
	"net"
	"os"
	"sync/atomic"
	"time"
)

// reuse is whether connections can be used again. HTTP says that they can
// unless a reply says otherwise, but some servers (llama.cpp among them) close
// theirs after a streamed reply all the same. A request that meets the closing
// connection fails by the client's haste, and cannot be told from one that a
// crash took. So connections are given up after their first reply until one
// has shown what the server does.
type reuse struct{ state atomic.Int32 }

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
	r.state.CompareAndSwap(reuseUnknown, to)
}

// settle is how long after a reply a server that closes takes to do so: it
// does it at once, whatever the distance, since the end follows the last bytes.
const settle = 20 * time.Millisecond

// Close closes the connection. One on trial is kept a moment longer, to see
// whether the server closes it by itself.
func (c *conn) Close() error {
	if c.trial == nil || !c.replied.Load() {
		return c.Conn.Close()
	}
	go func() {
		closed := closes(c.Conn)
		_ = c.Conn.Close() // nobody is left to tell
		// net/http closes at the last byte, before the reply has been judged. A
		// server that breaks off a reply says nothing about whole ones.
		time.Sleep(settle)
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
