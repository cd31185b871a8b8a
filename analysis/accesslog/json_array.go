package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Exports of interfaces are a JSON array, or an object with one in it, or several
// such pages one behind the other:
//
//	[{…},{…}]
//	{"data":[{…},{…}],"meta":{…}}
//
// The elements are rows, wherever lines end.

// arrayKeys are the members that such an object begins with.
var arrayKeys = [...]string{`"data"`, `"result"`, `"results"`, `"items"`, `"logs"`}

// arrayStart is where the elements of the array begin that is all of the file that
// b begins; 0: it is none.
func arrayStart(b []byte) int {
	i := skipBlank(b, 0)
	n := pageStart(b[i:])
	if n <= 0 {
		return 0
	}
	i += n
	if next := skipBlank(b, i); next < len(b) && (b[next] == '{' || b[next] == ']') {
		return i
	}
	return 0
}

// pageStart is the length of the beginning of a page that b begins with, its
// bracket included: 0 if it is none, -1 if b ends before that is clear.
func pageStart(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	if b[0] == '[' {
		return 1
	}
	if b[0] != '{' {
		return 0
	}
	i := skipBlank(b, 1)
	for _, key := range arrayKeys {
		rest, ok := bytes.CutPrefix(b[i:], []byte(key))
		if !ok {
			if strings.HasPrefix(key, string(b[i:])) {
				return -1
			}
			continue
		}
		at := skipBlank(rest, 0)
		if at < len(rest) && rest[at] == ':' {
			at = skipBlank(rest, at+1)
		} else if at < len(rest) {
			return 0
		}
		switch {
		case at == len(rest):
			return -1
		case rest[at] == '[':
			return len(b) - len(rest) + at + 1
		}
		return 0
	}
	return 0
}

// element is the length of the element that b begins with, what parts it from the
// one before included; or of the end of a page, with the beginning of the next one.
// What is no JSON is a row up to the end of the line, so that it is counted and
// what follows is read. 0 if that does not end in b.
func element(b []byte) int {
	i := elementStart(b)
	if i == len(b) {
		return 0
	}
	var end int
	switch c := b[i]; c {
	case ']':
		if end = pageEnd(b, i); end >= 0 {
			next := pageStart(b[end:])
			if next < 0 {
				return 0
			}
			return end + next
		}
	case '{', '[':
		var stack [8]uint64 // of as many objects within each other as rows have
		open := stack[:]
		end = skipNested(b, i, 1, &open)
	default:
		if end = skipScalar(b, i); end == len(b) {
			return 0
		}
	}
	if end < 0 && isBroken(b[i:]) {
		return lineEnd(b, i)
	}
	return max(end, 0)
}

// lineEnd is the length of b up to the end of the line that i is in; 0 if it does
// not end.
func lineEnd(b []byte, i int) int {
	n := bytes.IndexByte(b[i:], '\n')
	if n < 0 {
		return 0
	}
	return i + n + 1
}

// isBroken tells whether b, an element or the end of a page, is no JSON, whatever
// follows it. That an element is as long as brokenLimit is no reason to look.
func isBroken(b []byte) bool {
	const brokenLimit = 1 << 20
	if len(b) > brokenLimit {
		return false
	}
	text := io.Reader(bytes.NewReader(b))
	if b[0] == ']' {
		text = io.MultiReader(strings.NewReader(`{"":0`), bytes.NewReader(b[1:]))
	}
	var element json.RawMessage
	_, broken := errors.AsType[*json.SyntaxError](json.NewDecoder(text).Decode(&element))
	return broken
}

// pageEnd takes the end of an array from its bracket on, and that of the object
// around it, if there is one. -1: b ends before something follows, or it is not that.
func pageEnd(b []byte, i int) int {
	i = skipBlank(b, i+1)
	for i < len(b) && b[i] == ',' {
		if i = skipKey(b, skipBlank(b, i+1)); i < 0 || i == len(b) {
			return -1
		}
		var stack []uint64
		if i = skipValue(b, i, 1, &stack); i < 0 {
			return -1
		}
		i = skipBlank(b, i)
	}
	if i < len(b) && b[i] == '}' {
		i = skipBlank(b, i+1)
	}
	if i == len(b) {
		return -1
	}
	return i
}

// elementStart is where an element begins behind white space and commas.
func elementStart(b []byte) int {
	i := 0
	for i < len(b) && (b[i] == ',' || b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// isLastEnd tells whether b is the end of the last page, or nothing.
func isLastEnd(b []byte) bool {
	i := elementStart(b)
	return i == len(b) || b[i] == ']' && pageEnd(append(bytes.Clone(b), 'x'), i) == len(b)
}

// isPageEnd tells whether a row is the end of a page, and maybe the beginning of
// the next one.
func isPageEnd(row []byte) bool {
	end := pageEnd(append(bytes.Clone(row), "{}"...), 0)
	return end >= 0 && (end == len(row) || end < len(row) && pageStart(row[end:]) == len(row)-end)
}
