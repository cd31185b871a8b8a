package api

import (
	"bytes"

	"llmops/probes/load/jsonscan"
)

// usage is the server's count of tokens; -1 where it gave none.
type usage struct{ prompt, completion, reasoning, cached int64 }

func noUsage() usage { return usage{-1, -1, -1, -1} }

// event is what one event of a stream, or one whole document, says.
type event struct {
	chars     int    // characters of output text in it; more than 0 makes a token event
	reasoning int    // of them, those that are reasoning
	whole     int    // characters of the full text, which a terminal event may repeat
	finish    string // why the output ended
	terminal  bool   // the stream is over
	valid     bool   // a document that holds a completion
	choices   bool   // choices are in it, with or without output
	vectors   int    // that a document holds
	usage     usage
	failed    bool // the server reports an error
}

// A decoder reads events. It keeps what must not be allocated for each.
type decoder struct {
	event
	c        jsonscan.Cursor
	document bool   // a whole reply, not an event of a stream
	name     []byte // name of the server-sent event

	// errNull, errObject and errType are the three ways to say "error" at the
	// top of an object; errText is what it said.
	errValue, errObject, errType bool
	errText                      []byte

	modelText []byte // part of the event's data, or cut short
	answer    []byte // text of the answer so far, if it is kept
	keep      int    // limit on answer, in bytes
}

// decode reads one JSON object with the interface's reader. The error is
// jsonscan.ErrIncomplete when data is cut off, and another one of that package
// when it is no JSON object.
func (d *decoder) decode(read func(*decoder), data, name []byte, document bool) error {
	d.event = event{usage: noUsage()}
	d.document, d.name = document, name
	d.errValue, d.errObject, d.errType = false, false, false
	d.errText, d.modelText = d.errText[:0], d.modelText[:0]
	kept := len(d.answer)

	d.c.Reset(data)
	if kind := d.c.Kind(); kind != '{' {
		if kind == 0xff {
			d.c.Skip()
			return d.c.End()
		}
		return jsonscan.ErrSyntax
	}
	read(d)
	if err := d.c.End(); err != nil {
		d.answer = d.answer[:kept]
		return err
	}
	d.failed = d.failed || d.errValue || d.errObject || d.errType ||
		d.finish == "error" || d.finish == "abort"
	return nil
}

// common reads the members that mean the same at the top of every interface,
// and skips all others.
func (d *decoder) common(key []byte) {
	switch string(key) {
	case "error":
		d.errValue = d.errorValue()
	case "object":
		d.errObject = string(d.c.Symbol()) == "error"
	case "type":
		d.errType = string(d.c.Symbol()) == "error"
	case "message", "detail":
		if s, ok := d.c.Text(); ok && !d.errValue {
			d.errText = s.Append(d.errText[:0], maxDetail)
		}
	case "model":
		d.model()
	default:
		d.c.Skip()
	}
}

func (d *decoder) model() {
	if s, ok := d.c.Text(); ok {
		d.modelText = s.Append(d.modelText[:0], maxDetail)
	}
}

// errorValue reads the value of "error"; true unless it is null.
func (d *decoder) errorValue() bool {
	switch d.c.Kind() {
	case 'n':
		d.c.Skip()
		return false
	case '"':
		s, _ := d.c.Text()
		d.errText = s.Append(d.errText[:0], maxDetail)
	case '{':
		for ok := d.c.Object(); ok; {
			var key []byte
			if key, ok = d.c.Key(); !ok {
				break
			}
			if string(key) != "message" {
				d.c.Skip()
			} else if s, ok := d.c.Text(); ok {
				d.errText = s.Append(d.errText[:0], maxDetail)
			}
		}
	default:
		d.c.Skip()
	}
	return true
}

// text reads a value and counts the characters of it, 0 if it is no string.
func (d *decoder) text() int {
	s, _ := d.c.Text()
	return s.Chars()
}

// answerText is text that is also part of the answer a user would see.
// from is the length of the kept answer before the object that holds it: of
// two members of the same name the last one counts.
func (d *decoder) answerText(from int) int {
	s, _ := d.c.Text()
	if d.keep > 0 {
		d.answer = s.Append(d.answer[:from], d.keep)
	}
	return s.Chars()
}

// count reads a number of tokens, -1 if it is none.
func (d *decoder) count() int64 {
	if n, ok := d.c.Int(); ok && n >= 0 {
		return n
	}
	return -1
}

// reason reads a finish reason. The usual ones are not allocated.
func (d *decoder) reason() string {
	raw := d.c.Symbol()
	for _, known := range [...]string{
		"", "stop", "length", "tool_calls", "content_filter", "function_call", "error", "abort",
		"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal",
		"eos_token", "load", "completed", "incomplete", "max_output_tokens", "failed",
	} {
		if string(raw) == known {
			return known
		}
	}
	return string(bytes.ToValidUTF8(raw[:min(len(raw), 40)], nil))
}
