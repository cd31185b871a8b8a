// Package stream cuts the body of a reply into events: server-sent events as
// WHATWG specifies them, or one JSON document a line. Bytes are pushed as they
// arrive, in pieces of any size, and an event comes out of the very push that
// completed it. It must not look into the data of an event, read from a
// connection or take the time.
package stream

import (
	"bytes"
	"errors"
)

// MaxEvent is how many bytes the data of one event, or one line, may have.
const MaxEvent = 16 << 20

// ErrTooLarge: an event is larger than MaxEvent.
var ErrTooLarge = errors.New("event larger than 16 MiB")

// SSE is a push parser of server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html):
//
//	for s.Push(p); s.Next(); {
//		use(s.Name, s.Data)
//	}
//
// Time and memory are linear in the input; an event that lies whole in one
// push is not copied, and nothing is allocated once the buffers have grown.
// A carriage return at the end of a push ends its line at once: waiting for a
// line feed would make the event as late as the next one.
// The zero SSE is ready for use.
type SSE struct {
	// Name and Data are the event that Next found, valid until the next call
	// of any method. Name is empty where the stream gave none.
	Name, Data []byte

	// Known counts comments and the fields data, event, id and retry; Unknown
	// the other lines that are not blank. A body with Unknown alone is no
	// event stream.
	Known, Unknown int

	p   []byte // what was pushed and not yet read
	lf  int    // the next line feed in p is at lf or behind it
	bom bom
	cr  bool // the last line ended with CR: a line feed that follows belongs to it
	cut bool // the body ended inside the name of a field

	line []byte // beginning of a line that came in earlier pushes
	name []byte
	view []byte // the only data line so far, in p or line
	data []byte // several data lines, or one that had to be kept
	has  dataState
	err  error
}

type dataState uint8

const (
	noData dataState = iota
	inView           // data is the view
	inData           // data is in the buffer
)

// Reset makes s ready for another body and keeps its buffers.
func (s *SSE) Reset() {
	*s = SSE{line: s.line[:0], name: s.name[:0], data: s.data[:0]}
}

// Err is ErrTooLarge after an event was too large: nothing comes out any more.
func (s *SSE) Err() error { return s.err }

// Push hands over the bytes that arrived. They must stay as they are until
// Next has returned false.
func (s *SSE) Push(p []byte) {
	if lead := s.bom.strip(&p); len(lead) > 0 {
		s.line = append(s.line, lead...)
	}
	s.p, s.lf = p, 0
}

// Next moves to the next event that is complete.
func (s *SSE) Next() bool {
	for len(s.p) > 0 && s.err == nil {
		if s.cr {
			s.cr = false
			if s.p[0] == '\n' {
				s.advance(1)
				continue
			}
		}
		end := s.lineEnd()
		if end < 0 {
			s.keep()
			return false
		}
		line, kept := s.p[:end], false
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line, kept = s.line, true
		}
		s.cr = s.p[end] == '\r'
		s.advance(end + 1)
		found := s.take(line)
		if kept {
			s.line = s.line[:0] // its bytes stay until keep or the next push
		}
		if found {
			return true
		}
	}
	s.keep()
	return false
}

// Close ends the body. It returns true when an event was left without its
// blank line; that event may have been cut.
func (s *SSE) Close() bool {
	if s.err != nil {
		return false
	}
	s.p = nil
	if len(s.line) > 0 {
		line := s.line
		if s.line = s.line[:0]; isFieldPrefix(line) {
			s.cut = true
		} else {
			s.take(line)
		}
	}
	return s.err == nil && s.take(nil)
}

// Cut tells after Close that the body ended inside the name of a field.
func (s *SSE) Cut() bool { return s.cut }

func (s *SSE) advance(n int) {
	s.p = s.p[n:]
	s.lf -= n
}

// lineEnd is the position of the next CR or LF. The line feed found is
// remembered: searching for it again on every line that ends with CR would
// make the parser quadratic.
func (s *SSE) lineEnd() int {
	if s.lf <= 0 || s.lf > len(s.p) {
		if s.lf = bytes.IndexByte(s.p, '\n'); s.lf < 0 {
			s.lf = len(s.p)
		}
	}
	if cr := bytes.IndexByte(s.p[:s.lf], '\r'); cr >= 0 {
		return cr
	}
	if s.lf < len(s.p) {
		return s.lf
	}
	return -1
}

// keep copies what the next push needs, since the bytes of this one go away.
func (s *SSE) keep() {
	if s.has == inView {
		s.data = append(s.data[:0], s.view...)
		s.view, s.has = nil, inData
	}
	if s.line = append(s.line, s.p...); len(s.line) > MaxEvent {
		s.err = ErrTooLarge
	}
	s.p = nil
}

// take reads one line, without its end; true when it completed an event.
func (s *SSE) take(line []byte) bool {
	if len(line) == 0 {
		return s.dispatch()
	}
	if len(line) > MaxEvent {
		s.err = ErrTooLarge
		return false
	}
	field, value := line, line[len(line):]
	if colon := bytes.IndexByte(line, ':'); colon >= 0 {
		field, value = line[:colon], line[colon+1:]
	}
	if len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	s.Known++
	switch string(field) {
	case "data":
		s.add(value)
	case "event":
		s.name = append(s.name[:0], value...)
	case "id", "retry", "": // an empty name makes a comment
	default:
		s.Known--
		s.Unknown++
	}
	return false
}

func (s *SSE) add(value []byte) {
	switch s.has {
	case noData:
		s.view, s.has = value, inView
		return
	case inView:
		s.data = append(s.data[:0], s.view...)
		s.view, s.has = nil, inData
	}
	s.data = append(append(s.data, '\n'), value...)
	if len(s.data) > MaxEvent {
		s.err = ErrTooLarge
	}
}

func (s *SSE) dispatch() bool {
	s.Name, s.Data = s.name, s.data
	if s.has == inView {
		s.Data = s.view
	}
	found := s.has != noData
	s.name, s.view, s.has = s.name[:0], nil, noData
	return found
}

// isFieldPrefix tells whether line could have become a known field.
func isFieldPrefix(line []byte) bool {
	for _, field := range [...]string{"data", "event", "retry", "id"} {
		if len(line) <= len(field) && string(line) == field[:len(line)] {
			return true
		}
	}
	return false
}
