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
	reader    jsonReader
	templates templates
	found     []byte // the row that ahead found, whose fields are set
	shape     *shape
	f         []field // of the row, in the order of the keys
	in        interner
	names     interner // of JSON strings
	routed    routed
	clock     clock
	e         Event
	bad       string // what is wrong with a field of this row
}

func newRows(keys ...string) rows {
	return rows{templates: newTemplates(), shape: newShape(keys...), f: make([]field, len(keys))}
}

// read reads the wanted fields of a row.
func (p *rows) read(row []byte) bool {
	found := p.found
	p.found = nil
	if len(found) > 0 && len(row) == len(found) && &row[0] == &found[0] {
		return true
	}
	if n := p.templates.fit(row, &p.reader, p.f); n > 0 && n == len(row) {
		return true
	}
	p.templates.shown = nil
	if !p.reader.row(row, p.shape, p.f) {
		return false
	}
	p.templates.learn(row, p.shape)
	return true
}

// ahead finds the end of the row that b begins with, its line end included, and
// spares both the search for it and read to look at the row again; 0: the row is
// none that it knows, look for its end.
func (p *rows) ahead(b []byte) int {
	p.found = nil
	n := p.templates.fit(b, &p.reader, p.f)
	if n == 0 {
		return 0
	}
	p.found = b[:n]
	if n < len(b) && b[n] == '\r' {
		n++
	}
	if n < len(b) && b[n] == '\n' {
		return n + 1
	}
	return 0
}

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
	text, ok := f.raw()
	t, read := p.clock.parse(text)
	if f.escaped(read) {
		text, ok = f.plain()
		t, read = p.clock.parse(text)
	}
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
	if len(f) == 3 && f[0] != '"' && p.e.setStatus(f) {
		return
	}
	text, ok := f.raw()
	read := p.e.setStatus(text)
	if f.escaped(read) {
		text, ok = f.plain()
		read = p.e.setStatus(text)
	}
	if !ok || !read {
		p.bad = "the status is no number from 0 to 999"
	}
}

// amount reads a duration or a price times 10^scale.
func (p *rows) amount(f field, scale int, to *Fixed) {
	if w, ok := eightBytes(f); ok { // the usual
		if v, ok := parseEight(w, len(f), scale); ok {
			*to = v
			return
		}
	}
	text, ok := f.raw()
	v, read := measure(text, scale)
	if f.escaped(read) {
		text, ok = f.plain()
		v, read = measure(text, scale)
	}
	if !ok || !read {
		p.bad = "an amount is no number"
	}
	*to = v
}

// tokens reads the number of output tokens.
func (p *rows) tokens(f field) {
	if w, ok := eightBytes(f); ok && areFigures(w) { // the usual
		p.e.OutputTokens = int64(eightFigures(w))
		return
	}
	text, ok := f.raw()
	n, read := count(text)
	if f.escaped(read) {
		text, ok = f.plain()
		n, read = count(text)
	}
	if !ok || !read {
		p.bad = "a count of tokens is no whole number"
	}
	p.e.OutputTokens = n
}

// name is a text that repeats: a model, a user, an error.
func (p *rows) name(f field) string {
	text, _ := f.raw()
	if unmeasured(text) {
		return ""
	}
	if f[0] != '"' {
		return p.in.text(text)
	}
	if name := p.names.quoted(text); name != "-" {
		return name
	}
	return ""
}

// route takes the path of the request.
func (p *rows) route(f field) {
	p.routed.set(&p.e, f, &p.in, func(text []byte) []byte { return field(text).text() })
}

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
