package alert

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a file; the zero Position is none.
type Position struct {
	File         string
	Line, Column int // from 1; columns are characters; 0: not known
}

// String is file:line:column, as far as they are known.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Line is where a piece of an expression stands that is on one line of its file.
type Line struct {
	Offset int // of its first byte in the expression
	Position
}

// At is the place of a byte of Expr, as the errors of PromQL count them; the place of
// the rule where that is not known.
func (r Rule) At(offset int) Position {
	at := r.Position
	for _, l := range r.ExprLines {
		if l.Offset > offset {
			break
		}
		before, _, _ := strings.Cut(r.Expr[min(l.Offset, len(r.Expr)):min(offset, len(r.Expr))], "\n")
		at = l.Position
		at.Column += utf8.RuneCountInString(before)
	}
	return at
}

// lines finds the text of a scalar in the lines of its file. It goes through both side
// by side, for YAML indents, folds and quotes; where they part it knows no more.
func lines(file string, raw []string, node *yaml.Node, text string) []Line {
	line, column := node.Line-1, node.Column-1 // from 0, in characters
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		line, column = line+1, 0
	case node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		column++
	}
	var found []Line
	for at := 0; line < len(raw); line, column = line+1, 0 {
		rest := []rune(raw[line])
		fresh := true // nothing of this line yet
		for ; column < len(rest); column++ {
			for at < len(text) && unicode.IsSpace(first(text[at:])) {
				at++
			}
			if at == len(text) {
				return found
			}
			c, want := rest[column], first(text[at:])
			if unicode.IsSpace(c) {
				continue
			}
			if c != want && (c == '\\' || c == '\'') { // of a quoted scalar
				continue
			}
			if c != want {
				return found
			}
			if fresh {
				found = append(found, Line{at, Position{file, line + 1, column + 1}})
				fresh = false
			}
			_, size := utf8.DecodeRuneInString(text[at:])
			at += size
			if c == '\'' && node.Style&yaml.SingleQuotedStyle != 0 {
				column++ // it stands there twice
			}
			if at >= len(text) {
				return found
			}
		}
	}
	return found
}

func first(text string) rune {
	r, size := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && size == 1 {
		return unicode.ReplacementChar
	}
	return r
}

// splitLines ends lines where YAML does.
func splitLines(content []byte) []string {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(breaks.Replace(string(content)), "\n")
}
