package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"llmops/analysis/accesslog"
)

// A table is a CSV file.
type table struct {
	*reader
	csv    *accesslog.CSV
	header []string
	time   int // the column of the timestamp
}

// Names of columns, in lower case.
var (
	timeNames   = []string{"timestamp", "time", "ts", "datetime", "date", "_time", "@timestamp"}
	metricNames = []string{"metric", "metric_name", "__name__"}
)

// csvHeader takes the header of what may be CSV: its names, the first field of the
// first row behind it, and the file's separator.
func csvHeader(start []byte) (names []string, first string, csv *accesslog.CSV) {
	line := start
	if n := lineEnd(start); n > 0 {
		line = start[:n]
	}
	csv = accesslog.NewCSV(line)
	end := csv.Next(start)
	if end == 0 {
		end = len(start)
	}
	fields, ok := csv.Fields(trimEnd(start[:end]))
	if !ok {
		return nil, "", csv
	}
	for _, f := range fields {
		names = append(names, strings.TrimSpace(string(f)))
	}
	rest := start[end:]
	if n := csv.Next(rest); n > 0 {
		rest = rest[:n]
	}
	if fields, ok := csv.Fields(trimEnd(rest)); ok {
		first = string(bytes.TrimSpace(fields[0]))
	}
	return names, first, csv
}

// columnNamed finds the first of some names in a header; -1: none is there.
func columnNamed(header, names []string) int {
	return slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, strings.ToLower(h)) })
}

// timeColumn finds the timestamp: by its name, or as a first column that begins with
// a date.
func timeColumn(header []string, first string) int {
	if at := columnNamed(header, timeNames); at >= 0 {
		return at
	}
	isDate := func(text string) bool {
		_, ok := new(clock).parse([]byte(text))
		return ok && len(text) > 10 && text[4] == '-'
	}
	if len(header) > 0 && isDate(first) && !isDate(header[0]) { // else it is a log with commas
		return 0
	}
	return -1
}

// isRequestLog tells whether a header is that of a request log, which says how each
// request ended.
func isRequestLog(start []byte, header []string) bool {
	if columnNamed(header, []string{"status", "error", "status_code", "level"}) < 0 {
		return false
	}
	_, ok := accesslog.Recognise([][]byte{trimEnd(start[:max(lineEnd(start), 0)])})
	return ok
}

// rowEnd finds the end of a row; one without quotes, as most, ends with its line.
func (t *table) rowEnd(b []byte) int {
	n := lineEnd(b)
	if line := b[:max(n, 0)]; n > 0 && bytes.IndexByte(line, '"') < 0 {
		return n
	}
	return t.csv.Next(b)
}

// open reads the header.
func (t *table) open() error {
	if err := t.need(inputSize); err != nil {
		return err
	}
	line := t.rest()
	if n := lineEnd(line); n > 0 {
		line = line[:n]
	}
	t.csv = accesslog.NewCSV(line)
	row, err := t.row(t.rowEnd)
	if err != nil {
		return fmt.Errorf("%s:1: the header: %w", t.name, err)
	}
	fields, ok := t.csv.Fields(trimEnd(row))
	if !ok {
		return &SyntaxError{t.name, 1, 1, "the quotes of the header do not match"}
	}
	for _, f := range fields {
		t.header = append(t.header, strings.TrimSpace(string(f)))
	}
	_, first, _ := csvHeader(append(append([]byte(nil), row...), t.rest()[:min(len(t.rest()), 64<<10)]...))
	t.time = timeColumn(t.header, first)
	return nil
}

// rows calls each with every row behind the header, without its end.
func (t *table) rows(each func(row []byte) error) error {
	for n := 0; ; n++ {
		row, err := t.row(t.rowEnd)
		switch {
		case errors.Is(err, errLong):
			t.malformed(t.long, 0, row, err.Error())
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		whole := row
		if row = trimEnd(row); len(bytes.TrimSpace(row)) == 0 {
			continue
		}
		if err := each(row); err != nil {
			if bad, ok := errors.AsType[badRow](err); ok {
				t.malformed(t.lineOf(whole), bad.column, row, bad.why)
				continue
			}
			return err
		}
		if n%1024 == 0 && t.ctx.Err() != nil {
			return t.ctx.Err()
		}
	}
}

// A badRow says why a row is malformed.
type badRow struct {
	column int // in bytes from 1; 0: all of it
	why    string
}

func (b badRow) Error() string { return b.why }

// at is the column of a field; 0 in a row with quotes, whose fields may be copies.
func at(row, field []byte) int {
	if i := cap(row) - cap(field); bytes.IndexByte(row, '"') < 0 && i >= 0 && i <= len(row) {
		return i + 1
	}
	return 0
}
