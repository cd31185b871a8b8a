package accesslog

import "bytes"

// vllmCRIFormat reads uvicorn's access lines out of the files that containerd and
// CRI-O keep:
//
//	2026-04-05T07:49:08.115000000Z stdout F (APIServer pid=1) INFO:     10.1.2.3:30001 - "POST /v1/x HTTP/1.1" 200 OK
//
// F ends a message, P is a part of one.
func vllmCRIFormat() Format {
	return Format{
		Name: "vllm-cri",
		Detect: func(rows [][]byte) int {
			return share(rows, func(row []byte) bool {
				line, ok := parseCRI(row)
				return ok && (len(line.text) == 0 || line.text[0] != '{')
			})
		},
		New:        func(Options) Parser { return new(criParser) },
		Sequential: true,
	}
}

// A criLine is a line of a container's log.
type criLine struct {
	at   Fixed
	err  bool // of stderr
	last bool // of its message
	text []byte
}

// parseCRI reads "time stream tags text". Tags other than P and F are between
// colons and say nothing to us.
func parseCRI(row []byte) (line criLine, ok bool) {
	c := cursor{row}
	at, ok := c.word()
	if !ok {
		return line, false
	}
	if line.at, ok = parseISO(at); !ok {
		return line, false
	}
	stream, _ := c.word()
	switch string(stream) {
	case "stdout":
	case "stderr":
		line.err = true
	default:
		return line, false
	}
	tags, _ := c.word()
	tag, _, _ := bytes.Cut(tags, []byte{':'})
	switch string(tag) {
	case "F":
		line.last = true
	case "P":
	default:
		return line, false
	}
	line.text = c.rest
	return line, true
}

type criParser struct {
	plain  bool // the last row is a line of a container's log
	access messages
	parts  [2][]byte // of messages that have not ended: stdout's and stderr's
}

func (p *criParser) Parse(row []byte, emit func(*Event)) Row {
	if blankRow(row) {
		return NoRecord
	}
	line, ok := parseCRI(row)
	if p.plain = ok; !ok {
		return Malformed
	}
	part := &p.parts[0]
	if line.err {
		part = &p.parts[1]
	}
	text, whole := join(part, line.text, line.last)
	if !whole {
		return NoRecord
	}
	return p.access.parse(line.at, text, emit)
}

// Explain says why the row that was read last is malformed.
func (p *criParser) Explain([]byte) (why string, column int) {
	if !p.plain {
		return "no line of a container's log: time, stdout or stderr, F or P, text", 0
	}
	return brokenAccessLine, 0
}

// partLimit is how much of a message is kept while it comes in parts. Access lines
// are far shorter.
const partLimit = 64 << 10

// join puts a piece of a message to the parts before it, and gives the message
// once it is whole.
func join(part *[]byte, piece []byte, last bool) (text []byte, whole bool) {
	if last && len(*part) == 0 {
		return piece, true
	}
	*part = append(*part, piece[:min(len(piece), partLimit-len(*part))]...)
	if !last {
		return nil, false
	}
	text, *part = *part, (*part)[:0]
	return text, true
}

// messages makes events of a server's messages that have a time.
type messages struct {
	e    Event
	in   interner
	line accessLine
}

func (m *messages) parse(at Fixed, text []byte, emit func(*Event)) Row {
	kind := m.line.read(text)
	if kind != Record {
		return kind
	}
	m.e.Reset()
	m.e.End = at.Ceil()
	m.e.setStatus(m.line.status)
	m.e.setRoute(m.line.target, &m.in)
	m.e.settle(false, "")
	emit(&m.e)
	return Record
}
