package accesslog

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"iter"
	"unicode/utf8"
)

// missing tells whether a field is not there or null.
func (f field) missing() bool { return len(f) == 0 || f[0] == 'n' }

// plain gives the text of a string or of a number, which logs take for each other;
// nil where the field is missing. A truth value, an object and an array are not ok.
func (f field) plain() (text []byte, ok bool) {
	if f.missing() {
		return nil, true
	}
	switch c := f[0]; {
	case c == '"':
		return textOf(f[1 : len(f)-1]), true
	case c == '-' || c-'0' <= 9:
		return f, true
	}
	return nil, false
}

// raw is plain without a look at what is between the quotes: for text that is
// parsed, which most often goes well. Where it did not, escaped tells whether plain
// is another text.
func (f field) raw() (text []byte, ok bool) {
	if f.missing() {
		return nil, true
	}
	switch c := f[0]; {
	case c == '"':
		return f[1 : len(f)-1], true
	case c == '-' || c-'0' <= 9:
		return f, true
	}
	return nil, false
}

func (f field) escaped(read bool) bool { return !read && bytes.IndexByte(f, '\\') >= 0 }

// text is plain for fields that are only shown: what is neither a string nor a
// number is nothing.
func (f field) text() []byte {
	text, _ := f.plain()
	return text
}

// is tells whether the field is the string s, or the word s (true, false).
func (f field) is(s string) bool {
	if len(f) > 0 && f[0] == '"' {
		raw := f[1 : len(f)-1]
		return string(raw) == s || len(raw) > len(s) && bytes.IndexByte(raw, '\\') >= 0 && string(textOf(raw)) == s
	}
	return string(f) == s
}

// object tells whether the field is an object.
func (f field) object() bool { return len(f) > 0 && f[0] == '{' }

// textOf resolves what stands between the quotes of a valid string as encoding/json
// does: escapes, and bytes that are no UTF-8. Nearly always there is nothing to do.
func textOf(b []byte) []byte {
	if isPlain(b) || bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
		return b
	}
	quoted := make([]byte, 0, len(b)+2)
	quoted = append(append(append(quoted, '"'), b...), '"')
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return nil
	}
	return []byte(s)
}

// isPlain tells whether text is ASCII without a backslash.
func isPlain(b []byte) bool {
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		slash := w ^ '\\'*lowBits
		if (w|(slash-lowBits)&^slash)&highBits != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// members goes through the members of a valid object, those of a key that occurs
// several times each; none if f is no object.
func members(f field) iter.Seq2[[]byte, field] {
	return func(yield func([]byte, field) bool) {
		if !f.object() {
			return
		}
		r := jsonReader{b: f, i: skipBlank(f, 1)}
		for !r.at('}') {
			from := r.i + 1
			key := textOf(f[from : skipString(f, from)-1])
			r.i = skipKey(f, r.i)
			from = r.i
			r.skip()
			if !yield(key, f[from:r.i]) {
				return
			}
			if r.i = skipBlank(f, r.i); r.at(',') {
				r.i = skipBlank(f, r.i+1)
			}
		}
	}
}
