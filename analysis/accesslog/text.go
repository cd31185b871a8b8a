package accesslog

import "bytes"

// A cursor walks over one row of text, field by field. Each method takes the
// field at the front and the one space behind it, and says whether it was there;
// of a cursor that has said no, nothing more is to be asked.
type cursor struct{ rest []byte }

// word takes what stands before the next space or the end. It is not empty.
func (c *cursor) word() ([]byte, bool) {
	i := 0
	for i < len(c.rest) && c.rest[i] != ' ' { // words are short
		i++
	}
	field := c.rest[:i]
	c.rest = c.rest[min(i+1, len(c.rest)):]
	return field, i > 0
}

// quoted takes a field between double quotes and gives what is between them as
// it stands. A backslash takes the next byte with it, as Apache writes a quote;
// nginx writes \x22.
func (c *cursor) quoted() ([]byte, bool) {
	if len(c.rest) == 0 || c.rest[0] != '"' {
		return nil, false
	}
	for i := 1; ; i++ {
		n := bytes.IndexByte(c.rest[i:], '"')
		if n < 0 {
			return nil, false
		}
		i += n
		if c.rest[i-1] == '\\' && escaped(c.rest[1:i]) {
			continue
		}
		field := c.rest[1:i]
		c.rest = c.rest[i+1:]
		return field, c.space()
	}
}

// escaped tells whether a byte behind text is escaped: whether text ends in an
// odd number of backslashes.
func escaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

// value takes a bare field. A list of values ("0.1, 0.3 : -") is one field, and so
// is a name with a quoted value; it is false for one without its closing quote.
func (c *cursor) value() ([]byte, bool) {
	i := 0
	for i < len(c.rest) {
		switch c.rest[i] {
		case '"':
			n := bytes.IndexByte(c.rest[i+1:], '"')
			if n < 0 {
				return nil, false
			}
			i += n + 1
		case ' ':
			switch {
			case i > 0 && c.rest[i-1] == ',':
			case bytes.HasPrefix(c.rest[i:], []byte(" : ")):
				i += 2
			default:
				field := c.rest[:i]
				c.rest = c.rest[i+1:]
				return field, true
			}
		}
		i++
	}
	field := c.rest
	c.rest = nil
	return field, true
}

// unquote takes the quotes from around a field.
func unquote(field []byte) []byte {
	if len(field) >= 2 && field[0] == '"' && field[len(field)-1] == '"' {
		return field[1 : len(field)-1]
	}
	return field
}

// space takes one space, of which there is none at the end of the row.
func (c *cursor) space() bool {
	if len(c.rest) == 0 {
		return true
	}
	if c.rest[0] != ' ' {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// requestTarget gives the target of a request line, "POST /v1/x HTTP/1.1". What
// is no request line (a "-" of a connection without a request, the bytes of a TLS
// handshake) has none.
func requestTarget(line []byte) []byte {
	first := bytes.IndexByte(line, ' ')
	last := bytes.LastIndexByte(line, ' ')
	if first <= 0 || last == first || !bytes.HasPrefix(line[last+1:], []byte("HTTP/")) {
		return nil
	}
	return line[first+1 : last]
}

// digits tells whether b is a whole number without a sign.
func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// blankRow tells whether a row is empty but for white space.
func blankRow(row []byte) bool {
	return len(row) == 0 || row[0] <= ' ' && len(bytes.TrimSpace(row)) == 0
}

// share gives how many percent of the rows that are not blank fit, at least 1 if
// any does.
func share(rows [][]byte, fits func(row []byte) bool) int {
	n, all := 0, 0
	for _, row := range rows {
		if blankRow(row) {
			continue
		}
		all++
		if fits(row) {
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return max(1, 100*n/all)
}
