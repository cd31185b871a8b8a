package routing

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var errMatcherEnd = errors.New("the matcher ends too early; want one such as \"label name\"=\"value\"")

// parseQuoted reads the newer syntax: names and values are words without reserved
// characters, or Go string literals.
func parseQuoted(text string) ([]Matcher, error) {
	s := scanner{rest: text}
	braces := s.take("{")
	var ms []Matcher
	for s.more() && !s.starts("}") {
		label, err := s.word()
		if err != nil {
			return nil, err
		}
		op := ""
		for _, candidate := range []string{Regexp, Equal, NotEqual, NotRegexp} {
			if op == "" && s.take(candidate) {
				op = candidate
			}
		}
		if op == "" {
			return nil, fmt.Errorf("after %q an operator is missing: =, !=, =~ or !~", label)
		}
		value, err := s.word()
		if err != nil {
			return nil, err
		}
		m, err := NewMatcher(label, op, value)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
		if !s.take(",") && s.more() && !s.starts("}") {
			return nil, fmt.Errorf("a comma is missing before %q", s.rest)
		}
	}
	if braces != s.take("}") {
		return nil, errors.New("the braces do not match")
	}
	if s.more() {
		return nil, fmt.Errorf("%q follows the matchers", s.rest)
	}
	return ms, nil
}

// scanner reads tokens, and the space before them.
type scanner struct{ rest string }

func (s *scanner) more() bool {
	s.rest = strings.TrimLeftFunc(s.rest, unicode.IsSpace)
	return s.rest != ""
}

func (s *scanner) starts(token string) bool { return s.more() && strings.HasPrefix(s.rest, token) }

func (s *scanner) take(token string) bool {
	ok := s.starts(token)
	if ok {
		s.rest = s.rest[len(token):]
	}
	return ok
}

func (s *scanner) word() (string, error) {
	if !s.more() {
		return "", errMatcherEnd
	}
	if s.rest[0] == '"' {
		literal, err := strconv.QuotedPrefix(s.rest)
		if err != nil {
			return "", fmt.Errorf("%s is no text in double quotes", s.rest)
		}
		s.rest = s.rest[len(literal):]
		word, err := strconv.Unquote(literal)
		if err != nil || !utf8.ValidString(word) {
			return "", fmt.Errorf("%s is no valid UTF-8 text in double quotes", literal)
		}
		return word, nil
	}
	end := strings.IndexFunc(s.rest, reserved)
	if end < 0 {
		end = len(s.rest)
	}
	if end == 0 {
		return "", fmt.Errorf("%q stands where a label or a value should", s.rest)
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	return word, nil
}
