package render

import (
	"regexp"
	"strings"
	"unicode"
)

// Clean leaves the control characters out of text, the escape that commands a
// terminal among them; ends of lines (all as "\n") and tabs stay. What is no
// UTF-8 becomes U+FFFD. It is for text that comes from a server or a file.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, lineEnds.Replace(text))
}

var (
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	blanks   = strings.NewReplacer("\n", " ", "\t", " ")

	// sgr is a sequence that sets a colour (Select Graphic Rendition), as Style
	// writes it.
	sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)
)

// LabelValue is the value of a label in the text format of Prometheus, quotes included.
func LabelValue(text string) string { return `"` + labelEscapes.Replace(Clean(text)) + `"` }

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
