package html

import (
	"strings"

	"llmops/cmd/internal/render"
)

// FromTable turns a table for the terminal into one for the page. Cells below
// the header VERDICT look like what kind says of them.
func FromTable(t *render.Table, kind func(verdict string) Kind) *Table {
	out := &Table{}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, Column{Header: strings.ToLower(c.Header), Numeric: c.Align == render.Right})
	}
	for _, row := range t.Rows {
		var cells []Cell
		for i, text := range row {
			cell := Cell{Text: render.Clean(text)}
			if t.Columns[i].Header == "VERDICT" {
				cell.Kind = kind(text)
			}
			cells = append(cells, cell)
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}
