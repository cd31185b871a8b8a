package api

import (
	"bytes"
)

// responses is OpenAI's Responses interface.
func responses() API {
	return API{
		Name: "responses", version: "/v1", stream: "/responses", whole: "/responses", models: "/models",
		finishRepeats: true, body: responsesBody, read: readResponses,
	}
}

func responsesBody(dst []byte, p Prompt, o Options) []byte {
	b := builder{dst: dst, extra: o.Extra}
	b.str("model", o.Model)
	if p.Messages == nil {
		b.str("input", p.Text)
	} else {
		b.messages("input", p, "")
	}
	b.limit("max_output_tokens", p.MaxTokens)
	b.flag("stream", o.Stream)
	return b.close()
}

func readResponses(d *decoder) {
	from := len(d.answer)
	var delta, inner response
	kind := responseKind(d.name)
	whole := newResponse()
	for ok := d.c.Object(); ok; {
		var key []byte
		if key, ok = d.c.Key(); !ok {
			break
		}
		switch string(key) {
		case "type":
			kind = responseKind(d.c.Symbol())
		case "delta":
			delta.chars = d.answerText(from)
		case "response":
			inner = d.response(from)
		case "error":
			d.errValue = d.errorValue()
		case "message":
			d.common(key)
		case "model", "object":
			d.common(key)
		default:
			d.responseMember(&whole, key, from)
		}
	}
	d.errType = kind.err
	if d.document {
		whole.failed = whole.failed || d.errValue
		d.take(whole, whole.status == "completed" || whole.status == "incomplete")
		d.chars, d.reasoning, d.valid = whole.chars, whole.reasoning, whole.output
		return
	}
	if inner.present {
		d.take(inner, kind.terminal)
		d.whole = inner.chars
	}
	d.failed = d.failed || kind.failed
	d.terminal = kind.terminal
	if kind.delta {
		d.chars = delta.chars
		if kind.reasoning {
			d.reasoning = delta.chars
		}
	}
	// The terminal event repeats what came before it.
	if !kind.answer && !(kind.terminal && inner.present && from == 0) {
		d.answer = d.answer[:from]
	}
}

// kindOf is what the name of an event says.
type kindOf struct{ delta, reasoning, answer, terminal, failed, err bool }

func responseKind(name []byte) (k kindOf) {
	switch string(name) {
	case "response.completed", "response.incomplete":
		k.terminal = true
	case "response.failed":
		k.failed = true
	case "error":
		k.err = true
	case "response.output_text.delta":
		k.delta, k.answer = true, true
	default:
		// Sound comes in deltas too, and is no text.
		k.delta = bytes.HasSuffix(name, []byte(".delta")) && !bytes.HasSuffix(name, []byte("audio.delta"))
		k.reasoning = bytes.Contains(name, []byte(".reasoning"))
	}
	return k
}

// response is the object that documents are and that some events carry.
type response struct {
	present, failed, output bool
	chars, reasoning        int
	status, reason          string
	usage                   usage
}

func newResponse() response { return response{usage: noUsage()} }

func (d *decoder) response(from int) response {
	r := newResponse()
	if !d.c.Object() {
		return r
	}
	r.present = true
	for {
		key, ok := d.c.Key()
		if !ok {
			return r
		}
		if string(key) == "error" {
			r.failed = d.errorValue()
		} else {
			d.responseMember(&r, key, from)
		}
	}
}

func (d *decoder) responseMember(r *response, key []byte, from int) {
	switch string(key) {
	case "status":
		r.status = d.reason()
	case "incomplete_details":
		r.reason = ""
		if d.c.Object() {
			for {
				key, ok := d.c.Key()
				if !ok {
					break
				}
				if string(key) == "reason" {
					r.reason = d.reason()
				} else {
					d.c.Skip()
				}
			}
		}
	case "usage":
		r.usage = d.usageValue()
	case "model":
		d.model()
	case "output":
		d.answer = d.answer[:from]
		r.chars, r.reasoning, r.output = 0, 0, d.c.Kind() == '['
		for more := d.c.Array() && d.c.Elem(); more; more = d.c.Elem() {
			d.outputItem(r)
		}
	default:
		d.c.Skip()
	}
}

// outputItem reads a message, a call or the reasoning of a whole response.
func (d *decoder) outputItem(r *response) {
	var content, summary, own int
	reasoning, from := false, len(d.answer)
	if !d.c.Object() {
		return
	}
	for {
		key, ok := d.c.Key()
		if !ok {
			break
		}
		switch string(key) {
		case "type":
			reasoning = string(d.c.Symbol()) == "reasoning"
		case "content":
			content = d.content(len(d.answer))
		case "summary":
			summary = d.thinking()
		case "arguments", "input":
			own = d.text()
		default:
			d.c.Skip()
		}
	}
	r.chars += content + summary + own
	if reasoning {
		d.answer = d.answer[:from]
		r.reasoning += content + summary
	}
}

// take puts what a response says into the event.
func (d *decoder) take(r response, over bool) {
	d.usage = r.usage
	d.failed = r.failed || r.status == "failed" || r.status == "cancelled"
	if over {
		d.finish = r.reason
		if r.reason == "" {
			d.finish = r.status
		}
	}
}
