package api

import (
	"errors"
	"fmt"
	"time"

	"llmops/probes/load/jsonscan"
	"llmops/probes/load/stream"
	"llmops/probes/request"
)

// A Recorder turns the body of one 2xx reply into an Outcome. Reset it for
// each request, feed it the body as it arrives (after content decoding), and
// close it when the body ends:
//
//	r.Reset(a, true, contentType)
//	for !over { n, err := body.Read(p); over = r.Feed(at, p[:n]); … }
//	r.Close(at, err)
//
// How the bytes are cut into pieces changes nothing but the times. The class
// is one of request.OK, StreamError, ParseError, Empty and Truncated; those of
// the connection and of the limits are the caller's, see Fail. A Recorder is
// for one goroutine, and allocates nothing once its buffers have grown, unless
// a request fails. The zero Recorder needs a Reset.
type Recorder struct {
	api         API
	contentType string
	frame       frame
	sse         stream.SSE
	lines       stream.NDJSON
	document    []byte
	dec         decoder

	over   bool
	class  request.Class
	detail string
	done   time.Duration

	events    int
	usage     usage
	finish    string
	model     string // if sawModel; else left from an earlier reply, to spare an allocation
	sawModel  bool
	untimed   bool // a document had text
	vectors   int
	chunks    []request.Chunk
	bare      []time.Duration // events with a choice without output
	sizes     []size
	running   int   // chunks whose tokens are known from running usage
	lastUsage int64 // running usage at the last token event
	coalesced int

	thinking    int // chunks before the first answer
	answered    bool
	firstAnswer time.Duration
}

// size is what helps to tell how many tokens a chunk holds.
type size struct {
	chars  int
	tokens int64 // by running usage; 0 unknown
}

// frame is how the body is cut into events.
type frame uint8

const (
	undecided frame = iota // no byte but blanks came
	events
	lines
	document
)

// KeepText makes the recorder keep up to limit bytes of the answer's text
// (reasoning and tool calls are left out) from the next Reset on; 0 keeps none.
func (r *Recorder) KeepText(limit int) { r.dec.keep = limit }

// Reset begins a new reply of interface a. stream tells whether a stream was
// asked for; contentType is the reply's, and serves messages only: servers are
// often wrong about it.
func (r *Recorder) Reset(a API, stream bool, contentType string) {
	r.api, r.contentType = a, contentType
	r.frame = undecided
	switch {
	case !stream && a.lines || a.noText:
		r.frame = document
	case a.lines:
		r.frame = lines
	}
	r.sse.Reset()
	r.lines.Reset()
	r.document = r.document[:0]
	r.dec.answer = r.dec.answer[:0]
	r.over, r.class, r.detail, r.done = false, request.OK, "", 0
	r.events, r.usage, r.finish, r.sawModel = 0, noUsage(), "", false
	r.chunks, r.sizes, r.bare = r.chunks[:0], r.sizes[:0], r.bare[:0]
	r.vectors = 0
	r.untimed, r.running, r.lastUsage, r.coalesced = false, 0, 0, 0
	r.thinking, r.answered, r.firstAnswer = 0, false, 0
}

// Over tells that the reply has ended: a terminal event or a failure came, or
// Close or Fail was called.
func (r *Recorder) Over() bool { return r.over }

// Started tells that a token event came: which of the caller's limits
// (first token, idle) holds depends on it.
func (r *Recorder) Started() bool { return len(r.chunks) > 0 }

// Events is the number of token events so far.
func (r *Recorder) Events() int { return len(r.chunks) }

// Feed takes the bytes that arrived at a time after the request was sent. It
// is true when the reply has ended, and nothing behind that counts. p is not
// kept.
func (r *Recorder) Feed(at time.Duration, p []byte) bool {
	if r.over {
		return true
	}
	if r.frame == undecided {
		p = r.sniff(p)
	}
	switch r.frame {
	case document:
		if r.document = append(r.document, p...); len(r.document) > stream.MaxEvent {
			r.fail(at, request.ParseError, stream.ErrTooLarge.Error())
		}
	case lines:
		for r.lines.Push(p); !r.over && r.lines.Next(); {
			r.event(at, r.lines.Data, nil, false)
		}
		r.tooLarge(at, r.lines.Err())
	default:
		for r.sse.Push(p); !r.over && r.sse.Next(); {
			r.event(at, r.sse.Data, r.sse.Name, false)
		}
		r.tooLarge(at, r.sse.Err())
	}
	return r.over
}

// sniff decides by the first byte that is no blank and not part of a byte
// order mark: no event stream begins with a brace. It returns the bytes that
// belong to the body so decided.
func (r *Recorder) sniff(p []byte) []byte {
	for i, ch := range p {
		switch ch {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf:
			continue
		case '{':
			r.frame = document
			return p[i:]
		}
		r.frame = events
		break
	}
	return p
}

func (r *Recorder) tooLarge(at time.Duration, err error) {
	if err != nil && !r.over {
		r.fail(at, request.ParseError, err.Error())
	}
}

// Fail ends the reply with a class of the caller's, such as a limit that
// passed. It does nothing when the reply is over.
func (r *Recorder) Fail(at time.Duration, class request.Class, detail string) {
	if !r.over {
		r.fail(at, class, detail)
	}
}

func (r *Recorder) fail(at time.Duration, class request.Class, detail string) {
	r.end(at)
	r.class, r.detail = class, Sanitize([]byte(detail))
}

func (r *Recorder) end(at time.Duration) { r.over, r.done = true, at }

// event takes one event. cut: it was left without its end when the body ended.
func (r *Recorder) event(at time.Duration, data, name []byte, cut bool) {
	r.events++
	d := &r.dec
	failed := string(name) == "error"
	if !failed && r.frame != lines {
		done, part := isDone(data)
		if done {
			r.finishStream(at)
		}
		if done || part && cut {
			return
		}
	}
	err := d.decode(r.api.read, data, name, r.frame == document)
	switch {
	case failed && err != nil:
		r.fail(at, request.StreamError, "error event: "+string(head(data)))
	case errors.Is(err, jsonscan.ErrIncomplete) && cut:
		// The body was cut inside this event: Close says so.
	case err != nil:
		r.fail(at, request.ParseError, fmt.Sprintf("event %d is no JSON object: %s", r.events, head(data)))
	case failed || d.failed:
		r.take(d)
		r.fail(at, request.StreamError, r.errorText(data))
	default:
		r.take(d)
		if d.chars == 0 && d.terminal && len(r.chunks) == 0 {
			d.chars = d.whole // the text came with the end only
		}
		switch {
		case d.chars > 0:
			r.token(at, d)
		case d.choices:
			r.bare = append(r.bare, at)
		}
		if d.terminal {
			r.finishStream(at)
		}
	}
}

// isDone tells whether data is [DONE], or a beginning of it.
func isDone(data []byte) (done, part bool) {
	const mark = "[DONE]"
	for len(data) > 0 && (data[len(data)-1] == ' ' || data[len(data)-1] == '\r') {
		data = data[:len(data)-1]
	}
	return string(data) == mark, len(data) < len(mark) && string(data) == mark[:len(data)]
}

// take keeps what an event says beside its text.
func (r *Recorder) take(d *decoder) {
	r.usage = r.usage.update(d.usage)
	if d.finish != "" {
		r.finish = d.finish
	}
	if len(d.modelText) > 0 {
		if r.sawModel = true; string(d.modelText) != r.model {
			r.model = string(d.modelText)
		}
	}
}

func (r *Recorder) token(at time.Duration, d *decoder) {
	s := size{chars: d.chars}
	if n := d.usage.completion; n > r.lastUsage {
		s.tokens = n - r.lastUsage
		r.lastUsage = n
		r.running++
	}
	// What came in one read has one stamp. TLS hands a read on in pieces, so the
	// calls of Feed do not tell.
	joined := len(r.chunks) > 0 && r.chunks[len(r.chunks)-1].At == at
	if joined {
		r.coalesced++
	}
	if !r.answered {
		if d.chars > d.reasoning {
			r.answered, r.firstAnswer = true, at
		} else {
			r.thinking++
		}
	}
	r.chunks = append(r.chunks, request.Chunk{At: at, Tokens: 1, Joined: joined})
	r.sizes = append(r.sizes, s)
}

// finishStream ends the reply at its terminal event.
func (r *Recorder) finishStream(at time.Duration) {
	switch {
	case len(r.chunks) > 0, r.usage.completion == 0, r.finish != "" && !r.api.finishRepeats:
		r.end(at)
	default:
		r.fail(at, request.Empty, "the stream ended without any output, finish reason or count of 0 tokens")
	}
}
