package render

import (
	"fmt"
	"io"
)

// Screen writes a report for a terminal, piece by piece. The first error sticks:
// nothing is written after it.
type Screen struct {
	W     io.Writer
	Style Style
	Width int // columns, 0 for no limit
	Err   error
}

// Printf writes text.
func (s *Screen) Printf(format string, args ...any) {
	if s.Err == nil {
		_, s.Err = fmt.Fprintf(s.W, format, args...)
	}
}

// Section writes a table below its title; an empty table is left out.
func (s *Screen) Section(title string, t *Table) {
	if len(t.Rows) == 0 || s.Err != nil {
		return
	}
	s.Printf("\n%s\n", s.Style.Bold(title))
	if s.Err == nil {
		s.Err = t.Write(s.W, s.Width)
	}
}
