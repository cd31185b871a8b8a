package routing

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The operators of matchers.
const (
	Equal     = "="
	NotEqual  = "!="
	Regexp    = "=~" // anchored at both ends
	NotRegexp = "!~"
)

// Matcher is a condition on the value of one label; a label that is absent has
// the value "". NewMatcher makes one.
type Matcher struct {
	Label, Op, Value string
	re               *regexp.Regexp
}

// NewMatcher is label op value; op is one of the four operators.
func NewMatcher(label, op, value string) (Matcher, error) {
	m := Matcher{Label: label, Op: op, Value: value}
	switch op {
	case Equal, NotEqual:
	case Regexp, NotRegexp:
		if _, err := regexp.Compile(value); err != nil {
			return m, fmt.Errorf("%q is no regular expression: %w", value, err)
		}
		re, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return m, fmt.Errorf("%q is no regular expression: %w", value, err)
		}
		m.re = re
	default:
		return m, fmt.Errorf("%q is no operator; they are =, !=, =~ and !~", op)
	}
	return m, nil
}

// Matches tells whether a label with this value fulfils the condition.
func (m Matcher) Matches(value string) bool {
	switch m.Op {
	case Equal:
		return value == m.Value
	case NotEqual:
		return value != m.Value
	case Regexp:
		return m.re.MatchString(value)
	default:
		return !m.re.MatchString(value)
	}
}

// String is the matcher as both of Alertmanager's parsers read it.
func (m Matcher) String() string {
	if strings.ContainsFunc(m.Label, reserved) {
		return strconv.Quote(m.Label) + m.Op + strconv.Quote(m.Value)
	}
	return m.Label + m.Op + `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(m.Value) + `"`
}

// Matches tells whether labels fulfil all of the matchers.
func Matches(matchers []Matcher, labels map[string]string) bool {
	for _, m := range matchers {
		if !m.Matches(labels[m.Label]) {
			return false
		}
	}
	return true
}

// sortMatchers puts them into the order in which Alertmanager writes them.
func sortMatchers(ms []Matcher) {
	slices.SortStableFunc(ms, func(a, b Matcher) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Op, b.Op))
	})
}

func formatMatchers(ms []Matcher) string {
	texts := make([]string, len(ms))
	for i, m := range ms {
		texts[i] = m.String()
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// ParseMatchers reads matchers separated by commas, with or without braces
// around them: severity="critical", team=~"a|b". The syntax is Alertmanager's:
// the classic one, in which quotes may be left out, and where it does not apply
// the newer one, in which names may be any UTF-8 text in quotes.
func ParseMatchers(text string) ([]Matcher, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("the matcher is not valid UTF-8")
	}
	ms, err := parseClassic(text)
	if err == nil {
		return ms, nil
	}
	if ms, errQuoted := parseQuoted(text); errQuoted == nil {
		return ms, nil
	}
	return nil, err
}

var classicMatcher = regexp.MustCompile(`(?s)^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*$`)

func parseClassic(text string) ([]Matcher, error) {
	var ms []Matcher
	for _, part := range splitClassic(strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")) {
		found := classicMatcher.FindStringSubmatch(part)
		if found == nil {
			return nil, fmt.Errorf("%q is no matcher; want one such as severity=\"critical\"", part)
		}
		value, err := unquoteClassic(found[3])
		if err != nil {
			return nil, err
		}
		m, err := NewMatcher(found[1], found[2], value)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// splitClassic cuts at the commas outside of quotes; what is left after the last
// one counts if it is not blank.
func splitClassic(text string) []string {
	var parts []string
	quoted, escaped, from := false, false, 0
	for i, r := range text {
		if r == ',' { // which does not end an escape: Alertmanager's reading
			if !quoted {
				parts = append(parts, text[from:i])
				from = i + 1
			}
			continue
		}
		if r == '"' && !escaped {
			quoted = !quoted
		}
		escaped = r == '\\' && !escaped
	}
	if rest := strings.TrimSpace(text[from:]); rest != "" {
		parts = append(parts, rest)
	}
	return parts
}

// unquoteClassic takes off quotes, if there are any, and the escapes of \n, \"
// and \\; any other backslash stands for itself.
func unquoteClassic(text string) (string, error) {
	errQuote := fmt.Errorf("the value %s has a quote that is not escaped", text)
	raw, quoted := strings.CutPrefix(text, `"`)
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\' && i+1 < len(raw):
			i++
			switch raw[i] {
			case 'n':
				b.WriteByte('\n')
			case '"', '\\':
				b.WriteByte(raw[i])
			default:
				b.WriteString(raw[i-1 : i+1])
			}
		case c == '"':
			if !quoted || i+1 < len(raw) {
				return "", errQuote
			}
			quoted = false
		default:
			b.WriteByte(c)
		}
	}
	if quoted {
		return "", errQuote
	}
	return b.String(), nil
}

func reserved(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("{}!=~,\\\"'`", r)
}
