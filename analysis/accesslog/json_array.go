package accesslog

import "bytes"

// Exports of interfaces are a JSON array, or an object with one in it, or several
// such pages one behind the other:
//
//	[{…},{…}]
//	{"data":[{…},{…}],"meta":{…}}
//
// The elements are rows, wherever lines end.

// arrayKeys are the members that such an object begins with.
var arrayKeys = [...]string{"data", "result", "results", "items", "logs"}

// arrayStart is where the elements of the array begin that is all of the file that
// b begins; 0: it is none.
func arrayStart(b []byte) int {
	i := skipBlank(b, 0)
	if i < len(b) && b[i] == '{' {
		i = skipBlank(b, i+1)
		end := skipKey(b, i)
		if end < 0 || !arrayKey(b[i:end]) {
			return 0
		}
		i = end
	}
	if i >= len(b) || b[i] != '[' {
		return 0
	}
	i++
	if next := skipBlank(b, i); next < len(b) && (b[next] == '{' || b[next] == ']') {
		return i
	}
	return 0
}

// arrayKey tells whether text, a key, its colon and white space, is of arrayKeys.
func arrayKey(text []byte) bool {
	for _, key := range arrayKeys {
		if len(text) > len(key)+2 && string(text[1:1+len(key)]) == key && text[1+len(key)] == '"' {
			return true
		}
	}
	return false
}

// element is the length of the element that b begins with, what parts it from the
// one before included; or of the end of a page, with the beginning of the next one.
// 0 if that does not end in b.
func element(b []byte) int {
	i := elementStart(b)
	if i == len(b) {
		return 0
	}
	var end int
	switch c := b[i]; c {
	case ']':
		end = pageEnd(b, i)
	case '{', '[':
		var stack [8]uint64 // of as many objects within each other as rows have
		open := stack[:]
		end = skipNested(b, i, 1, &open)
	default:
		if end = skipScalar(b, i); end == len(b) {
			return 0
		}
		if end < 0 { // no JSON: a row up to the end of the line, so that it is counted
			end = i + 1 + bytes.IndexByte(b[i:], '\n')
			if end == i {
				return 0
			}
		}
	}
	return max(end, 0)
}

// pageEnd takes the end of an array from its bracket on, that of the object around
// it, if there is one, and the beginning of the next page. -1: b ends before it is
// clear what follows, or it is not that.
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
	return i + arrayStart(b[i:])
}

// elementStart is where an element begins behind white space and commas.
func elementStart(b []byte) int {
	i := 0
	for i < len(b) && (b[i] == ',' || b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// isLastEnd tells whether row is the end of the last page.
func isLastEnd(row []byte) bool {
	return pageEnd(append(bytes.Clone(row), 'x'), 0) == len(row)
}
