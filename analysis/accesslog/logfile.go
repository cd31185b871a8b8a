package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

const (
	blockSize = 256 << 10
	// MaxRow is the longest row that is read. A longer one counts as one malformed
	// row; no more than this of it is held.
	MaxRow = 16 << 20
	// shownBytes is how much of a malformed row is shown.
	shownBytes = 120
)

// A logFile is a source while it is read, block by block. One worker at a time
// has it.
type logFile struct {
	index  int // in the sorted list of sources
	source Source
	in     *content // nil: not open yet
	format *Format  // nil: the file is empty
	parser Parser   // of a sequential format
	split  splitter
	header []byte  // of CSV
	chunks *chunks // nil: it is read from its front
	rest   []byte  // read, and not in a block yet
	line   int64   // the number of rest's first line, from 1
	last   int64   // of the last line before it
	eof    bool
	// Of a file that is read in chunks: how many workers read one, and whether all
	// are handed out.
	readers int
	all     bool
	// skipped: found in a folder, and no log.
	skipped bool
}

// A block is a number of whole rows of a file.
type block struct {
	file *logFile
	rows []byte
	line int64 // of the first row
	long bool  // the row is too long to be read; rows is its beginning
	big  bool  // rows is in the large buffer, which is locked
}

// A large buffer holds the rows that no block holds. There is one for all
// workers, so that memory does not grow with their number.
type large struct {
	sync.Mutex
	buf []byte
}

// lock gives the buffer, emptied.
func (l *large) lock() []byte {
	l.Lock()
	if l.buf == nil {
		l.buf = make([]byte, 0, MaxRow+blockSize)
	}
	return l.buf[:0]
}

// next reads the next block into buf, whose capacity is a block's; ok is false at
// the end of the file.
func (f *logFile) next(buf []byte, big *large) (b block, ok bool, err error) {
	b = block{file: f, line: f.line}
	buf = append(buf[:0], f.rest...)
	f.rest = f.rest[:0]
	if buf, err = f.fill(buf); err != nil {
		return b, false, err
	}
	if n := f.split.whole(buf); n > 0 || f.eof {
		b.rows = f.take(buf, n)
		return b, len(b.rows) > 0, nil
	}
	b.big = true
	all := append(big.lock(), buf...)
	for {
		from := len(all)
		piece, err := f.fill(all[from:from:min(from+blockSize, cap(all))])
		if err != nil {
			big.Unlock()
			return b, false, err
		}
		all = all[:from+len(piece)]
		// Rows of CSV and arrays have line ends in them; the others' are cheap to find.
		if f.split.csv || f.split.array || bytes.IndexByte(piece, '\n') >= 0 || f.eof {
			if n := f.split.whole(all); n > 0 || f.eof {
				b.rows = f.take(all, n)
				break
			}
		}
		if len(all) == cap(all) && f.split.array {
			big.Unlock()
			return b, false, fmt.Errorf("%s:%d: an element of the array is longer than 16 MiB, or no JSON", f.source.Name, f.line)
		}
		if len(all) == cap(all) {
			b.rows, err = f.drop(all)
			if err != nil {
				big.Unlock()
				return b, false, err
			}
			b.long = true
			return b, true, nil
		}
	}
	n := f.split.next(b.rows)
	if n == 0 {
		n = len(b.rows)
	}
	if len(bytes.TrimSuffix(b.rows[:n], []byte{'\n'})) > MaxRow { // by so little that it is in the buffer
		f.rest = append(slices.Clone(b.rows[n:]), f.rest...)
		f.line = b.line + int64(bytes.Count(b.rows[:n], []byte{'\n'}))
		b.rows, b.long = b.rows[:shownBytes], true
	}
	return b, true, nil
}

// take cuts the first n bytes of buf off as a block and keeps the rest; at the end
// of the file all of it is the block.
func (f *logFile) take(buf []byte, n int) []byte {
	if f.eof {
		n = len(buf)
	}
	f.rest = append(f.rest[:0], buf[n:]...)
	f.line += int64(bytes.Count(buf[:n], []byte{'\n'}))
	if n > 0 {
		f.last = f.line
		if buf[n-1] == '\n' {
			f.last--
		}
	}
	return buf[:n]
}

// drop reads on to the end of the line that all is a part of, and keeps its
// beginning only.
func (f *logFile) drop(all []byte) ([]byte, error) {
	f.line += int64(bytes.Count(all, []byte{'\n'}))
	scratch := all[shownBytes:shownBytes:cap(all)]
	for !f.eof {
		piece, err := f.fill(scratch[:0:blockSize])
		if err != nil {
			return nil, err
		}
		if i := bytes.IndexByte(piece, '\n'); i >= 0 {
			f.line++
			f.rest = append(f.rest[:0], piece[i+1:]...)
			break
		}
	}
	return all[:shownBytes], nil
}

// fill reads until buf is full or the file ends.
func (f *logFile) fill(buf []byte) ([]byte, error) {
	for !f.eof && len(buf) < cap(buf) {
		n, err := f.in.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			f.eof = true
		} else if err != nil {
			return buf, readError(f.source.Name, err)
		}
	}
	return buf, nil
}
