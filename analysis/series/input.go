package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"llmops/analysis/accesslog"
)

const (
	inputSize = 256 << 10
	// maxRow is the longest line, or JSON string, that is read.
	maxRow = accesslog.MaxRow
)

// An input is the content of a file while it is read: a window that moves over it.
type input struct {
	name string
	r    io.Reader
	buf  []byte // buf[pos:] is read and not consumed
	pos  int
	eof  bool
	size int64 // bytes read

	line    int64 // of buf[counted]
	counted int
	long    int64 // of the row that was too long last
	begin   int   // where in buf that line begins; below zero if it is gone from there
}

func newInput(name string, r io.Reader) *input {
	return &input{name: name, r: r, line: 1, buf: make([]byte, 0, inputSize)}
}

// rest is what is read and not consumed.
func (in *input) rest() []byte { return in.buf[in.pos:] }

// need reads on until n bytes are there, or the file ends.
func (in *input) need(n int) error {
	for len(in.buf)-in.pos < n && !in.eof {
		if in.pos > 0 {
			in.mark()
			k := copy(in.buf, in.buf[in.pos:])
			in.counted, in.begin = in.counted-in.pos, in.begin-in.pos
			in.buf, in.pos = in.buf[:k], 0
		}
		if cap(in.buf) < n || len(in.buf) == cap(in.buf) {
			grown := make([]byte, len(in.buf), max(2*cap(in.buf), n))
			copy(grown, in.buf)
			in.buf = grown
		}
		k, err := in.r.Read(in.buf[len(in.buf):cap(in.buf)])
		in.buf = in.buf[:len(in.buf)+k]
		in.size += int64(k)
		if errors.Is(err, io.EOF) {
			in.eof = true
		} else if err != nil {
			return err
		}
	}
	return nil
}

// mark counts the lines up to pos.
func (in *input) mark() {
	passed := in.buf[in.counted:in.pos]
	if n := bytes.Count(passed, []byte{'\n'}); n > 0 {
		in.line += int64(n)
		in.begin = in.counted + bytes.LastIndexByte(passed, '\n') + 1
	}
	in.counted = in.pos
}

// place is the line and the column, in bytes from 1, of what comes next.
func (in *input) place() (line int64, column int) {
	in.mark()
	return in.line, in.pos - in.begin + 1
}

// lineOf is the line on which the row begins that was read last.
func (in *input) lineOf(row []byte) (line int64) {
	in.pos -= len(row)
	line, _ = in.place()
	in.pos += len(row)
	return line
}

// A SyntaxError says where a file cannot be read further, and why.
type SyntaxError struct {
	File   string
	Line   int64
	Column int
	Why    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Why)
}

// fail is a SyntaxError about what comes next.
func (in *input) fail(format string, about ...any) error {
	line, column := in.place()
	return &SyntaxError{in.name, line, column, fmt.Sprintf(format, about...)}
}

// errLong says that a row is longer than maxRow.
var errLong = errors.New("the row is longer than 16 MiB")

// row is the next row with its end, which next finds in what there is of the file;
// 0: it is not in it. The row is valid until the next call. errLong comes with the
// beginning of a row that is too long; all of it that was read, and the rest of the
// line that this ends in, is passed over.
func (in *input) row(next func(b []byte) int) ([]byte, error) {
	for {
		b := in.rest()
		if n := next(b); n > 0 {
			in.pos += n
			return b[:n], nil
		}
		if in.eof {
			in.pos = len(in.buf)
			if len(b) == 0 {
				return nil, io.EOF
			}
			return b, nil
		}
		if len(b) >= maxRow {
			in.long, _ = in.place()
			beginning := append([]byte(nil), b[:1<<10]...)
			in.pos = len(in.buf)
			if err := in.skipLine(); err != nil {
				return nil, err
			}
			return beginning, errLong
		}
		if err := in.need(min(max(2*len(b), inputSize), maxRow+1)); err != nil {
			return nil, err
		}
	}
}

// skipLine passes over the rest of a line.
func (in *input) skipLine() error {
	for {
		if i := bytes.IndexByte(in.rest(), '\n'); i >= 0 {
			in.pos += i + 1
			return nil
		}
		in.pos = len(in.buf)
		if in.eof {
			return nil
		}
		if err := in.need(1); err != nil {
			return err
		}
	}
}

func lineEnd(b []byte) int { return bytes.IndexByte(b, '\n') + 1 }

func trimEnd(row []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(row, []byte{'\n'}), []byte{'\r'})
}
