package render

import (
	"encoding/csv"
	"io"
	"strings"
)

// CSV writes the table as RFC 4180 with a header line. A cell that a
// spreadsheet would run as a formula gets an apostrophe in front.
func (t *Table) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	for _, row := range t.grid(plain) {
		for i, cell := range row {
			if formula(cell) {
				row[i] = "'" + cell
			}
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// formula tells whether a spreadsheet takes cell for a formula. Numbers and a
// lone dash are none.
func formula(cell string) bool {
	if cell == "" || !strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return false
	}
	return strings.Trim(cell[1:], "0123456789.,eE+-% ") != "" || cell[0] == '=' || cell[0] == '@'
}

// Markdown writes the table in the form of GitHub.
func (t *Table) Markdown(w io.Writer) error {
	var b strings.Builder
	for i, row := range t.grid(markdownCell) {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i > 0 {
			continue
		}
		for _, c := range t.Columns {
			if c.Align == Right {
				b.WriteString("| ---: ")
			} else {
				b.WriteString("| --- ")
			}
		}
		b.WriteString("|\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "<", "&lt;", "&", "&amp;", "\n", "<br>",
)

func markdownCell(cell string) string { return markdownEscapes.Replace(plain(cell)) }

// plain takes the colours out of a cell, and what else commands a terminal.
func plain(cell string) string { return Clean(sgr.ReplaceAllString(cell, "")) }
