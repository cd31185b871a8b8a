package accesslog

import (
	"context"
	"io"
)

// Row says what a row of a log is.
type Row uint8

// The kinds of rows.
const (
	NoRecord  Row = iota // well formed, but no request: another span, a server message, a blank line, a header
	Record               // one or more requests, each handed on
	Malformed            // cannot be read as a record of the format, or is cut off
)

// A Format is one kind of log. Formats are stateless; what a worker needs
// between rows lives in its parser.
type Format struct {
	Name string
	// Detect says how sure it is, from 0 (not this format) to 100, that the
	// file that begins with these rows (up to 64, the last one whole) is of this
	// format. The surest wins; of equals the first in the registry.
	Detect func(rows [][]byte) int
	// DetectMapped, of generic formats, does so for files whose fields
	// Options.Map names.
	DetectMapped func(rows [][]byte, wanted []genericField) int
	// New makes a parser. Each worker has its own.
	New func(Options) Parser
	// Sequential: a row may depend on the one before it in its file, so a file is
	// read by one worker from its start.
	Sequential bool
	// CSV: rows end at line ends outside of quotes, and the first one is a header,
	// which each parser is given once, before all others, as a row.
	CSV bool
	// Refuse says why files of this format cannot be read, and what to do ("": they
	// can be read).
	Refuse string
	// File reads a whole file of a format that has no rows one after the other
	// (instead of New). It counts what it reads through tell, in the file's order:
	// every row, its number from 1, why it is malformed; and emits each request.
	File func(ctx context.Context, f io.ReaderAt, size int64, o Options, emit func(*Event), tell func(row int64, kind Row, why string)) error
}

// A Parser reads rows, without their line ends, one at a time. The bytes are
// only valid during the call. It calls emit with each request of the row; the
// event is the parser's again when emit returns, and its strings live on.
type Parser interface {
	Parse(row []byte, emit func(*Event)) Row
}

// An Explainer is a Parser that can say why the row that it read last is
// malformed, and at which column (from 1; 0: none in particular).
type Explainer interface {
	Explain(row []byte) (why string, column int)
}
