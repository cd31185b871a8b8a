package sim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"llmops/probes/sim/model"
)

// encoder builds the bytes of one reply. What stays the same in all chunks of
// a stream is built once; a chunk is then a few appends.
type encoder struct {
	*call
	server *Server
	id     string
	number uint64
	cached int
	tokens int

	head    []byte // up to the value of "choices"
	buf     []byte
	sawRole bool
}

func (s *Server) newEncoder(c *call, number model.ID) *encoder {
	e := &encoder{call: c, server: s, number: uint64(number)}
	object := "chat.completion.chunk"
	prefix := "chatcmpl-"
	if c.api == text {
		object, prefix = "text_completion", "cmpl-"
	}
	e.id = prefix + strconv.FormatUint(e.number, 10)
	e.head = append(e.head, `data: {"id":"`...)
	e.head = append(e.head, e.id...)
	e.head = append(e.head, `","object":"`...)
	e.head = append(e.head, object...)
	e.head = append(e.head, `","created":`...)
	e.head = strconv.AppendInt(e.head, s.wall.Unix()+int64(s.now()/time.Second), 10)
	e.head = append(e.head, `,"model":`...)
	e.head = append(e.head, quote(s.cfg.Model)...)
	e.head = append(e.head, `,"choices":`...)
	return e
}

// token appends the chunk of one token, after the role when it is the first.
func (e *encoder) token(ev model.Event) {
	if e.api == chat && !e.sawRole {
		e.sawRole = true
		e.buf = append(e.buf, e.head...)
		e.buf = append(e.buf, `[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`...)
		e.usage(e.continuousUsage)
		e.buf = append(e.buf, "}\n\n"...)
	}
	e.tokens++
	e.buf = append(e.buf, e.head...)
	if e.api == chat {
		e.buf = append(e.buf, `[{"index":0,"delta":{"content":"`...)
		e.buf = appendWord(e.buf, e.number, ev.Index)
		e.buf = append(e.buf, `"},"logprobs":null,"finish_reason":`...)
	} else {
		e.buf = append(e.buf, `[{"index":0,"text":"`...)
		e.buf = appendWord(e.buf, e.number, ev.Index)
		e.buf = append(e.buf, `","logprobs":null,"finish_reason":`...)
	}
	if ev.Reason == model.None {
		e.buf = append(e.buf, "null}]"...)
	} else {
		e.buf = append(e.buf, '"')
		e.buf = append(e.buf, ev.Reason.String()...)
		e.buf = append(e.buf, `"}]`...)
	}
	e.usage(e.continuousUsage)
	e.stamp(ev.At)
	e.buf = append(e.buf, "}\n\n"...)
}

// end appends what follows the last token.
func (e *encoder) end() {
	if e.includeUsage {
		e.buf = append(e.buf, e.head...)
		e.buf = append(e.buf, "[]"...)
		e.usage(true)
		e.buf = append(e.buf, "}\n\n"...)
	}
	e.done()
}

// fail appends an error object and the end of the stream.
func (e *encoder) fail(status int, message string) {
	e.buf = append(e.buf, "data: "...)
	e.buf = append(e.buf, errorBody(status, message, "")...)
	e.buf = append(e.buf, "\n\n"...)
	e.done()
}

func (e *encoder) done() { e.buf = append(e.buf, "data: [DONE]\n\n"...) }

func (e *encoder) usage(want bool) {
	if !want {
		return
	}
	e.buf = append(e.buf, `,"usage":{"prompt_tokens":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.PromptTokens), 10)
	e.buf = append(e.buf, `,"total_tokens":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.PromptTokens+e.tokens), 10)
	e.buf = append(e.buf, `,"completion_tokens":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.tokens), 10)
	e.buf = append(e.buf, `,"prompt_tokens_details":{"cached_tokens":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.cached), 10)
	e.buf = append(e.buf, "}}"...)
}

// stamp says when a chunk was due and that it is on its way now.
func (e *encoder) stamp(due time.Duration) {
	if !e.server.cfg.Stamp {
		return
	}
	e.buf = append(e.buf, `,"llmops":{"due_ns":`...)
	e.buf = strconv.AppendInt(e.buf, e.server.unix(due), 10)
	e.buf = append(e.buf, `,"sent_ns":`...)
	e.buf = strconv.AppendInt(e.buf, e.server.unix(e.server.now()), 10)
	e.buf = append(e.buf, '}')
}

// whole is the reply to a request without stream, which ends with the token last.
func (e *encoder) whole(last model.Event) []byte {
	e.tokens = last.Index + 1
	e.wholeUntil(last.At, e.tokens)
	e.buf = append(e.buf, '"')
	if e.api == chat {
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, `,"logprobs":null,"finish_reason":"`+last.Reason.String()+`"}]`...)
	e.usage(true)
	e.stamp(last.At)
	return append(e.buf, '}')
}

// wholeUntil is the beginning of that reply, due at a time: up to the text of
// so many tokens, which is where a truncated one ends.
func (e *encoder) wholeUntil(at time.Duration, tokens int) []byte {
	object := "chat.completion"
	if e.api == text {
		object = "text_completion"
	}
	e.buf = append(e.buf, `{"id":"`+e.id+`","object":"`+object+`","created":`...)
	e.buf = strconv.AppendInt(e.buf, e.server.wall.Unix()+int64(at/time.Second), 10)
	e.buf = append(e.buf, `,"model":`...)
	e.buf = append(e.buf, quote(e.server.cfg.Model)...)
	if e.api == chat {
		e.buf = append(e.buf, `,"choices":[{"index":0,"message":{"role":"assistant","content":"`...)
	} else {
		e.buf = append(e.buf, `,"choices":[{"index":0,"text":"`...)
	}
	for i := range tokens {
		e.buf = appendWord(e.buf, e.number, i)
	}
	return e.buf
}

// words are the vocabulary. None needs escaping in JSON.
var words = [...]string{
	"time", "queue", "token", "block", "cache", "batch", "model", "layer", "head", "graph", "shard", "route", "probe",
	"trace", "gauge", "limit", "burst", "drain", "stage", "merge", "split", "scale", "cost", "rate", "load", "wait",
	"send", "read", "write", "start", "stop", "end",
}

// appendWord appends token i of reply number n, a function of both, with the
// space before it.
func appendWord(dst []byte, n uint64, i int) []byte {
	h := (n*0x9e3779b97f4a7c15 + uint64(i)) * 0xd1b54a32d192ed03
	if i > 0 {
		dst = append(dst, ' ')
	}
	return append(dst, words[h>>59]...)
}

// errorBody is an error as JSON, in the shape that vLLM gives it.
func errorBody(status int, message, param string) []byte {
	b := []byte(`{"error":{"message":` + quote(message) + `,"type":"` + errorType(status) + `","param":`)
	if param == "" {
		b = append(b, "null"...)
	} else {
		b = append(b, quote(param)...)
	}
	b = append(b, `,"code":`...)
	b = strconv.AppendInt(b, int64(status), 10)
	return append(b, "}}"...)
}

// errorType is the type that goes with a status, by the names that OpenAI's
// clients and vLLM use.
func errorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "AuthenticationError"
	case http.StatusForbidden:
		return "PermissionDeniedError"
	case http.StatusNotFound:
		return "NotFoundError"
	case http.StatusConflict:
		return "ConflictError"
	case http.StatusUnprocessableEntity:
		return "UnprocessableEntityError"
	case http.StatusTooManyRequests:
		return "RateLimitError"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailableError"
	}
	if status < 500 {
		return "BadRequestError"
	}
	return "InternalServerError"
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // cannot be: every string has a JSON form
		return `""`
	}
	return string(b)
}
