package accesslog

import "bytes"

// vllmJournaldFormat reads uvicorn's access lines out of what journalctl -o json
// writes. A message that is not plain text (coloured ones) is an array of bytes.
func vllmJournaldFormat() Format {
	return Format{
		Name: "vllm-journald",
		Detect: detectRows(90, []string{"MESSAGE", "__REALTIME_TIMESTAMP"}, func(f []field) bool {
			_, ok := parseEpoch(f[1].text())
			return ok
		}),
		New: func(Options) Parser {
			return &journaldParser{rows: newRows("MESSAGE", "__REALTIME_TIMESTAMP")}
		},
	}
}

type journaldParser struct {
	rows
	access  messages
	message []byte
}

func (p *journaldParser) Parse(row []byte, emit func(*Event)) Row {
	if !p.read(row) {
		return p.otherwise(row)
	}
	p.bad = ""
	at, ok := parseEpoch(p.f[1].text()) // µs
	if !ok {
		return Malformed
	}
	text := p.f[0].text()
	if f := p.f[0]; len(f) > 0 && f[0] == '[' {
		p.message = p.message[:0]
		for item := range bytes.SplitSeq(f[1:len(f)-1], []byte{','}) {
			n, ok := parseInt(bytes.TrimSpace(item))
			if !ok || n < 0 || n > 255 {
				return NoRecord
			}
			p.message = append(p.message, byte(n))
		}
		text = p.message
	}
	kind := p.access.parse(at, text, emit)
	if kind == Malformed {
		p.bad = brokenAccessLine
	}
	return kind
}
