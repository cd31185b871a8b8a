package cli

import (
	"context"
	"io"
)

// interruptible is an input that ends with ctx: a terminal or pipe that says nothing must
// not keep an interrupt waiting. A read that is under way then is left behind.
type interruptible struct {
	ctx context.Context
	in  io.Reader
	buf []byte
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.buf) < len(p) {
		r.buf = make([]byte, len(p))
	}
	// Whoever is left behind writes into a buffer that nobody reads any more.
	buf := r.buf[:len(p)]
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := r.in.Read(buf)
		done <- result{n, err}
	}()
	select {
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	case x := <-done:
		return copy(p, buf[:x.n]), x.err
	}
}
