package trace

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
)

// Options say how a file is to be read.
type Options struct {
	Format  string            // one of Formats; "": told by the content
	Columns map[string]string // of a CSV file, by what they hold (see ColumnKeys); nil: by their names
	Limit   int               // keep the first rows only; 0: all
}

// format is one way of writing a trace down.
type format struct {
	name string
	// is tells by the head of a file, from its first character that is no space.
	is   func(head string) bool
	read func(*reader) error
}

// formats is the registry. The first that claims a head has it: those that
// need more to be sure come first.
func formats() []format {
	return []format{azure(), burstGPT(), requests(), bailian(), mooncake(), plainCSV()}
}

// Formats lists the names that Options.Format takes.
func Formats() (names []string) {
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// ErrConversations says that a file holds conversations without times.
var ErrConversations = errors.New("these are conversations without times of arrival (ShareGPT), not a trace")

// Load reads a file, gzip and zstd by content. Faults in it come as
// *prompt.FileError. When ctx ends, so does the reading, with its error.
func Load(ctx context.Context, path string, o Options) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(path, reading{ctx, f}, o)
}

// reading ends with its context: a large trace takes a while.
type reading struct {
	ctx context.Context
	io.Reader
}

func (r reading) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

// headSize is how much of a file tells its format.
const headSize = 4 << 10

// Read is Load from a reader; name stands in errors.
func Read(name string, file io.Reader, o Options) (*Trace, error) {
	in, done, err := decompress(bufio.NewReaderSize(file, 64<<10))
	if err != nil {
		return nil, readError(name, err)
	}
	defer done()
	head, err := in.Peek(headSize)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, readError(name, err)
	} // an error behind the head is met again
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		_, _ = in.Discard(len("\ufeff")) // it was peeked
		head = head[len("\ufeff"):]
	}
	f, err := choose(o.Format, strings.TrimLeft(string(head), " \t\r\n"))
	if err != nil {
		return nil, &prompt.FileError{File: name, Line: 1, Column: 1, Err: err,
			Hint: "the formats are " + strings.Join(Formats(), ", ") + ": name one of them, or convert the file to CSV with a header (docs/traces.md)"}
	}
	r := &reader{name: name, in: in, columns: o.Columns, limit: o.Limit,
		trace: &Trace{Format: f.name, Name: filepath.Base(name)}}
	if err := f.read(r); err != nil {
		return nil, readError(name, err)
	}
	if len(r.trace.rows) == 0 {
		return nil, &prompt.FileError{File: name, Line: max(r.line, 1), Err: errors.New("no request in the file")}
	}
	r.trace.settle()
	return r.trace, nil
}

func choose(name, head string) (format, error) {
	for _, f := range formats() {
		if f.name == name || name == "" && f.is(head) {
			return f, nil
		}
	}
	switch {
	case name != "":
		return format{}, fmt.Errorf("unknown trace format %q", name)
	case strings.Contains(head, `"conversations"`):
		return format{}, ErrConversations
	case head == "":
		return format{}, errors.New("the file is empty")
	}
	return format{}, errors.New("the content is of no trace format that is known here")
}

// zstdWindow is the largest window that zstd's own program takes without being
// told to, and so the most memory that a file can ask for.
const zstdWindow = 128 << 20

func decompress(in *bufio.Reader) (_ *bufio.Reader, done func(), err error) {
	magic, _ := in.Peek(4) // a shorter file is no compressed one
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		return bufio.NewReaderSize(z, 64<<10), func() { _ = z.Close() }, nil // what was decoded was checked as it was read
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, nil, err
		}
		return bufio.NewReaderSize(z, 64<<10), z.Close, nil
	}
	return in, func() {}, nil
}

func readError(name string, err error) error {
	if _, ok := errors.AsType[*prompt.FileError](err); ok {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the compressed file is cut off")
	}
	return fmt.Errorf("%s: %w", name, err)
}

// reader collects the rows of a file.
type reader struct {
	name     string
	in       *bufio.Reader
	columns  map[string]string
	limit    int
	line     int // that is being read
	trace    *Trace
	sessions map[string]int32
}

// full tells that no more rows are wanted.
func (r *reader) full() bool { return r.limit > 0 && len(r.trace.rows) >= r.limit }

// entry is a row as it is read; at is since any fixed time.
type entry struct {
	at            time.Duration
	input, output int // -1: not known
	session       int32
	took, cut     time.Duration
}

// add keeps a row. The columns that only some rows have begin with the first of
// them.
func (r *reader) add(e entry) {
	t := r.trace
	n := len(t.rows)
	t.rows = append(t.rows, row{e.at, int32(e.input), int32(e.output)})
	t.session = column(t.session, n, e.session)
	t.took = column(t.took, n, e.took)
	t.cut = column(t.cut, n, e.cut)
}

func column[T comparable](c []T, n int, v T) []T {
	var none T
	if c == nil && v == none {
		return nil
	}
	if c == nil {
		c = make([]T, n, n+1)
	}
	return append(c, v)
}

// sessionOf numbers a session by its name, from 1; "" is none.
func (r *reader) sessionOf(name string) int32 {
	if name == "" {
		return 0
	}
	if s, ok := r.sessions[name]; ok {
		return s
	}
	if r.sessions == nil {
		r.sessions = map[string]int32{}
	}
	name = strings.Clone(name) // it may be a part of the file
	r.trace.names = append(r.trace.names, name)
	s := int32(len(r.trace.names))
	r.sessions[name] = s
	return s
}

func (r *reader) fault(line, column int, hint string, err error) error {
	return &prompt.FileError{File: r.name, Line: line, Column: column, Err: err, Hint: hint}
}

// tokens checks a length that a file gives.
func tokens(n float64) (int, error) {
	if !(n >= 0 && n <= length.Max) || n != math.Trunc(n) {
		return 0, fmt.Errorf("%v is no number of tokens from 0 to %d", n, length.Max)
	}
	return int(n), nil
}

// maxSeconds keeps every time, and the difference of two, within a
// time.Duration.
const maxSeconds = 4e9

// seconds turns a number of units into time since an arbitrary point.
func seconds(v float64, unit time.Duration) (time.Duration, error) {
	if s := v * unit.Seconds(); !(math.Abs(s) <= maxSeconds) {
		return 0, fmt.Errorf("%v is no time", v)
	}
	return time.Duration(math.Round(v * float64(unit))), nil
}
