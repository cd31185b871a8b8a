package jsonscan

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Chars is the number of characters (Unicode code points) in s. A byte that is
// no UTF-8 and half of a surrogate pair count as one, as encoding/json reads
// them.
func (s Str) Chars() int {
	if !s.Escaped {
		return utf8.RuneCount(s.Raw)
	}
	n := 0
	for b := s.Raw; len(b) > 0; n++ {
		_, size := nextRune(b)
		b = b[size:]
	}
	return n
}

// Append appends the text of s, escapes resolved and always valid UTF-8, to
// dst until dst is limit bytes long; a character is never cut.
func (s Str) Append(dst []byte, limit int) []byte {
	if !s.Escaped && len(dst)+len(s.Raw) <= limit && utf8.Valid(s.Raw) {
		return append(dst, s.Raw...)
	}
	return appendText(dst, s.Raw, limit)
}

func appendText(dst, raw []byte, limit int) []byte {
	for len(raw) > 0 {
		r, size := nextRune(raw)
		if len(dst)+utf8.RuneLen(r) > limit {
			break
		}
		dst = utf8.AppendRune(dst, r)
		raw = raw[size:]
	}
	return dst
}

// nextRune is the first character of a valid raw string and its length in
// bytes there.
func nextRune(b []byte) (rune, int) {
	if b[0] != '\\' || len(b) < 2 {
		return utf8.DecodeRune(b)
	}
	switch b[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r := hex4(b)
		if !utf16.IsSurrogate(r) {
			return max(r, 0), min(6, len(b))
		}
		if r2 := hex4(b[6:]); r2 >= 0 {
			if pair := utf16.DecodeRune(r, r2); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return rune(b[1]), 2
}

// hex4 is the code unit of the escape that b begins with, such as \u00e9, -1 if it
// begins with none.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, d := range b[2:6] {
		v, ok := hexDigit(d)
		if !ok {
			return -1
		}
		r = r<<4 | v
	}
	return r
}

// AppendString appends text as a JSON string, quotes included. The bytes are
// those of encoding/json without HTML escaping: bytes that are no UTF-8 become
// U+FFFD.
func AppendString(dst []byte, text string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); {
		ch := text[i]
		if ch < utf8.RuneSelf {
			if ch >= ' ' && ch != '"' && ch != '\\' {
				i++
				continue
			}
			dst = append(dst, text[from:i]...)
			switch ch {
			case '"', '\\':
				dst = append(dst, '\\', ch)
			case '\b':
				dst = append(dst, `\b`...)
			case '\f':
				dst = append(dst, `\f`...)
			case '\n':
				dst = append(dst, `\n`...)
			case '\r':
				dst = append(dst, `\r`...)
			case '\t':
				dst = append(dst, `\t`...)
			default:
				dst = append(dst, '\\', 'u', '0', '0', digits[ch>>4], digits[ch&0xf])
			}
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, text[from:i]...), `\ufffd`...)
			from = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, text[from:i]...), `\u202`...)
			dst = append(dst, digits[r&0xf])
			from = i + size
		}
		i += size
	}
	return append(append(dst, text[from:]...), '"')
}
