package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"llmops/probes/load/jsonscan"
)

// maxLine bounds a line; the longest of public traces have 100 kB.
const maxLine = 64 << 20

// member is a value of an object, as it stands in the line.
type member struct {
	key  string
	line []byte // all of it
	raw  []byte // part of line
}

// fault is err at the place of the member.
func (m member) fault(err error) error {
	return &placeError{at: cap(m.line) - cap(m.raw), err: fmt.Errorf("key %q: %w", m.key, err)}
}

// placeError is a fault so many bytes into the line.
type placeError struct {
	at  int
	err error
}

func (e *placeError) Error() string { return e.err.Error() }

// objects calls member for each member of each line's object, then end.
func (r *reader) objects(read func(member) error, end func() error) error {
	scan := bufio.NewScanner(r.in)
	scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	var c jsonscan.Cursor
	for !r.full() && scan.Scan() {
		r.line++
		line := scan.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		err := walk(&c, line, read)
		if err == nil {
			err = end()
		}
		if pe, ok := errors.AsType[*placeError](err); ok {
			return r.fault(r.line, 1+utf8.RuneCount(line[:min(pe.at, len(line))]), "", pe.err)
		}
		if err != nil {
			return r.fault(r.line, 1, "", err)
		}
	}
	if err := scan.Err(); errors.Is(err, bufio.ErrTooLong) {
		return r.fault(r.line+1, 1, "", fmt.Errorf("the line is longer than %d MiB", maxLine>>20))
	} else if err != nil {
		return err
	}
	return nil
}

func walk(c *jsonscan.Cursor, line []byte, read func(member) error) error {
	c.Reset(line)
	if c.Kind() != '{' {
		return errors.New("want a JSON object")
	}
	c.Object()
	for {
		key, ok := c.Key()
		if !ok {
			break
		}
		m := member{key: string(key), line: line}
		if m.raw = c.Raw(); m.raw == nil {
			break
		}
		if err := read(m); err != nil {
			return err
		}
	}
	if err := c.End(); err != nil {
		return syntax(line, err)
	}
	return nil
}

// syntax finds the place of a fault in JSON, which the cursor does not keep.
func syntax(line []byte, err error) error {
	var v any
	if se, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(line, &v)); ok {
		return &placeError{at: max(int(se.Offset)-1, 0), err: err}
	}
	return err
}

// number is the value as a number that is not text.
func (m member) number() (float64, error) {
	v, err := strconv.ParseFloat(string(m.raw), 64)
	if err != nil {
		return 0, m.fault(errors.New("want a number"))
	}
	return v, nil
}

func (m member) tokens() (int, error) {
	if string(m.raw) == "null" {
		return -1, nil
	}
	v, err := m.number()
	if err != nil {
		return 0, err
	}
	n, err := tokens(v)
	if err != nil {
		return 0, m.fault(err)
	}
	return n, nil
}

func (m member) seconds(unit time.Duration) (time.Duration, error) {
	v, err := m.number()
	if err != nil {
		return 0, err
	}
	d, err := seconds(v, unit)
	if err != nil {
		return 0, m.fault(err)
	}
	return d, nil
}

// text is the value as a text, "" for null.
func (m member) text() (string, error) {
	var s *string
	if err := json.Unmarshal(m.raw, &s); err != nil {
		return "", m.fault(errors.New("want a text"))
	}
	if s == nil {
		return "", nil
	}
	return *s, nil
}

// id is the value as the name of something, be it a text or a number.
func (m member) id() (string, error) {
	if m.raw[0] == '"' {
		return m.text()
	}
	if _, err := m.number(); err != nil {
		return "", m.fault(errors.New("want a number or a text"))
	}
	return string(m.raw), nil
}
