package accesslog

import "bytes"

// uvicornFormat knows the access log of uvicorn (vLLM, SGLang and most servers in
// Python) as it stands on a terminal. It has no time, so it cannot be read.
func uvicornFormat() Format {
	return Format{
		Name: "uvicorn",
		Detect: func(rows [][]byte) int {
			return min(60, share(rows, func(row []byte) bool {
				var a accessLine
				return a.read(row) == Record
			}))
		},
		Refuse: "an access log of uvicorn without times; read it as the container's runtime keeps it (CRI or Docker's JSON), where each line has one",
	}
}

// brokenAccessLine says why a message is malformed.
const brokenAccessLine = "an access line that is cut off"

// An accessLine reads messages of uvicorn's access log:
//
//	(APIServer pid=1) INFO:     10.1.2.3:30001 - "POST /v1/completions HTTP/1.1" 200 OK
//
// The fields are valid until the next message.
type accessLine struct {
	target, status []byte
	plain          []byte // the message without colours
}

// read tells whether a message is of the access log (Record), another one of the
// server (NoRecord), or an access line that breaks off (Malformed).
func (a *accessLine) read(message []byte) Row {
	if bytes.IndexByte(message, '\x1b') >= 0 {
		a.plain = appendPlain(a.plain[:0], message)
		message = a.plain
	}
	// The dash before the request line, between a client and a quote, is what
	// other messages do not have.
	dash := bytes.Index(message, []byte(` - "`))
	if dash < 0 {
		if client, ok := afterLevel(message); ok && brokenClient(client) {
			return Malformed
		}
		return NoRecord
	}
	if client, ok := afterLevel(message[:dash]); !ok || !isClient(client) {
		return NoRecord
	}
	c := cursor{message[dash+len(" - "):]}
	request, ok := c.quoted()
	if bytes.HasPrefix(request, []byte("WebSocket ")) {
		return NoRecord
	}
	if !ok {
		return Malformed
	}
	status, ok := c.word()
	if a.target = requestTarget(request); !ok || a.target == nil || len(status) != 3 || !digits(status) {
		return Malformed
	}
	a.status = status
	return Record
}

// afterLevel gives what follows the level INFO, before which may stand the process
// in parentheses or the time in brackets.
func afterLevel(message []byte) (rest []byte, ok bool) {
	if len(message) > 0 && (message[0] == '(' || message[0] == '[') {
		i := bytes.IndexAny(message, ")]")
		if i < 0 {
			return nil, false
		}
		message = bytes.TrimLeft(message[i+1:], " ")
	}
	rest, ok = bytes.CutPrefix(message, []byte("INFO:"))
	return bytes.TrimLeft(rest, " "), ok
}

// isClient tells whether text is "host:port", or empty as for a Unix socket.
func isClient(text []byte) bool {
	return len(text) == 0 || bytes.IndexByte(text, ':') >= 0 && bytes.IndexByte(text, ' ') < 0
}

// brokenClient tells whether a message ends within the client's address or right
// behind it.
func brokenClient(text []byte) bool {
	text = bytes.TrimSuffix(bytes.TrimRight(text, " "), []byte(" -"))
	digit := false
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digit = true
		case c != '.' && c != ':':
			return false
		}
	}
	return digit
}

// appendPlain appends text without its terminal sequences (ESC [ … letter).
func appendPlain(to, text []byte) []byte {
	for {
		i := bytes.IndexByte(text, '\x1b')
		if i < 0 {
			return append(to, text...)
		}
		to = append(to, text[:i]...)
		text = text[i+1:]
		if len(text) == 0 || text[0] != '[' {
			continue
		}
		n := 1
		for n < len(text) && (text[n] < '@' || text[n] > '~') {
			n++
		}
		text = text[min(n+1, len(text)):]
	}
}
