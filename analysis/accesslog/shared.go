package accesslog

import (
	"errors"
	"io"
	"sync/atomic"
)

// What readers of other files share with those of logs: how a source is opened,
// how times are written, how rows of CSV are split.

// A Content is a source while it is read: what its compression, if any, holds.
type Content struct {
	name string
	c    *content
}

// Content opens a source and decompresses what it holds, if its first bytes say
// that it is gzip or zstd. read, if not nil, counts the bytes of the file.
func (s Source) Content(read *atomic.Int64) (*Content, error) {
	c, err := open(s, read)
	if err != nil {
		return nil, readError(s.Name, err)
	}
	return &Content{s.Name, c}, nil
}

// Read reads; its errors name the source.
func (c *Content) Read(b []byte) (int, error) {
	n, err := c.c.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = readError(c.name, err)
	}
	return n, err
}

// Close closes the file.
func (c *Content) Close() error { return c.c.Close() }

// Reopens tells whether the source can be opened anew, from its beginning, and is
// not compressed: it is a file on a disk.
func (c *Content) Reopens() bool {
	if c.c.plain == nil {
		return false
	}
	info, err := c.c.plain.Stat()
	return err == nil && info.Mode().IsRegular()
}

// A Clock reads instants in any of the notations that logs use, in ms since the
// epoch: RFC 3339 with any zone and fraction, "YYYY-MM-DD HH:MM:SS[.ffffff]" (UTC),
// nginx's $time_local, or a number of seconds, ms, µs or ns since the epoch, told
// apart by its size. It is quickest where most are in the minute of the one before.
// The zero Clock is ready.
type Clock struct{ c clock }

// Parse reads an instant.
func (c *Clock) Parse(b []byte) (Fixed, bool) { return c.c.parse(b) }

// Shown is the beginning of a row as it can be shown: one line, no control
// characters.
func Shown(row []byte) string { return shown(row) }

// A CSV splits a file of comma-separated values into rows, and these into fields:
// RFC 4180, and a quote that stands inside a field without quotes is taken as it is.
type CSV struct{ row csvRow }

// NewCSV takes the header of the file, which shows what separates fields: a comma,
// or, in one without, a tab or a semicolon.
func NewCSV(header []byte) *CSV { return &CSV{csvRow{comma: csvComma(header)}} }

// Comma is what separates fields.
func (c *CSV) Comma() byte { return c.row.comma }

// Next is the length of the row that b begins with, its line end included; 0 if it
// does not end in b.
func (c *CSV) Next(b []byte) int { return splitter{csv: true, comma: c.row.comma}.next(b) }

// Fields gives the fields of a row without its line end, valid until the next call.
// It is false if there is anything but a comma behind a closing quote, or no
// closing quote.
func (c *CSV) Fields(row []byte) ([][]byte, bool) {
	ok := c.row.split(row)
	return c.row.fields, ok
}

// Recognise finds the format that a file is of, if it is a request log that begins
// with these rows (without line ends).
func Recognise(rows [][]byte) (Format, bool) {
	var found Format
	sure := leastSure - 1
	for _, f := range Formats() {
		if n := f.Detect(rows); n > sure {
			found, sure = f, n
		}
	}
	return found, sure >= leastSure
}

// Floor is the greatest whole number that is not above f; of Absent it is of no use.
func (f Fixed) Floor() int64 { return -(-f).Ceil() }
