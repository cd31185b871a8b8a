package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// wanted reads a text or a list of texts, and makes a test of each.
func (p *Parser) wanted(c *Check, o options, at int, value []byte) *Error {
	read := func(at int, value []byte) *Error {
		var want string
		if first(value) != '"' || json.Unmarshal(value, &want) != nil {
			return faultAt(at, "%s: want a text, found %s", c.Kind, named(value))
		}
		t, err := p.test(c, o, want)
		if err != nil {
			err.Offset = at
			return err
		}
		c.tests = append(c.tests, t)
		return nil
	}
	var err *Error
	if first(value) == '[' {
		err = elements(value, func(i int, v []byte) *Error { return read(at+i, v) })
	} else {
		err = read(at, value)
	}
	switch {
	case err != nil:
		return err
	case len(c.tests) == 0:
		return faultAt(at, "%s: the list is empty", c.Kind)
	}
	c.Text = c.words()
	return nil
}

func (p *Parser) test(c *Check, o options, want string) (test, *Error) {
	if len(want) > MaxAnswer {
		return test{}, faultAt(0, "%s: the text is longer than the %d bytes of an answer that are checked", c.Kind, MaxAnswer)
	}
	if c.Kind != Exact && want == "" {
		return test{}, faultAt(0, "%s: the text is empty, which holds for every answer", c.Kind)
	}
	t := test{label: strconv.Quote(line(want, maxText))}
	if c.Kind == Regex {
		re, err := p.regex(want, o.ignoreCase)
		if err != nil {
			return test{}, err
		}
		t.label = line(want, maxText)
		t.match = matchRegex(re)
		return t, nil
	}
	if c.trim {
		want = strings.TrimSpace(want)
	}
	if c.fold {
		want = fold(want)
	}
	part := []byte(want)
	if c.Kind == Exact {
		t.match = func(_ context.Context, answer []byte) (bool, string, error) {
			return bytes.Equal(answer, part), "", nil
		}
	} else {
		t.match = func(_ context.Context, answer []byte) (bool, string, error) {
			return bytes.Contains(answer, part), "", nil
		}
	}
	return t, nil
}

func (p *Parser) regex(pattern string, ignoreCase bool) (*regexp.Regexp, *Error) {
	full := pattern
	if ignoreCase {
		full = "(?i)" + pattern
	}
	if re := p.regexes[full]; re != nil {
		return re, nil
	}
	if _, err := regexp.Compile(pattern); err != nil {
		msg := err.Error()
		if se, ok := errors.AsType[*syntax.Error](err); ok {
			msg = fmt.Sprintf("%s: %s", se.Code, line(se.Expr, maxText))
		}
		return nil, faultAt(0, "regex: %s", msg).hint("the syntax is RE2 (https://github.com/google/re2/wiki/Syntax): no look-around, no back-references")
	}
	re, err := regexp.Compile(full)
	if err != nil {
		return nil, faultAt(0, "regex: %v", err)
	}
	if p.regexes == nil {
		p.regexes = map[string]*regexp.Regexp{}
	}
	p.regexes[full] = re
	return re, nil
}

// atOnce is how much of an answer an expression is held against without a look
// at the context: large expressions take microseconds a byte.
const atOnce = 32 << 10

func matchRegex(re *regexp.Regexp) matcher {
	return func(ctx context.Context, answer []byte) (bool, string, error) {
		if len(answer) <= atOnce {
			return re.Match(answer), "", nil
		}
		r := &runes{ctx: ctx, text: answer}
		ok := re.MatchReader(r)
		if r.err != nil {
			return false, "", r.err
		}
		return ok, "", nil
	}
}

// runes reads a text that ends when the context does.
type runes struct {
	ctx  context.Context
	text []byte
	n    int
	err  error // that of ctx, if the text was cut
}

// ReadRune implements io.RuneReader. What is no UTF-8 reads as utf8.RuneError,
// a byte each, as it does in regexp itself.
func (r *runes) ReadRune() (rune, int, error) {
	if len(r.text) == 0 {
		return 0, 0, io.EOF
	}
	if r.n++; r.n%1024 == 0 {
		if r.err = r.ctx.Err(); r.err != nil {
			r.text = nil
			return 0, 0, r.err
		}
	}
	c, size := utf8.DecodeRune(r.text)
	r.text = r.text[size:]
	return c, size, nil
}

func (p *Parser) schema(c *Check, at int, value []byte) *Error {
	switch first(value) {
	case '{', 't':
	case 'f':
		return faultAt(at, "json_schema: false holds for no answer").hint(`{"json_schema":true,"not":true} asks for anything but JSON`)
	default:
		return faultAt(at, "json_schema: want an object or true, found %s", named(value))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return faultAt(at, "json_schema: %v", err)
	}
	s := p.schemas[compact.String()]
	if s == nil {
		var err *Error
		if s, err = compileSchema(value); err != nil {
			err.Offset, err.Msg = at, "json_schema: "+err.Msg
			return err
		}
		if p.schemas == nil {
			p.schemas = map[string]*jsonschema.Schema{}
		}
		p.schemas[compact.String()] = s
	}
	c.tests = []test{{match: matchSchema(s)}}
	c.Text = c.words()
	return nil
}

// words is the check in one line.
func (c *Check) words() string {
	var parts []string
	for _, t := range c.tests {
		if t.label != "" {
			parts = append(parts, t.label)
		}
	}
	sep := " or "
	if c.all {
		sep = " and "
	}
	text := string(c.Kind)
	if len(parts) > 0 {
		text += " " + strings.Join(parts, sep)
	}
	if c.not {
		text = "not " + text
	}
	return line(text, 2*maxText)
}

// line is text as one line of at most n characters, without control characters.
func line(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if chars := []rune(text); len(chars) > n {
		return string(chars[:n-1]) + "…"
	}
	return text
}
