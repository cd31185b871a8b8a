package accesslog

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

// Most rows of a log are the row before with a few other values in it. A template
// is a row with holes where values differed: a row that has the same text between
// the holes, and a valid value in each, is valid, and its fields are where the
// template has them. Any other row is read strictly, and the template learns from
// it. So templates save time and decide nothing.
//
// Each parser has its own.
type templates struct {
	list  []*template // the one that fitted last is first
	holes []extent    // where those of the row are, by part
	shown *template   // whose values outside of holes are set; nil: none's
	quick bool        // the processor has what fitParts needs
	hits  int
	spent int // rows that were learned from: few, where rows do not fit
}

// An extent is a piece of a row.
type extent struct{ from, to int32 }

const (
	templatesMost = 4
	templateRow   = 16 << 10 // the longest row that becomes a template
	firstCredit   = 64       // rows to learn from before any has fitted
	hitsPerCredit = 32
)

type template struct {
	row    []byte   // that it was made of, with room behind it
	values []member // its members
	parts  []part
	same   []wanted // values in the texts of parts
	wanted []wanted // values in holes
}

// room is how far behind the end of a text fitParts may read.
const room = 32

// A member is a value in a row.
type member struct {
	from, to int
	slot     int8
	hole     hole
}

type hole uint8

const (
	noHole hole = iota // the same in each row
	stringHole
	numberHole
	anyHole
)

// A part is a text and the hole behind it; the quotes around a string are text.
type part struct {
	text []byte
	hole hole // noHole: the row ends
	// varies: not all values in the hole were of one size. The next value's end is
	// foreseen as long as they were, so that a processor need not wait for it.
	varies bool //nolint:unused // fitParts of amd64 does
	size   int  // of what was in the hole last
}

// A wanted value is in the hole of a part, or always the same.
type wanted struct {
	slot  int8
	part  int
	quote int   // 1: there is one around the hole, which is of the value
	text  field // if it is always the same: the value
}

func newTemplates() templates { return templates{quick: fitsQuickly()} }

// fit finds a row at the beginning of b, which may hold more rows, and sets its
// wanted fields, in the same out each time; shown tells what else is in it. It gives the length of the row; 0 if none fits.
func (t *templates) fit(b []byte, r *jsonReader, out []field) int {
	if len(b) > math.MaxInt32 {
		return 0
	}
	for i, x := range t.list {
		n := t.try(x, b, r)
		if n == 0 || n < len(b) && b[n] != '\n' && b[n] != '\r' {
			continue
		}
		if i > 0 {
			copy(t.list[1:], t.list[:i])
			t.list[0] = x
		}
		t.hits++
		if t.shown != x {
			t.shown = x
			clear(out)
			for _, w := range x.same {
				out[w.slot] = w.text
			}
		}
		for i := range x.wanted {
			w := &x.wanted[i]
			hole := &t.holes[w.part]
			out[w.slot] = b[int(hole.from)-w.quote : int(hole.to)+w.quote]
		}
		return n
	}
	return 0
}

// try finds where the holes of a row of the template are, and where it ends; 0: it
// is no row of it.
func (t *templates) try(x *template, b []byte, r *jsonReader) int {
	i := 0
	for k := 0; k < len(x.parts); k++ {
		if t.quick {
			if k, i = fitParts(b, x.parts, t.holes, k, i); k == len(x.parts) {
				return i
			}
		}
		p := &x.parts[k]
		if len(b)-i < len(p.text) || string(b[i:i+len(p.text)]) != string(p.text) {
			return 0
		}
		i += len(p.text)
		from := i
		switch p.hole {
		case stringHole:
			i = p.stringEnd(b, i)
		case numberHole:
			i = numberEnd(b, i)
		case anyHole:
			i = skipValue(b, i, 1, &r.stack)
			if i >= 0 && bytes.IndexByte(b[from:i], '\n') >= 0 { // that may be the end of the row
				return 0
			}
		}
		if i < 0 {
			return 0
		}
		t.holes[k] = extent{int32(from), int32(i)}
	}
	return i
}

// stringEnd finds the quote that ends the string whose content begins at i. The
// lengths of a member's strings are often the same.
func (p *part) stringEnd(b []byte, i int) int {
	if end := i + p.size; end < len(b) && b[end] == '"' && isUnescaped(b[i:end]) {
		return end
	}
	end := skipString(b, i) - 1
	if end < 0 {
		return -1
	}
	p.size = end - i
	return end
}

// isUnescaped tells whether b has no quote, backslash or control character.
func isUnescaped(b []byte) bool {
	var hits uint64
	if n := len(b); n >= 8 {
		for i := 0; i+8 < n; i += 8 {
			hits |= special(binary.LittleEndian.Uint64(b[i:]))
		}
		return (hits|special(binary.LittleEndian.Uint64(b[n-8:])))&highBits == 0
	}
	for _, c := range b {
		if c == '"' || c == '\\' || c < ' ' {
			return false
		}
	}
	return true
}

// special has the high bit of a byte set if w has a quote, a backslash or a
// control character in it, though not of each one behind the first (see
// skipString).
func special(w uint64) uint64 {
	quote, slash := w^'"'*lowBits, w^'\\'*lowBits
	return (quote-lowBits)&^quote | (slash-lowBits)&^slash | (w-' '*lowBits)&^w
}

// numberEnd is skipNumber for the usual: less than eight digits, and maybe as many
// decimals.
func numberEnd(b []byte, i int) int {
	if i+17 > len(b) {
		return skipNumber(b, i)
	}
	n := leadingDigits(binary.LittleEndian.Uint64(b[i:]))
	if n == 0 || n == 8 || n > 1 && b[i] == '0' {
		return skipNumber(b, i)
	}
	end := i + n
	if b[end] == '.' {
		n = leadingDigits(binary.LittleEndian.Uint64(b[end+1:]))
		if n == 0 || n == 8 {
			return skipNumber(b, i)
		}
		end += 1 + n
	}
	if b[end]|0x20 == 'e' {
		return skipNumber(b, i)
	}
	return end
}

// leadingDigits is how many of the eight characters of w, the first one in the
// lowest byte, are digits before the first other one.
func leadingDigits(w uint64) int {
	w ^= '0' * lowBits                                        // digits become 0 to 9
	other := (w&^highBits + (0x80-10)*lowBits | w) & highBits // no carry leaves its byte
	return bits.TrailingZeros64(other) / 8
}
