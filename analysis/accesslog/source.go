package accesslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// A Source is a log: its name in messages and how to open it. What Open gives
// should be an io.ReaderAt with a Stat, as files are, for formats that need that.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
	// Found by walking a folder, where other files lie too: it is passed over when
	// its content is no log.
	Found bool
}

// randomAccess is what formats whose rows are found from the end of a file need.
type randomAccess interface {
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// content is a source as it is read: what its compression holds.
type content struct {
	io.Reader
	file   io.ReadCloser
	plain  randomAccess // the file, if it is one and not compressed
	decode interface{ Close() error }
}

func (c *content) Close() error {
	if c.decode != nil {
		_ = c.decode.Close() // what was decoded was checked as it was read
	}
	return c.file.Close()
}

// zstdWindow is the largest window that zstd's own program takes without being
// told to, and so the most memory that a file can ask for.
const zstdWindow = 128 << 20

// open opens a source, and decompresses it if its first bytes say so. read counts
// the bytes of the file.
func open(s Source, read *atomic.Int64) (*content, error) {
	file, err := s.Open()
	if err != nil {
		return nil, err
	}
	c := &content{file: file}
	in := &countingReader{file, read}
	magic := make([]byte, 4)
	n, err := io.ReadFull(in, magic)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		_ = file.Close() // the other error counts
		return nil, err
	}
	magic = magic[:n]
	all := io.MultiReader(bytes.NewReader(magic), in)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := newGzipReader(bufio.NewReaderSize(all, 64<<10))
		if err != nil {
			_ = file.Close() // the other error counts
			return nil, err
		}
		c.Reader, c.decode = z, z
	case len(magic) == 4 && (bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18})):
		z, err := zstd.NewReader(all, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			_ = file.Close() // the other error counts
			return nil, err
		}
		c.Reader, c.decode = z, closer(z.Close)
	default:
		c.Reader = all
		c.plain, _ = file.(randomAccess)
	}
	return c, nil
}

type closer func()

func (c closer) Close() error {
	c()
	return nil
}

type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r *countingReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if r.n != nil {
		r.n.Add(int64(n))
	}
	return n, err
}

// readError words what went wrong with a source, which it names.
func readError(name string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the compressed file is cut off")
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
