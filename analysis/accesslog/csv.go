package accesslog

import (
	"errors"
	"fmt"
)

// csvFormat is any CSV file with a header whose columns have the names that our
// own exports have, or those that Options.Map gives.
func csvFormat() Format {
	return Format{
		Name: "csv",
		Detect: func(rows [][]byte) int {
			wanted, _ := genericFields(nil)
			if _, err := newTable(csvNames(rows), wanted); err != nil {
				return 0
			}
			return 80
		},
		// The rest that is wrong with the header is said when it is read.
		DetectMapped: func(rows [][]byte, wanted []genericField) int {
			names := csvNames(rows)
			for _, w := range wanted {
				if w.mapped && columnNamed(names, w.name) >= 0 {
					return 80
				}
			}
			return 0
		},
		New: newCSV,
		CSV: true,
	}
}

// csvNames reads the header of what may be CSV; nil if it is none. A header with
// line ends in it is in pieces here.
func csvNames(rows [][]byte) [][]byte {
	for _, row := range rows {
		if blankRow(row) {
			continue
		}
		header := csvRow{comma: csvComma(row)}
		if !header.split(row) || len(header.fields) < 2 {
			return nil
		}
		return header.fields
	}
	return nil
}

// A csvParser reads CSV files. Its first row is the header.
type csvParser struct {
	genericEvent
	row    csvRow
	wanted []genericField
	table  table
	width  int    // the number of columns; 0: no header yet
	broken error  // of Options.Map, or of the header: no row can be read
	why    string // the last row is malformed
}

func newCSV(o Options) Parser {
	p := new(csvParser)
	p.wanted, p.broken = genericFields(o.Map)
	return p
}

func (p *csvParser) Parse(row []byte, emit func(*Event)) Row {
	switch {
	case p.width == 0:
		p.header(row)
		if p.broken == nil {
			return NoRecord
		}
	case blankRow(row):
		return NoRecord
	case p.broken == nil:
		if p.why = p.read(row); p.why == "" {
			emit(&p.Event)
			return Record
		}
		return Malformed
	}
	p.why = p.broken.Error()
	return Malformed
}

func (p *csvParser) header(row []byte) {
	p.row.comma = csvComma(row)
	p.width = 1
	if p.broken != nil {
		return
	}
	if !p.row.split(row) {
		p.broken = errors.New("the header is not CSV")
		return
	}
	p.width = len(p.row.fields)
	p.table, p.broken = newTable(p.row.fields, p.wanted)
}

func (p *csvParser) read(row []byte) (why string) {
	if why = splitRow(&p.row, row, p.width); why != "" {
		return why
	}
	p.reset()
	for i, f := range p.table.fields {
		if why = p.set(f, p.row.fields[p.table.columns[i]]); why != "" {
			return why
		}
	}
	return p.finish()
}

// Explain says why the row that was read last is malformed.
func (p *csvParser) Explain([]byte) (why string, column int) { return p.why, 0 }

// splitRow splits a row that must have width fields.
func splitRow(r *csvRow, row []byte, width int) (why string) {
	switch {
	case !r.split(row):
		return "not CSV: a quoted field does not end, or goes on behind its quote"
	case len(r.fields) != width:
		return fmt.Sprintf("%d fields, and the header has %d", len(r.fields), width)
	}
	return ""
}
