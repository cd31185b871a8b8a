package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// YAML writes what JSON writes, with the same keys in the same order.
//
// It goes value by value: a tree of yaml.Node for a document of ten thousands of
// rows takes hundreds of megabytes, and most of a minute.
func YAML(w io.Writer, v any) error {
	var text bytes.Buffer
	if err := JSONLine(&text, v); err != nil {
		return err
	}
	y := yamlWriter{in: json.NewDecoder(&text), out: bufio.NewWriter(w), words: map[string]string{}}
	y.in.UseNumber()
	tok := y.token()
	switch {
	case tok == json.Delim('{') && y.in.More():
		y.object(0, false)
	case tok == json.Delim('[') && y.in.More():
		y.array(0, false)
	default:
		y.leaf(tok, 2)
	}
	if y.err == nil {
		y.err = y.out.Flush()
	}
	if y.err != nil {
		return fmt.Errorf("write YAML: %w", y.err)
	}
	return nil
}

// A yamlWriter writes the tokens of a JSON document as YAML. Its first error stays.
type yamlWriter struct {
	in    *json.Decoder
	out   *bufio.Writer
	words map[string]string // keys as they are written
	err   error
}

// token is the next one; nil after an error, too.
func (y *yamlWriter) token() json.Token {
	if y.err != nil {
		return nil
	}
	tok, err := y.in.Token()
	y.err = err
	return tok
}

func (y *yamlWriter) text(s string) {
	if _, err := y.out.WriteString(s); err != nil && y.err == nil {
		y.err = err
	}
}

// begin is what stands before item n: nothing of the first one if it goes on in
// the line of the list's dash.
func (y *yamlWriter) begin(n, indent int, inline bool) {
	if n > 0 || !inline {
		y.text(strings.Repeat(" ", indent))
	}
}

// object writes the members of an object that has some, up to its end.
func (y *yamlWriter) object(indent int, inline bool) {
	for n := 0; y.err == nil && y.in.More(); n++ {
		y.begin(n, indent, inline)
		key, _ := y.token().(string)
		if _, ok := y.words[key]; !ok {
			y.words[key] = y.word(key)
		}
		y.text(y.words[key] + ":")
		switch tok := y.token(); {
		case tok == json.Delim('{') && y.in.More():
			y.text("\n")
			y.object(indent+2, false)
		case tok == json.Delim('[') && y.in.More():
			y.text("\n")
			y.array(indent+2, false)
		default:
			y.text(" ")
			y.leaf(tok, indent+2)
		}
	}
	y.token() // the closing bracket
}

// array writes the elements of an array that has some, up to its end.
func (y *yamlWriter) array(indent int, inline bool) {
	for n := 0; y.err == nil && y.in.More(); n++ {
		y.begin(n, indent, inline)
		y.text("- ")
		switch tok := y.token(); {
		case tok == json.Delim('{') && y.in.More():
			y.object(indent+2, true)
		case tok == json.Delim('[') && y.in.More():
			y.array(indent+2, true)
		default:
			y.leaf(tok, indent+2)
		}
	}
	y.token() // the closing bracket
}

// leaf writes a scalar, or an empty object or array, and the line end. indent is that
// of further lines.
func (y *yamlWriter) leaf(tok json.Token, indent int) {
	switch v := tok.(type) {
	case json.Delim:
		y.text(map[json.Delim]string{'{': "{}\n", '[': "[]\n"}[v])
		y.token() // the closing bracket
	case string:
		y.value(v, indent)
	case nil:
		y.text("null\n")
	default:
		y.text(fmt.Sprintln(v))
	}
}

// word is a string as YAML, within one line.
func (y *yamlWriter) word(s string) string {
	if plainWord(s) {
		return s
	}
	var of any = s // the library knows the words that older readers take for something else
	if strings.ContainsAny(s, "\n\r\u0085\u2028\u2029\ufeff") {
		of = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
	}
	text, err := yaml.Marshal(of)
	if err != nil && y.err == nil {
		y.err = err
	}
	return strings.TrimSuffix(string(text), "\n")
}

// value writes a string, one of several lines as a block of them.
func (y *yamlWriter) value(s string, indent int) {
	first, _ := utf8.DecodeRuneInString(s)
	if !strings.Contains(s, "\n") || unicode.IsSpace(first) || strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		y.text(y.word(s) + "\n")
		return
	}
	head := "|-\n"
	if body, ok := strings.CutSuffix(s, "\n"); ok {
		if head, s = "|\n", body; strings.HasSuffix(body, "\n") {
			head = "|+\n"
		}
	}
	y.text(head)
	for line := range strings.SplitSeq(s, "\n") {
		if line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		y.text(line + "\n")
	}
}

// otherWords are those that mean something else than their letters, to readers of
// any version.
var otherWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// plainWord tells of most words that they need no quotes: letters or a slash, then
// letters, digits and what never means anything within a word.
func plainWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '/'
		if !letter && (i == 0 || c-'0' > 9 && c != '_' && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && !slices.Contains(otherWords, strings.ToLower(s))
}
