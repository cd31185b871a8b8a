package accesslog

import "bytes"

func envoyTextFormat() Format {
	return Format{
		Name: "envoy-text",
		Detect: func(rows [][]byte) int {
			return share(rows, func(row []byte) bool {
				var p envoyTextParser
				p.e.Reset()
				return p.read(row) != Malformed
			})
		},
		New: func(Options) Parser { return new(envoyTextParser) },
	}
}

// An envoyTextParser reads the format that Envoy has by default,
//
//	[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"
//	%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION%
//	%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%"
//	"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"
//
// and Istio's, which has %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%
// "%UPSTREAM_TRANSPORT_FAILURE_REASON%" after the flags and more at the end.
type envoyTextParser struct {
	e   Event
	in  interner
	why string // the last row is malformed
}

func (p *envoyTextParser) Parse(row []byte, emit func(*Event)) Row {
	if blankRow(row) {
		return NoRecord
	}
	p.e.Reset()
	kind := p.read(row)
	if kind == Record {
		emit(&p.e)
	}
	return kind
}

func (p *envoyTextParser) read(row []byte) Row {
	c := cursor{row}
	at, ok := c.word()
	if !ok || len(at) < 2 || at[0] != '[' || at[len(at)-1] != ']' {
		return p.malformed("no time within brackets at the beginning")
	}
	start, ok := parseISO(at[1 : len(at)-1])
	if !ok {
		return p.malformed("the time cannot be read")
	}
	request, ok := c.quoted()
	if !ok {
		return p.malformed("no request within quotes behind the time")
	}
	code, ok := c.word()
	if !ok || !p.e.setStatus(code) {
		return p.malformed("no status behind the request")
	}
	flags, ok := c.word()
	if !ok {
		return p.malformed("no response flags behind the status")
	}
	received, ok := c.word()
	var details []byte
	if ok && !digits(received) { // Istio's: this was the details, and
		details = received
		if _, ok = c.word(); ok { // the termination's,
			if _, ok = c.quoted(); ok { // and the transport's
				received, ok = c.word()
			}
		}
	}
	sent, ok2 := c.word()
	duration, ok3 := c.word()
	service, ok4 := c.word()
	if !ok || !ok2 || !ok3 || !ok4 || !amount(received) || !amount(sent) || !amount(duration) {
		return p.malformed("no sizes and duration behind the response flags")
	}
	// Five quoted fields stand behind. Envoy does not escape quotes in them, so
	// there may be more quotes than ten; a row with fewer is cut off.
	if bytes.Count(c.rest, []byte{'"'}) < 10 {
		return p.malformed("cut off before the upstream host")
	}
	if string(request) == "- - -" {
		return NoRecord // a TCP connection
	}
	if p.e.Latency, ok = measure(duration, 0); !ok {
		return p.malformed("the duration cannot be read")
	}
	if p.e.TTFT, ok = measure(service, 0); !ok {
		return p.malformed("the upstream's service time is not a number")
	}
	if p.e.Latency.Known() {
		start = start.Add(p.e.Latency)
	}
	p.e.End = start.Ceil()
	p.e.setRoute(requestTarget(request), &p.in)
	p.e.settleEnvoy(flags)
	p.e.noteEnvoy(flags, details, p.e.TTFT.Known())
	return Record
}

func (p *envoyTextParser) malformed(why string) Row {
	p.why = why
	return Malformed
}

// Explain says why the row that was read last is malformed.
func (p *envoyTextParser) Explain([]byte) (why string, column int) { return p.why, 0 }

// amount tells whether a field is a whole number or not measured.
func amount(field []byte) bool { return digits(field) || unmeasured(field) }
