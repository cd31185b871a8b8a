package accesslog

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// vllmDockerFormat reads uvicorn's access lines out of the files that Docker's
// json-file driver keeps:
//
//	{"log":"INFO:     10.1.2.3:30001 - \"POST /v1/x HTTP/1.1\" 200 OK\n","stream":"stdout","time":"2026-04-05T07:49:08.115Z"}
//
// A message ends in a line end; one without it goes on in the next row.
func vllmDockerFormat() Format {
	return Format{
		Name: "vllm-docker",
		Detect: detectRows(90, []string{"log", "stream", "time"}, func(f []field) bool {
			_, ok := parseTime(f[2].text())
			return ok && len(f[0]) > 0 && f[0][0] == '"' && (f[1].is("stdout") || f[1].is("stderr"))
		}),
		New: func(Options) Parser {
			return &dockerParser{rows: newRows("log", "stream", "time")}
		},
		Sequential: true,
	}
}

type dockerParser struct {
	rows
	access messages
	text   []byte    // of the last row
	parts  [2][]byte // of messages that have not ended: stdout's and stderr's
}

func (p *dockerParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	log, stream := p.f[0], p.f[1]
	p.bad = ""
	at, ok := parseTime(p.f[2].text())
	if !ok || len(log) == 0 || log[0] != '"' {
		return Malformed
	}
	part := &p.parts[0]
	if stream.is("stderr") {
		part = &p.parts[1]
	}
	p.text = appendUnescaped(p.text[:0], log[1:len(log)-1])
	text, last := bytes.CutSuffix(p.text, []byte{'\n'})
	text, whole := join(part, text, last)
	if !whole {
		return NoRecord
	}
	kind := p.access.parse(at, bytes.TrimSuffix(text, []byte{'\r'}), emit)
	if kind == Malformed {
		p.bad = brokenAccessLine
	}
	return kind
}

// appendUnescaped appends what stands between the quotes of a valid JSON string.
// Nearly every row has a line end and quotes in it, so this does not allocate but
// for what Docker does not write.
func appendUnescaped(to, text []byte) []byte {
	from := len(to)
	for rest := text; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			return append(to, rest...)
		}
		to = append(to, rest[:i]...)
		switch c := rest[i+1]; c {
		case 'n':
			to = append(to, '\n')
		case 'r':
			to = append(to, '\r')
		case 't':
			to = append(to, '\t')
		case '"', '\\', '/':
			to = append(to, c)
		case 'u':
			n, err := strconv.ParseUint(string(rest[i+2:i+6]), 16, 16)
			if err != nil || n >= utf8.RuneSelf {
				return append(to[:from], textOf(text)...)
			}
			to = append(to, byte(n))
			i += 4
		default:
			return append(to[:from], textOf(text)...)
		}
		rest = rest[i+2:]
	}
}
