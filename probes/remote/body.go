package remote

import (
	"errors"
	"io"
)

// ErrTooLarge is the end of an answer that is beyond its limit.
var ErrTooLarge = errors.New("the answer is too large")

// Body reads an answer up to a limit.
type Body struct {
	from io.Reader
	left int64 // below 0: beyond the limit
	err  error
}

// Limit reads at most so many bytes; those after them are ErrTooLarge.
func Limit(from io.Reader, most int64) *Body { return &Body{from: from, left: most} }

// Err is what ended the reading, io.EOF and ErrTooLarge too; nil if nothing has. A
// decoder does not tell it from its own errors.
func (b *Body) Err() error { return b.err }

func (b *Body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p))-1 > b.left {
		p = p[:b.left+1] // the one more tells whether there is more
	}
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		n, err = n-1, ErrTooLarge
	}
	if err != nil {
		b.err = err
	}
	return n, err
}
