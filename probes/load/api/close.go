package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"llmops/probes/load/jsonscan"
	"llmops/probes/request"
)

// Close ends the body. bodyErr is nil or io.EOF for a clean end, and otherwise
// what broke it.
func (r *Recorder) Close(at time.Duration, bodyErr error) {
	if r.over {
		return
	}
	if errors.Is(bodyErr, io.EOF) {
		bodyErr = nil
	}
	switch r.frame {
	case document:
		r.closeDocument(at, bodyErr)
	case lines:
		if r.lines.Close() {
			r.event(at, r.lines.Data, nil, true)
		}
		r.tooLarge(at, r.lines.Err())
	default:
		if r.sse.Close() {
			r.event(at, r.sse.Data, r.sse.Name, true)
		}
		r.tooLarge(at, r.sse.Err())
	}
	if !r.over {
		r.closeStream(at, bodyErr)
	}
}

// closeStream ends a stream whose terminal event is missing.
func (r *Recorder) closeStream(at time.Duration, bodyErr error) {
	switch {
	case r.api.finishEnds && r.finish != "":
		r.end(at)
	case r.events > 0 || r.sse.Cut():
		r.fail(at, request.Truncated, r.cutText(bodyErr))
	case r.frame == events && r.sse.Unknown > 0 && r.sse.Known == 0:
		r.fail(at, request.ParseError, "the body is no event stream"+r.typeText())
	default:
		r.fail(at, request.Empty, "the body holds no event"+r.typeText())
	}
}

// closeDocument ends a reply that is one JSON document.
func (r *Recorder) closeDocument(at time.Duration, bodyErr error) {
	data := bytes.TrimPrefix(bytes.TrimSpace(r.document), []byte("\xef\xbb\xbf"))
	if len(data) == 0 {
		r.fail(at, request.Empty, "the body is empty"+r.typeText())
		return
	}
	d := &r.dec
	err := d.decode(r.api.read, data, nil, true)
	switch {
	case errors.Is(err, jsonscan.ErrIncomplete):
		r.fail(at, request.Truncated, r.cutText(bodyErr))
	case err != nil:
		r.fail(at, request.ParseError, fmt.Sprintf("the body is no JSON object%s: %s", r.typeText(), head(data)))
	case d.failed:
		r.take(d)
		r.fail(at, request.StreamError, r.errorText(data))
	case !d.valid || !r.api.noText && d.chars == 0 && d.finish == "" && d.usage.completion < 0:
		r.fail(at, request.ParseError, "the document is no completion: "+string(head(data)))
	default:
		r.take(d)
		r.untimed, r.vectors = d.chars > 0, d.vectors
		r.end(at)
	}
}

// head is enough of data for a message.
func head(data []byte) []byte { return data[:min(len(data), maxDetail)] }

// errorText is what the server said about its error, else the whole event.
func (r *Recorder) errorText(data []byte) string {
	switch {
	case len(r.dec.errText) > 0:
		return string(r.dec.errText)
	case r.dec.finish == "error" || r.dec.finish == "abort":
		return "finish reason " + r.dec.finish
	}
	return string(head(data))
}

func (r *Recorder) typeText() string {
	if r.contentType == "" {
		return ""
	}
	return " (content type " + r.contentType + ")"
}

func (r *Recorder) cutText(bodyErr error) string {
	text := fmt.Sprintf("the body ended after %d events, %d of them with output, before the stream did", r.events, len(r.chunks))
	if bodyErr != nil {
		text += ": " + bodyErr.Error()
	}
	return text
}
