package stream

import "bytes"

// NDJSON is a push parser of one document a line, used like SSE. Blank lines
// are left out. The zero NDJSON is ready for use.
type NDJSON struct {
	// Data is the line that Next found, without its line feed, valid until
	// the next call of any method.
	Data []byte

	p    []byte
	line []byte // beginning of a line that came in earlier pushes
	err  error
}

// Reset makes n ready for another body and keeps its buffer.
func (n *NDJSON) Reset() { *n = NDJSON{line: n.line[:0]} }

// Err is ErrTooLarge after a line was too large: nothing comes out any more.
func (n *NDJSON) Err() error { return n.err }

// Push hands over the bytes that arrived. They must stay as they are until
// Next has returned false.
func (n *NDJSON) Push(p []byte) { n.p = p }

// Next moves to the next line that is complete and not blank.
func (n *NDJSON) Next() bool {
	for n.err == nil {
		end := bytes.IndexByte(n.p, '\n')
		if end < 0 {
			if n.line = append(n.line, n.p...); len(n.line) > MaxEvent {
				n.err = ErrTooLarge
			}
			n.p = nil
			return false
		}
		line := n.p[:end]
		if len(n.line) > 0 {
			n.line = append(n.line, line...)
			line, n.line = n.line, n.line[:0]
		}
		n.p = n.p[end+1:]
		if n.take(line) {
			return true
		}
	}
	return false
}

// Close ends the body. It returns true when a line was left without its line
// feed; that line may have been cut.
func (n *NDJSON) Close() bool {
	line := n.line
	n.p, n.line = nil, n.line[:0]
	return n.err == nil && n.take(line)
}

func (n *NDJSON) take(line []byte) bool {
	if len(line) > MaxEvent {
		n.err = ErrTooLarge
		return false
	}
	n.Data = line
	return len(bytes.TrimSpace(line)) > 0
}
