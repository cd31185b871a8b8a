package accesslog

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// errBehindGzip is what is no member of a gzip file, behind one.
var errBehindGzip = errors.New("what is behind its compressed data is not of gzip")

// A gzipReader reads the members of a gzip file one after the other. Zeros that fill up the
// file behind them are passed over, as gzip does.
type gzipReader struct {
	in *bufio.Reader
	z  *gzip.Reader
}

func newGzipReader(in *bufio.Reader) (*gzipReader, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &gzipReader{in, z}, nil
}

func (m *gzipReader) Read(b []byte) (int, error) {
	for {
		n, err := m.z.Read(b)
		switch {
		case !errors.Is(err, io.EOF):
			return n, err
		case n > 0: // the next Read meets the end again
			return n, nil
		}
		if err := m.next(); err != nil {
			return 0, err
		}
	}
}

// next begins the next member; io.EOF: there is none.
func (m *gzipReader) next() error {
	head, err := m.in.Peek(2)
	if len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		if err := m.z.Reset(m.in); err != nil {
			return err
		}
		m.z.Multistream(false)
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for {
		switch c, err := m.in.ReadByte(); {
		case err != nil:
			return err
		case c != 0:
			return errBehindGzip
		}
	}
}

func (m *gzipReader) Close() error { return m.z.Close() }
