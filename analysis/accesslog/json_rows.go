package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
)

// rows is what the parsers of JSON formats have in common: the wanted fields of
// a row, and the event that is made of them. The methods that read a field note
// it when the field is there and cannot be read; finish tells.
type rows struct {
	reader jsonReader
	shape  *shape
	f      []field // of the row, in the order of the keys
	in     interner
	e      Event
	bad    string // what is wrong with a field of this row
}

func newRows(keys ...string) rows {
	return rows{shape: newShape(keys...), f: make([]field, len(keys))}
}

// read reads the wanted fields of a row.
func (p *rows) read(row []byte) bool { return p.reader.row(row, p.shape, p.f) }

// otherwise is what a row is that is no JSON object.
func (p *rows) otherwise(row []byte) Row {
	if len(bytes.TrimSpace(row)) == 0 {
		return NoRecord
	}
	return Malformed
}

// event gives the event, emptied.
func (p *rows) event() *Event {
	p.e.Reset()
	p.bad = ""
	return &p.e
}

// finish hands the event on if all of its fields could be read.
func (p *rows) finish(emit func(*Event)) Row {
	if p.bad != "" {
		return Malformed
	}
	emit(&p.e)
	return Record
}

// when reads an instant that must be there.
func (p *rows) when(f field) Fixed {
	text, ok := f.plain()
	t, read := parseTime(text)
	if !ok || !read {
		p.bad = "a time is missing or cannot be read"
	}
	return t
}

// end takes the end of the request from a field.
func (p *rows) end(f field) { p.endAt(p.when(f)) }

// endAt takes the end of the request; without one the row is no record.
func (p *rows) endAt(t Fixed) {
	if !t.Known() {
		p.bad = "a time is missing or cannot be read"
		return
	}
	p.e.End = t.Ceil()
}

func (p *rows) status(f field) {
	text, ok := f.plain()
	if !ok || !p.e.setStatus(text) {
		p.bad = "the status is no number from 0 to 999"
	}
}

// amount reads a duration or a price times 10^scale.
func (p *rows) amount(f field, scale int, to *Fixed) {
	text, ok := f.plain()
	v, read := measure(text, scale)
	if !ok || !read {
		p.bad = "an amount is no number"
	}
	*to = v
}

// tokens reads the number of output tokens.
func (p *rows) tokens(f field) {
	text, ok := f.plain()
	n, read := count(text)
	if !ok || !read {
		p.bad = "a count of tokens is no whole number"
	}
	p.e.OutputTokens = n
}

// name is a text that repeats: a model, a user, an error.
func (p *rows) name(f field) string { return p.in.named(f.text()) }

// route takes the path of the request.
func (p *rows) route(f field) { p.e.setRoute(f.text(), &p.in) }

// A nested is the wanted keys of an object inside a row.
type nested struct {
	shape *shape
	f     []field
}

func newNested(keys ...string) nested {
	return nested{shape: newShape(keys...), f: make([]field, len(keys))}
}

// read reads the fields of an object, which was found to be valid; there are none
// if f is no object.
func (n *nested) read(f field) []field {
	clear(n.f)
	if f.object() {
		var r jsonReader
		r.row(f, n.shape, n.f)
	}
	return n.f
}

// Explain says why the row that was read last is malformed.
func (p *rows) Explain(row []byte) (why string, column int) {
	var o map[string]json.RawMessage
	err := json.Unmarshal(row, &o)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return "not JSON: " + syntax.Error(), int(syntax.Offset)
	}
	if err != nil || o == nil {
		return "not a JSON object", 0
	}
	if p.bad == "" {
		return "a field that the format always has is missing", 0
	}
	return p.bad, 0
}

// detectRows makes a Detect that is certain to a degree if all rows are objects of
// which fits says yes, given the fields of the keys.
func detectRows(certainty int, keys []string, fits func(f []field) bool) func(rows [][]byte) int {
	return func(rows [][]byte) int {
		var r jsonReader
		s, f := newShape(keys...), make([]field, len(keys))
		n := share(rows, func(row []byte) bool { return r.row(row, s, f) && fits(f) })
		return certainty * n / 100
	}
}
