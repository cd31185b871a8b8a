package jsonscan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// Str is a JSON string as it stands between its quotes.
type Str struct {
	Raw     []byte // part of the input
	Escaped bool   // Raw holds escapes
}

// Text reads a string; ok is false for a value of another type, which is
// skipped.
func (c *Cursor) Text() (s Str, ok bool) {
	if c.Kind() != '"' {
		c.Skip()
		return Str{}, false
	}
	raw, escaped := c.str()
	return Str{raw, escaped}, c.err == nil
}

// Symbol reads a short string, escapes resolved, such as the name of a state;
// nil for a value of another type. It is valid until the next call of any
// method; a string longer than 60 bytes that holds escapes comes cut off.
func (c *Cursor) Symbol() []byte {
	s, ok := c.Text()
	if ok && s.Escaped {
		return c.unescapeShort(s.Raw)
	}
	return s.Raw
}

func (c *Cursor) unescapeShort(raw []byte) []byte {
	// One byte of the text takes at most six bytes when escaped.
	if longest := 6 * len(c.key); len(raw) > longest {
		raw = raw[:longest]
	}
	return appendText(c.key[:0], raw, len(c.key)-utf8.UTFMax)
}

// Int reads a whole number; ok is false for anything else, also for one that
// does not fit an int64.
func (c *Cursor) Int() (n int64, ok bool) {
	if c.Kind() != '0' {
		c.Skip()
		return 0, false
	}
	raw, whole := c.number()
	if c.err != nil {
		return 0, false
	}
	if !whole {
		// Some servers count in floating point: 5.0 is five.
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return 0, false
		}
		return int64(f), true
	}
	neg := raw[0] == '-'
	if neg {
		raw = raw[1:]
	}
	for _, d := range raw {
		if n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = 10*n + int64(d-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// number steps over a number; whole tells that it has neither a fraction nor
// an exponent.
func (c *Cursor) number() (raw []byte, whole bool) {
	b, from := c.b, c.i
	if b[c.i] == '-' {
		c.i++
	}
	switch {
	case c.i < len(b) && b[c.i] == '0':
		c.i++
	case !c.digits():
		return nil, false
	}
	whole = true
	if c.i < len(b) && b[c.i] == '.' {
		c.i++
		if whole = false; !c.digits() {
			return nil, false
		}
	}
	if c.i < len(b) && b[c.i]|0x20 == 'e' {
		c.i++
		if c.i < len(b) && (b[c.i] == '+' || b[c.i] == '-') {
			c.i++
		}
		if whole = false; !c.digits() {
			return nil, false
		}
	}
	return b[from:c.i], whole
}

// digits steps over one digit or more.
func (c *Cursor) digits() bool {
	from := c.i
	for c.i < len(c.b) && c.b[c.i]-'0' <= 9 {
		c.i++
	}
	if c.i == from {
		c.unexpected()
		return false
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str steps over a string; the cursor is at its opening quote.
func (c *Cursor) str() (raw []byte, escaped bool) {
	b, from := c.b, c.i+1
	i := from
	for {
		// Eight bytes at once: a set high bit in stop marks a quote, a
		// backslash or a control character. The lowest mark is exact, those
		// above it may be wrong.
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			quote, slash := x^('"'*ones), x^('\\'*ones)
			stop := ((x-' '*ones)&^x | (quote-ones)&^quote | (slash-ones)&^slash) & highs
			if stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
			i++
		}
		if c.i = i; i >= len(b) {
			c.unexpected()
			return nil, false
		}
		switch b[i] {
		case '"':
			c.i = i + 1
			return b[from:i], escaped
		case '\\':
			escaped = true
			n := escapeLen(b[i:])
			if n <= 0 {
				// Cut off inside the escape, or no escape at all.
				if c.i = len(b); n < 0 {
					c.i = i
				}
				c.unexpected()
				return nil, false
			}
			i += n
		default: // a control character
			c.unexpected()
			return nil, false
		}
	}
}

// escapeLen is the length of the escape that b begins with: 0 when b ends
// inside it, -1 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for j := 2; j < 6; j++ {
			if j >= len(b) {
				return 0
			}
			if _, ok := hexDigit(b[j]); !ok {
				return -1
			}
		}
		return 6
	}
	return -1
}

func hexDigit(d byte) (rune, bool) {
	switch {
	case d-'0' <= 9:
		return rune(d - '0'), true
	case d|0x20 >= 'a' && d|0x20 <= 'f':
		return rune(d|0x20-'a') + 10, true
	}
	return 0, false
}
