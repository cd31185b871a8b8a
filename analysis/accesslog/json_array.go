package accesslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// Exports of interfaces are a JSON array, or an object with one in it, or several
// such pages one behind the other:
//
//	[{…},{…}]
//	{"data":[{…},{…}],"meta":{…}}
//	{"object":"list","meta":{…},"data":[{…},{…}]}
//
// The elements are rows, wherever lines end.

// arrayKeys are the members of such an object that hold the array.
var arrayKeys = []string{"data", "result", "results", "items", "logs"}

// pageHead is how many bytes of a page may stand before its first element.
const pageHead = 4 << 10

// array is where the elements of the array begin that is all of the file that b
// begins; whole: b is all of it. 0: its lines are rows, or it is none.
func (p *plan) array(b []byte, whole bool) int {
	n, head := arrayStart(b)
	if n == 0 {
		return 0
	}
	elements := sniff(b[n:], whole, splitter{array: true})
	nothing := !slices.ContainsFunc(elements, func(row []byte) bool { return !blankRow(row) })
	found, sure := p.surest(elements)
	if found == nil && !nothing {
		return 0 // a row that begins with an array
	}
	if head || nothing {
		// Rows of a log may have an array in them, too, and an empty one.
		if rows, more := p.surest(sniff(b, whole, splitter{})); rows != nil && more >= sure {
			return 0
		}
	}
	return n
}

// arrayStart is where the elements of the array begin that b begins with; 0: it is
// none. head: it is in an object, and other members stand before it.
func arrayStart(b []byte) (start int, head bool) {
	i := skipBlank(b, 0)
	n, head := pageStart(b[i:])
	if n <= 0 {
		return 0, false
	}
	i += n
	if next := skipBlank(b, i); next < len(b) && (b[next] == '{' || b[next] == ']') {
		return i, head
	}
	return 0, false
}

// pageStart is the length of the beginning of a page that b begins with, its
// bracket included: 0 if it is none, -1 if b ends before that is clear. head tells
// whether other members stand before its array: scalars and objects.
func pageStart(b []byte) (n int, head bool) {
	if len(b) == 0 {
		return -1, false
	}
	if b[0] == '[' {
		return 1, false
	}
	if b[0] != '{' {
		return 0, false
	}
	cut := len(b) > pageHead
	if cut {
		b = b[:pageHead]
	}
	n, head = inPage(b)
	if n < 0 && (cut || isBroken(b)) {
		return 0, false
	}
	return n, head
}

// inPage is pageStart for objects; -1 is also what is no JSON.
func inPage(b []byte) (n int, head bool) {
	for i := skipBlank(b, 1); ; head = true {
		key := i
		if key < len(b) && b[key] == '}' {
			return 0, false
		}
		if i = skipKey(b, key); i < 0 || i == len(b) {
			return -1, false
		}
		if b[i] == '[' {
			if name := textOf(b[key+1 : skipString(b, key+1)-1]); slices.Contains(arrayKeys, string(name)) {
				return i + 1, head
			}
			return 0, false
		}
		var stack []uint64
		if i = skipValue(b, i, 1, &stack); i < 0 {
			return -1, false
		}
		switch i = skipBlank(b, i); {
		case i == len(b):
			return -1, false
		case b[i] != ',':
			return 0, false // its end, or no JSON
		}
		i = skipBlank(b, i+1)
	}
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
			next, _ := pageStart(b[end:])
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
	if end < 0 || end >= len(row) {
		return end == len(row)
	}
	next, _ := pageStart(row[end:])
	return next == len(row)-end
}
