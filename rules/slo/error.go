package slo

import (
	"fmt"
	"strings"
)

// Error says what is wrong with an objective, where, and what to do.
type Error struct {
	File   string // "" for an inline expression
	Line   int    // from 1; 0: not in a file
	Column int    // from 1, in characters; 0: not known
	Msg    string
	Hint   string // what to do; may be empty
}

// Error is "file:line:column: message", with the parts that are known.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File + ":")
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&b, "%d:", e.Column)
		}
	} else if e.Column > 0 {
		fmt.Fprintf(&b, "column %d:", e.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	return b.String() + e.Msg
}
