// Package jsonscan walks over one JSON value in a single pass, without
// reflection and without allocation, and validates all of it on the way, also
// what the caller skips. It accepts what encoding/json accepts (with a lower
// limit on nesting) and, unlike it, tells a value that is wrong from one that
// was cut off. It must not know what the values mean.
package jsonscan

import "errors"

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 1000

var (
	// ErrSyntax: the bytes can not be the beginning of a JSON value.
	ErrSyntax = errors.New("invalid JSON")
	// ErrIncomplete: the bytes end inside a value that is right so far.
	ErrIncomplete = errors.New("unexpected end of JSON")
	// ErrDepth: objects and arrays nest deeper than MaxDepth.
	ErrDepth = errors.New("JSON nested too deep")
)

// A Cursor reads one value from a byte slice. The readers (Object, Array,
// Text, Int, Bool, Skip) each consume exactly one value of whatever type.
// Errors stick: after the first one every reader returns its zero value, so
// that callers check once, with End. The zero Cursor is at the end of input.
type Cursor struct {
	b     []byte
	i     int
	depth int
	first bool // no member or element of the innermost open value was read yet
	err   error
	key   [64]byte
}

// Reset puts the cursor at the start of b, which it reads but never changes.
func (c *Cursor) Reset(b []byte) {
	c.b, c.i, c.depth, c.first, c.err = b, 0, 0, false, nil
}

// End reports the first error, or ErrSyntax when anything but blanks follows
// the value that was read.
func (c *Cursor) End() error {
	c.blanks()
	if c.err == nil && c.i < len(c.b) {
		c.fail(ErrSyntax)
	}
	return c.err
}

// Kind is the first byte of the next value: { [ " t f n, or 0 (the digit) for
// a number. It is 0xff where no value can start; the next reader reports why.
func (c *Cursor) Kind() byte {
	c.blanks()
	if c.i >= len(c.b) {
		return 0xff
	}
	switch k := c.b[c.i]; k {
	case '{', '[', '"', 't', 'f', 'n':
		return k
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	}
	return 0xff
}

// Object enters the next value if it is an object; call Key until it returns
// false. Any other value is skipped.
func (c *Cursor) Object() bool { return c.open('{') }

// Array enters the next value if it is an array; call Elem until it returns
// false. Any other value is skipped.
func (c *Cursor) Array() bool { return c.open('[') }

func (c *Cursor) open(bracket byte) bool {
	c.blanks()
	if c.i >= len(c.b) || c.b[c.i] != bracket {
		c.Skip()
		return false
	}
	if c.depth++; c.depth > MaxDepth {
		c.fail(ErrDepth)
		return false
	}
	c.i++
	c.first = true
	return true
}

// Key moves to the next member of the object entered last and returns its
// name, escapes resolved, valid until the next call of any method. The member's
// value must be read next. Names longer than 60 bytes that hold escapes come
// cut off: no caller looks for such a name.
func (c *Cursor) Key() ([]byte, bool) {
	if !c.more('}') {
		return nil, false
	}
	if c.i >= len(c.b) || c.b[c.i] != '"' {
		c.unexpected()
		return nil, false
	}
	raw, escaped := c.str()
	if escaped {
		raw = c.unescapeShort(raw)
	}
	c.blanks()
	if c.i >= len(c.b) || c.b[c.i] != ':' {
		c.unexpected()
		return nil, false
	}
	c.i++
	return raw, c.err == nil
}

// Elem moves to the next element of the array entered last, which must be
// read next.
func (c *Cursor) Elem() bool { return c.more(']') }

// more steps over the comma before the next member, or over the bracket that
// closes the innermost value.
func (c *Cursor) more(bracket byte) bool {
	c.blanks()
	if c.i >= len(c.b) {
		c.unexpected()
		return false
	}
	first := c.first
	c.first = false
	switch {
	case c.b[c.i] == bracket:
		c.i++
		c.depth--
		return false
	case first:
		return true
	case c.b[c.i] != ',':
		c.unexpected()
		return false
	}
	c.i++
	c.blanks()
	// A closing bracket after a comma is left for the reader of the value to
	// refuse: no value starts with it.
	return c.err == nil
}

// Skip validates the next value and forgets it.
func (c *Cursor) Skip() {
	switch c.Kind() {
	case '{':
		for ok := c.Object(); ok; {
			if _, ok = c.Key(); ok {
				c.Skip()
			}
		}
	case '[':
		for ok := c.Array(); ok; {
			if ok = c.Elem(); ok {
				c.Skip()
			}
		}
	case '"':
		c.str()
	case '0':
		c.number()
	case 't':
		c.literal("true")
	case 'f':
		c.literal("false")
	case 'n':
		c.literal("null")
	default:
		c.unexpected()
	}
}

// Bool reads true or false; ok is false for a value of another type.
func (c *Cursor) Bool() (v, ok bool) {
	kind := c.Kind()
	c.Skip()
	return kind == 't' && c.err == nil, (kind == 't' || kind == 'f') && c.err == nil
}

// Raw reads the next value and returns its bytes as they stand.
func (c *Cursor) Raw() []byte {
	c.blanks()
	from := c.i
	c.Skip()
	if c.err != nil {
		return nil
	}
	return c.b[from:c.i]
}

func (c *Cursor) literal(word string) {
	for j := range len(word) {
		if c.i >= len(c.b) || c.b[c.i] != word[j] {
			c.unexpected()
			return
		}
		c.i++
	}
}

func (c *Cursor) blanks() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\t', '\r', '\n':
			c.i++
		default:
			return
		}
	}
}

// unexpected fails at the current byte, or at the end of the input.
func (c *Cursor) unexpected() {
	if c.i >= len(c.b) {
		c.fail(ErrIncomplete)
	} else {
		c.fail(ErrSyntax)
	}
}

// fail keeps the first error and empties the input, which ends every loop.
func (c *Cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.b, c.i = nil, 0
}
