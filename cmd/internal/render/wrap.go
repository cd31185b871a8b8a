package render

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks text at blanks into lines of at most width columns, each behind
// indent. A longer word stands alone; width 0 is no limit.
func Wrap(text string, width int, indent string) string {
	var out strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			out.WriteString(indent)
			column = utf8.RuneCountInString(indent)
		case width > 0 && column+1+n > width:
			out.WriteString("\n" + indent)
			column = utf8.RuneCountInString(indent)
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += n
	}
	if column > 0 {
		out.WriteByte('\n')
	}
	return out.String()
}
