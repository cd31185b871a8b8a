// Package render writes results: tables, JSON, YAML, CSV, Markdown, JUnit XML
// and small drawings for a terminal. It takes finished values and decides only
// how they look: it must not compute, round or judge them, nor open files.
package render

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/tw"
)

// Align is the side of a column on which its cells stand.
type Align int

// Left is for names, Right for numbers.
const (
	Left Align = iota
	Right
)

// Column is the head of one column.
type Column struct {
	Header string
	Align  Align
}

// Columns makes columns of headers; one that begins with ">" is right-aligned.
func Columns(headers ...string) []Column {
	cols := make([]Column, len(headers))
	for i, h := range headers {
		if name, ok := strings.CutPrefix(h, ">"); ok {
			cols[i] = Column{name, Right}
		} else {
			cols[i] = Column{h, Left}
		}
	}
	return cols
}

// Table is what a command lists. Rows shorter than the columns are filled
// with empty cells, longer ones are cut. Cells may be coloured by a Style; other
// control characters are left out, so that text of a server or a file cannot
// command a terminal. See Clean for text that must not bring colours either.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// gap is what stands between two columns.
const gap = "  "

// Write writes the table for people: no lines, two blanks between columns, no
// trailing blanks. When it is wider than width, its widest left-aligned columns
// are shortened with an ellipsis; width 0 is no limit.
func (t *Table) Write(w io.Writer, width int) error {
	grid := t.grid(oneLine)
	t.fit(grid, width)
	var text bytes.Buffer
	align := tw.CellAlignment{Global: tw.AlignLeft, PerColumn: make([]tw.Align, len(t.Columns))}
	for i, c := range t.Columns {
		align.PerColumn[i] = tw.AlignLeft
		if c.Align == Right {
			align.PerColumn[i] = tw.AlignRight
		}
	}
	table := tablewriter.NewTable(&text,
		tablewriter.WithRendition(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		}),
		tablewriter.WithPadding(tw.Padding{Right: gap, Overwrite: true}),
		// Cells are written as they are: no folding, wrapping or upper case.
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(align),
		tablewriter.WithRowAlignmentConfig(align),
		tablewriter.WithEastAsian(tw.Off), // the locale must not move columns
	)
	table.Header(grid[0])
	for _, row := range grid[1:] {
		if err := table.Append(row); err != nil {
			return fmt.Errorf("lay out a table: %w", err)
		}
	}
	if err := table.Render(); err != nil {
		return fmt.Errorf("lay out a table: %w", err)
	}
	out := bufio.NewWriter(w)
	for line := range strings.Lines(text.String()) {
		line = doubleReset.ReplaceAllString(line, "$1")
		out.WriteString(strings.TrimRight(line, " \n"))
		out.WriteByte('\n')
	}
	return out.Flush()
}

// doubleReset is what tablewriter leaves of a coloured cell: it ends the
// colour once more behind the padding, where it would keep blanks from being trimmed.
var doubleReset = regexp.MustCompile(`(\x1b\[0m *)\x1b\[0m`)

// grid is the header and the rows, each as long as the columns.
func (t *Table) grid(clean func(string) string) [][]string {
	header := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		header[i] = clean(c.Header)
	}
	grid := [][]string{header}
	for _, cells := range t.Rows {
		row := make([]string, len(t.Columns))
		for i := range min(len(row), len(cells)) {
			row[i] = clean(cells[i])
		}
		grid = append(grid, row)
	}
	return grid
}

// fit shortens the widest left-aligned columns until the grid fits into width, but not to
// nothing: a wrapped line says more.
func (t *Table) fit(grid [][]string, width int) {
	if width <= 0 || len(t.Columns) == 0 {
		return
	}
	total, widths := len(gap)*(len(t.Columns)-1), make([]int, len(t.Columns))
	for i := range t.Columns {
		for _, row := range grid {
			widths[i] = max(widths[i], twwidth.Width(row[i]))
		}
		total += widths[i]
	}
	for _, least := range []int{shortColumn, leastColumn} {
		for total > width {
			widest, next := -1, least
			for i, c := range t.Columns {
				switch {
				case c.Align != Left || widths[i] <= least:
				case widest < 0 || widths[i] > widths[widest]:
					if widest >= 0 {
						next = max(next, widths[widest])
					}
					widest = i
				default:
					next = max(next, widths[i])
				}
			}
			if widest < 0 {
				break
			}
			limit := max(min(next, widths[widest]-1), widths[widest]-(total-width), least)
			total -= widths[widest] - limit
			widths[widest] = limit
		}
	}
	for _, row := range grid {
		for i, cell := range row {
			if twwidth.Width(cell) > widths[i] {
				row[i] = twwidth.Truncate(cell, widths[i], "…")
			}
		}
	}
}

// A column of times or names is not shortened while there is a wider one, and 8
// characters are kept of each.
const (
	shortColumn = 20
	leastColumn = 8
)

// oneLine keeps a cell in its line and its control characters off the
// terminal; the sequences that set a colour stay.
func oneLine(cell string) string {
	var b strings.Builder
	for len(cell) > 0 {
		text, color := cell, ""
		if at := sgr.FindStringIndex(cell); at != nil {
			text, color = cell[:at[0]], cell[at[0]:at[1]]
		}
		cell = cell[len(text)+len(color):]
		b.WriteString(blanks.Replace(Clean(text)))
		b.WriteString(color)
	}
	return b.String()
}
