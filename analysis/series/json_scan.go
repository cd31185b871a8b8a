package series

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
)

// JSON is read token by token from the moving window, for a file may be one long
// line, and points go into two slices that are used again.

// peek is the next byte that is no blank, not consumed; 0 at the end of the file.
func (in *input) peek() (byte, error) {
	for {
		for ; in.pos < len(in.buf); in.pos++ {
			if c := in.buf[in.pos]; c > ' ' {
				return c, nil
			}
		}
		if in.eof {
			return 0, nil
		}
		if err := in.need(1); err != nil {
			return 0, err
		}
	}
}

// take consumes c and fails if something else comes.
func (in *input) take(c byte) error {
	switch got, err := in.peek(); {
	case err != nil:
		return err
	case got == 0:
		return in.fail("the file ends here, where %q is due; was it cut off?", c)
	case got != c:
		return in.fail("%q where %q is due", got, c)
	}
	in.pos++
	return nil
}

// more tells, within brackets that end with c, whether another element comes, and
// consumes the comma before it or the end. first: none has come yet.
func (in *input) more(first bool, end byte) (bool, error) {
	c, err := in.peek()
	switch {
	case err != nil:
		return false, err
	case c == end:
		in.pos++
		return false, nil
	case first:
		return true, nil
	}
	return true, in.take(',')
}

// token is a string with its quotes, or another word; valid until the next call.
func (in *input) token() ([]byte, error) {
	c, err := in.peek()
	if err != nil {
		return nil, err
	}
	if c != 0 && strings.IndexByte(",]}:", c) >= 0 {
		return nil, in.fail("%q where a value is due", c)
	}
	for n := 64; ; n *= 2 {
		if err := in.need(n); err != nil {
			return nil, err
		}
		b := in.rest()
		end := 0
		if c == '"' {
			end = stringEnd(b)
		} else {
			for end < len(b) && strings.IndexByte(",]}: \t\r\n", b[end]) < 0 {
				end++
			}
			if end == len(b) && !in.eof {
				end = 0
			}
		}
		switch {
		case end > 0:
			in.pos += end
			return b[:end], nil
		case in.eof:
			return nil, in.fail("the file ends within a value; was it cut off?")
		case n > maxRow:
			return nil, in.fail("a value of more than 16 MiB")
		case len(b) > n:
			n = len(b)
		}
	}
}

// stringEnd is the length of the JSON string that b begins with; 0 if it does not
// end in b.
func stringEnd(b []byte) int {
	for i := 1; ; {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 {
			return 0
		}
		i += k + 1
		escapes := 0
		for j := i - 2; j > 0 && b[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}

// text is the next string.
func (in *input) text() (string, error) {
	if c, err := in.peek(); err != nil {
		return "", err
	} else if c != '"' {
		return "", in.fail("%q where a string is due", c)
	}
	b, err := in.token()
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1]), nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return "", in.fail("%s is no string of JSON", b[:min(len(b), 40)])
	}
	return s, nil
}

// object calls value with each key of an object; value consumes what the key has.
func (in *input) object(value func(key string) error) error {
	if err := in.take('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		switch more, err := in.more(first, '}'); {
		case err != nil:
			return err
		case !more:
			return nil
		}
		key, err := in.text()
		if err == nil {
			if err = in.take(':'); err == nil {
				err = value(key)
			}
		}
		if err != nil {
			return err
		}
	}
}

// skip passes over a value.
func (in *input) skip() error {
	for depth := 0; ; {
		c, err := in.peek()
		switch {
		case err != nil:
			return err
		case c == '{' || c == '[':
			depth++
			in.pos++
			continue
		case (c == '}' || c == ']' || c == ',' || c == ':') && depth > 0:
			if in.pos++; c == '}' || c == ']' {
				depth--
			}
			if depth > 0 || c == ',' || c == ':' {
				continue
			}
			return nil
		}
		if _, err := in.token(); err != nil {
			return err
		}
		if depth == 0 {
			return nil
		}
	}
}

// number reads the text of a value: a number, with quotes or without, or null,
// which is NaN.
func number(b []byte) (float64, bool) {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		b = b[1 : n-1]
	}
	if string(b) == "null" {
		return math.NaN(), true
	}
	return parseFloat(b)
}

// time reads the text of a timestamp, with quotes or without.
func (c *clock) time(b []byte) (int64, bool) {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		b = b[1 : n-1]
	}
	return c.parse(b)
}
