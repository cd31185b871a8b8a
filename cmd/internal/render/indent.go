package render

import "io"

// An indenter writes compact JSON as json.Indent with two blanks would, piece by
// piece: a long document is not in memory a second time. What it is given must be
// valid JSON without blanks between values.
type indenter struct {
	w       io.ByteWriter
	depth   int
	opened  bool // the last byte opened an object or array, which may be empty
	text    bool // within a string
	escaped bool // behind a backslash
}

// Write indents p. Errors are for w to keep.
func (t *indenter) Write(p []byte) (int, error) {
	for _, c := range p {
		if t.text {
			t.put(c)
			switch {
			case t.escaped:
				t.escaped = false
			case c == '\\':
				t.escaped = true
			case c == '"':
				t.text = false
			}
			continue
		}
		closes := c == '}' || c == ']'
		if t.opened && !closes {
			t.depth++
			t.line()
		}
		if closes && !t.opened {
			t.depth--
			t.line()
		}
		t.opened = c == '{' || c == '['
		t.put(c)
		switch c {
		case '"':
			t.text = true
		case ',':
			t.line()
		case ':':
			t.put(' ')
		}
	}
	return len(p), nil
}

func (t *indenter) line() {
	t.put('\n')
	for range 2 * t.depth {
		t.put(' ')
	}
}

func (t *indenter) put(c byte) { _ = t.w.WriteByte(c) } // the writer keeps its first error
