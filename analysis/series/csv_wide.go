package series

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// isCSVWide knows a table with a column of timestamps.
func isCSVWide(start []byte) bool {
	header, first, _ := csvHeader(start)
	return len(header) >= 2 && timeColumn(header, first) >= 0 && !isRequestLog(start, header)
}

// noSample are the bits of an empty cell in a block.
const noSample = 0x7ff8_0000_0000_0e3d

// A wideTable is a table with a column for each series.
type wideTable struct {
	table
	entries []*entry // by column; nil: not read
	// A block of rows is read before it goes to the series, column by column.
	times []int64
	cells []float64
}

// blockCells is what fits into a core's own cache.
const blockCells = 16 << 10

// readCSVWide reads timestamp,<series>,… .
func readCSVWide(r *reader) error {
	t := &wideTable{table: table{reader: r}}
	if err := t.open(); err != nil {
		return err
	}
	if t.time < 0 {
		return &SyntaxError{r.name, 1, 1, "no column of timestamps: name it timestamp"}
	}
	seen := map[*entry]bool{}
	t.entries = make([]*entry, len(t.header))
	for i, name := range t.header {
		if i == t.time || name == "" {
			continue
		}
		ls, err := t.labels(name)
		if err != nil {
			return &SyntaxError{r.name, 1, 1, fmt.Sprintf("column %d, %s: %v", i+1, name, err)}
		}
		e, err := r.w.series(ls)
		if err != nil {
			return fmt.Errorf("%s:1: %w", r.name, err)
		}
		if seen[e] {
			return &SyntaxError{r.name, 1, 1, "two columns " + name}
		}
		seen[e], t.entries[i] = true, e
	}
	most := max(1, blockCells/len(t.header))
	t.cells = make([]float64, 0, most*len(t.header))
	err := t.rows(func(row []byte) error {
		err := t.cut(row)
		if len(t.times) == most {
			t.flush()
		}
		return err
	})
	t.flush()
	return err
}

// labels reads what heads a column: name{label="value"}, or any text, which is the
// name then.
func (t *wideTable) labels(text string) (labels.Labels, error) {
	if strings.HasSuffix(text, "}") && strings.IndexByte(text, '{') >= 0 {
		ls, _, err := t.names.parse([]byte(text))
		return ls, err
	}
	return labels.FromStrings(model.MetricNameLabel, text), nil
}

// cut reads a row into the block.
func (t *wideTable) cut(row []byte) error {
	comma := t.csv.Comma()
	if bytes.IndexByte(row, '"') >= 0 {
		return t.quoted(row)
	}
	from := len(t.cells)
	cells := t.cells[:from+len(t.entries)]
	var when int64
	var bad error
	rest := row
	last := len(t.entries) - 1
	for i, e := range t.entries {
		end := 0
		for end < len(rest) && rest[end] != comma {
			end++
		}
		if (end == len(rest)) != (i == last) {
			return t.width(bytes.Count(row, []byte{comma}) + 1)
		}
		switch cell := rest[:end]; {
		case e != nil:
			v, ok := parseFloat(cell)
			if !ok || v != v { // NaN
				v = math.Float64frombits(noSample)
				if !ok && !missing(bytes.TrimSpace(cell)) {
					if v, ok = parseFloat(bytes.TrimSpace(cell)); !ok {
						v, bad = math.Float64frombits(noSample), t.cell(i, at(row, cell), cell)
					}
				}
			}
			cells[from+i] = v
		case i == t.time:
			var ok bool
			if when, ok = t.clock.parse(bytes.TrimSpace(cell)); !ok {
				return badRow{at(row, cell), fmt.Sprintf("%q is no timestamp", shortened(cell))}
			}
		}
		if end < len(rest) {
			rest = rest[end+1:]
		}
	}
	t.times, t.cells = append(t.times, when), cells
	return bad
}

// quoted is cut for rows with quotes.
func (t *wideTable) quoted(row []byte) error {
	fields, ok := t.csv.Fields(row)
	switch {
	case !ok:
		return badRow{0, "the quotes of the row do not match"}
	case len(fields) != len(t.entries):
		return t.width(len(fields))
	}
	when, ok := t.clock.parse(bytes.TrimSpace(fields[t.time]))
	if !ok {
		return badRow{0, fmt.Sprintf("%q is no timestamp", shortened(fields[t.time]))}
	}
	var bad error
	from := len(t.cells)
	cells := t.cells[:from+len(t.entries)]
	for i, e := range t.entries {
		cells[from+i] = math.Float64frombits(noSample)
		cell := bytes.TrimSpace(fields[i])
		if e == nil || missing(cell) {
			continue
		}
		if v, ok := parseFloat(cell); ok {
			cells[from+i] = v
		} else {
			bad = t.cell(i, 0, cell)
		}
	}
	t.times, t.cells = append(t.times, when), cells
	return bad
}

func (t *wideTable) width(n int) error {
	return badRow{0, fmt.Sprintf("%d fields, the header has %d", n, len(t.header))}
}

func (t *wideTable) cell(i, column int, cell []byte) error {
	return badRow{column, fmt.Sprintf("%q, of %s, is no number", shortened(cell), t.header[i])}
}

func shortened(b []byte) []byte { return b[:min(len(b), 40)] }

// flush gives the block to the series.
func (t *wideTable) flush() {
	width := len(t.entries)
	for i, e := range t.entries {
		if e == nil {
			continue
		}
		for k, when := range t.times {
			if v := t.cells[k*width+i]; math.Float64bits(v) != noSample {
				t.w.feed.add(e, when, v)
			}
		}
	}
	t.times, t.cells = t.times[:0], t.cells[:0]
}
