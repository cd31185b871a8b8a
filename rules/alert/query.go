package alert

import (
	"regexp"
	"strings"
)

// hole stands in a query where the length of a window belongs.
const hole = "{{.window}}"

// fill puts a window into a query.
func fill(query, window string) string { return strings.ReplaceAll(query, hole, window) }

var (
	// windowName is what people write for a window that somebody else fills in.
	windowName = regexp.MustCompile(`^(\{\{\s*\.?[Ww]indow\s*\}\}|\$window|\$\{window\}|\$__rate_interval|\$__interval|\$__range)$`)
	duration   = regexp.MustCompile(`^([0-9]+(ms|[smhdwy]))+$`)
	// plainName is a series without a range: name, name{...} or {...}.
	plainName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
)

// span is one range in a query: its text lies between the brackets from and to.
type span struct {
	from, to int
	function string // whose argument it is: "rate"
	at       int    // where the name of the function begins
}

// scanned is a query with its ranges, without comments.
type scanned struct {
	text   string
	spans  []span
	braces int // where the outermost { begins; -1: nowhere
}

// scan finds the ranges of a query. It knows strings, comments and brackets, and
// no more of PromQL.
func scan(query string) (scanned, error) {
	s := scanned{braces: -1}
	var b strings.Builder
	type open struct {
		bracket  byte
		at       int
		function string
		name     int
	}
	var stack []open
	hint := "check quotes and brackets"
	for i := 0; i < len(query); i++ {
		c := query[i]
		switch c {
		case '"', '\'', '`':
			end := closing(query, i)
			if end < 0 {
				return s, failf(hint, "a string is not closed in the query %q", query)
			}
			b.WriteString(query[i:end])
			i = end
			c = query[end]
		case '#':
			for i+1 < len(query) && query[i+1] != '\n' {
				i++
			}
			continue
		case '(', '[', '{':
			o := open{bracket: c, at: b.Len()}
			if c == '(' {
				o.function, o.name = wordBefore(b.String())
			}
			if c == '{' && len(stack) == 0 && s.braces < 0 {
				s.braces = b.Len()
			}
			stack = append(stack, o)
		case ')', ']', '}':
			if len(stack) == 0 || stack[len(stack)-1].bracket != map[byte]byte{')': '(', ']': '[', '}': '{'}[c] {
				return s, failf(hint, "the brackets do not match in the query %q", query)
			}
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if c == ']' {
				r := span{from: top.at + 1, to: b.Len()}
				if len(stack) > 0 {
					r.function, r.at = stack[len(stack)-1].function, stack[len(stack)-1].name
				}
				s.spans = append(s.spans, r)
			}
		}
		b.WriteByte(c)
	}
	if len(stack) > 0 {
		return s, failf(hint, "a bracket is not closed in the query %q", query)
	}
	s.text = b.String()
	return s, nil
}

// closing is where the string ends that begins at i; -1: nowhere.
func closing(query string, i int) int {
	for j := i + 1; j < len(query); j++ {
		switch {
		case query[j] == '\\' && query[i] != '`':
			j++
		case query[j] == query[i]:
			return j
		}
	}
	return -1
}

func wordBefore(text string) (string, int) {
	text = strings.TrimRight(text, " \t\n\r")
	at := len(text)
	for at > 0 && (text[at-1] == '_' || text[at-1] >= '0' && text[at-1] <= '9' || text[at-1] >= 'A' && text[at-1] <= 'Z' || text[at-1] >= 'a' && text[at-1] <= 'z') {
		at--
	}
	return text[at:], at
}

// rateQuery makes what somebody wrote for the number of some events into a query
// for their rate over hole, summed over all series:
//
//	sum(rate(requests_total{code="500"}[{{.window}}]))   any range with a window's name
//	sum(rate(requests_total{code="500"}[5m]))            a fixed range of rate or increase: its length becomes that of the window
//	requests_total{code="500"}                           a plain counter
//
// perSecond tells whether the result is known to be a rate.
func rateQuery(query string, counter bool) (out string, perSecond bool, err error) {
	s, err := scan(strings.TrimSpace(query))
	if err != nil {
		return "", false, err
	}
	text := strings.TrimSpace(s.text)
	hint := "write sum(rate(NAME{...}[{{.window}}])): the rules put each of their windows there"
	switch {
	case text == "":
		return "", false, failf(hint, "a query is empty")
	case len(s.spans) == 0 && s.plain(text) && counter:
		return "sum(rate(" + text + "[" + hole + "]))", true, nil
	case len(s.spans) == 0 && s.plain(text):
		return "", false, failf("write counter: true if it is one; else "+hint, "nothing says that %s is a counter", text)
	case len(s.spans) == 0:
		return "", false, failf(hint, "the query %s has no range, so it cannot be asked over a window", text)
	}
	perSecond = true
	// From the last range to the first, so that places stay right.
	text = s.text
	for i := len(s.spans) - 1; i >= 0; i-- {
		r := s.spans[i]
		inner, counting := strings.TrimSpace(text[r.from:r.to]), r.function == "rate" || r.function == "increase"
		switch {
		case windowName.MatchString(inner):
		case duration.MatchString(inner) && counting:
		case duration.MatchString(inner):
			return "", false, failf(hint, "the range [%s] of %s cannot take another length: only those of rate and increase can", inner, r.function)
		default:
			return "", false, failf(hint, "the range [%s] is neither a duration nor {{.window}}", inner)
		}
		text = text[:r.from] + hole + text[r.to:]
		if r.function == "increase" { // a rate but for a factor, and comparable with others
			text = text[:r.at] + "rate" + text[r.at+len("increase"):]
		}
		perSecond = perSecond && counting
	}
	return summed(strings.TrimSpace(text)), perSecond, nil
}

// plain tells whether the text is a series by itself.
func (s scanned) plain(text string) bool {
	if s.braces < 0 {
		return plainName.MatchString(text)
	}
	name, rest := strings.TrimSpace(s.text[:s.braces]), s.text[s.braces:]
	return (name == "" || plainName.MatchString(name)) && strings.HasSuffix(strings.TrimSpace(rest), "}") && depthEndsOnce(rest)
}

// depthEndsOnce tells whether the brace that begins the text ends it.
func depthEndsOnce(text string) bool {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"', '\'', '`':
			i = closing(text, i)
		case '}':
			return strings.TrimSpace(text[i+1:]) == ""
		}
	}
	return false
}

// summed puts sum( ) around a query that is not one sum without labels already.
func summed(query string) string {
	if rest, ok := strings.CutPrefix(query, "sum("); ok {
		depth := 1
		for i := 0; i < len(rest); i++ {
			switch rest[i] {
			case '"', '\'', '`':
				i = closing(rest, i)
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 {
				if i == len(rest)-1 {
					return query
				}
				break
			}
		}
	}
	return "sum(" + query + ")"
}

// valueQuery is a query for one value, with the window's length in its holes.
func valueQuery(query, window string) (string, error) {
	s, err := scan(strings.TrimSpace(query))
	if err != nil {
		return "", err
	}
	text := s.text
	for i := len(s.spans) - 1; i >= 0; i-- {
		if r := s.spans[i]; windowName.MatchString(strings.TrimSpace(text[r.from:r.to])) {
			text = text[:r.from] + window + text[r.to:]
		}
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", failf("write the PromQL of the value", "a query is empty")
	}
	return text, nil
}
