// Package rows reads tables of metrics as they stand: a row keeps its place and the
// spelling of its time, whether times repeat or fall, and whether a cell is empty. It
// judges nothing, and reads CSV alone; package series reads the other formats, into
// series that are in order of time.
package rows

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/accesslog"
)

// A Table is a CSV file, wide (a column for each series) or long (a row for each
// sample).
type Table struct {
	Series []string // in the order in which they come in the file
	Stamps []string // of each row, as it stands there
	Times  []int64  // of each row, ms since the epoch; NoTime: it is none
	// Values are those of a wide table by row, len(Series) for each; of a long table one
	// for each row. NaN: the cell is empty, or no number.
	Values []float64
	// Of is the series of each row of a long table; nil: the table is wide.
	Of []int32
	// Malformed are rows and cells that cannot be read; Samples the first of them.
	Malformed int
	Samples   []accesslog.Sample
}

// NoTime is the time of a row whose timestamp cannot be read.
const NoTime = math.MinInt64

// maxSamples is how many malformed rows are shown.
const maxSamples = 5

var (
	timeNames   = []string{"timestamp", "time", "ts", "datetime", "date", "_time", "@timestamp"}
	metricNames = []string{"metric", "metric_name", "__name__"}
	valueNames  = []string{"value"}
)

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.Times) }

// Column yields the rows of a series: their number, time and value.
func (t *Table) Column(series int) func(yield func(row int, v float64) bool) {
	return func(yield func(int, float64) bool) {
		width := len(t.Series)
		for row := range t.Times {
			var v float64
			switch {
			case t.Of == nil:
				v = t.Values[row*width+series]
			case t.Of[row] != int32(series):
				continue
			default:
				v = t.Values[row]
			}
			if !yield(row, v) {
				return
			}
		}
	}
}

// Parse reads content. Not ok: it is no table with a column of times, or it is a
// request log. The error is about the header.
func Parse(name string, content []byte) (table *Table, ok bool, err error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	line, _, _ := bytes.Cut(content, []byte{'\n'})
	csv := accesslog.NewCSV(line)
	end := csv.Next(content)
	if end <= 0 {
		end = len(content)
	}
	fields, ok := csv.Fields(bytes.TrimRight(content[:end], "\r\n"))
	if !ok || len(fields) < 2 {
		return nil, false, nil
	}
	p := &parser{name: name, csv: csv, time: -1, metric: -1, value: -1, t: &Table{}}
	for _, f := range fields {
		p.header = append(p.header, strings.TrimSpace(string(f)))
	}
	p.time, p.metric, p.value = p.find(timeNames), p.find(metricNames), p.find(valueNames)
	if p.time < 0 && p.beginsWithDate(content[end:]) {
		p.time = 0
	}
	if p.time < 0 || p.find([]string{"status", "error", "status_code", "level"}) >= 0 && p.metric < 0 {
		return nil, false, nil
	}
	if p.metric >= 0 && p.value >= 0 {
		p.known = map[string]int32{}
		p.t.Of = []int32{}
	} else if err := p.columns(); err != nil {
		return nil, true, err
	}
	p.line = 1 + int64(max(1, bytes.Count(content[:end], []byte{'\n'})))
	p.rows(content[end:])
	return p.t, true, nil
}

// A parser reads one table.
type parser struct {
	name                string
	csv                 *accesslog.CSV
	header              []string
	time, metric, value int
	wide                []int            // columns of series
	known               map[string]int32 // series of a long table
	clock               accesslog.Clock
	line                int64
	t                   *Table
}

func (p *parser) find(names []string) int {
	return slices.IndexFunc(p.header, func(h string) bool { return slices.Contains(names, strings.ToLower(h)) })
}

// beginsWithDate tells whether the first column of the first row is a date, and that of
// the header none: a log with commas has no header.
func (p *parser) beginsWithDate(rest []byte) bool {
	n := p.csv.Next(rest)
	if n <= 0 {
		n = len(rest)
	}
	fields, ok := p.csv.Fields(bytes.TrimRight(rest[:n], "\r\n"))
	return ok && len(fields) > 0 && p.isDate(bytes.TrimSpace(fields[0])) && !p.isDate([]byte(p.header[0]))
}

func (p *parser) isDate(text []byte) bool {
	_, ok := p.clock.Parse(text)
	return ok && len(text) > 10 && text[4] == '-'
}

// columns are the series of a wide table.
func (p *parser) columns() error {
	for i, h := range p.header {
		switch {
		case i == p.time || h == "":
			continue
		case slices.Contains(p.t.Series, h):
			return fmt.Errorf("%s:1: two columns %s", p.name, h)
		}
		p.t.Series, p.wide = append(p.t.Series, h), append(p.wide, i)
	}
	if len(p.wide) == 0 {
		return fmt.Errorf("%s:1: no column beside the times", p.name)
	}
	return nil
}

func (p *parser) rows(b []byte) {
	for len(b) > 0 {
		n := p.csv.Next(b)
		if n <= 0 {
			n = len(b)
		}
		row := bytes.TrimRight(b[:n], "\r\n")
		if len(bytes.TrimSpace(row)) > 0 {
			p.row(row)
		}
		p.line += int64(bytes.Count(b[:n], []byte{'\n'}))
		b = b[n:]
	}
}

// row takes a row, whatever is in it: it has its place in the result.
func (p *parser) row(row []byte) {
	fields, ok := p.csv.Fields(row)
	stamp, at := "", int64(NoTime)
	if ok && len(fields) > p.time {
		cell := bytes.TrimSpace(fields[p.time])
		stamp = string(cell)
		if when, ok := p.clock.Parse(cell); ok {
			at = when.Floor()
		} else {
			p.malformed(row, fmt.Sprintf("%q is no timestamp", accesslog.Shown(cell)))
		}
	}
	if !ok || len(fields) != len(p.header) {
		if at != NoTime || !ok {
			p.malformed(row, fmt.Sprintf("%d fields, the header has %d", len(fields), len(p.header)))
		}
		if p.t.Of != nil { // of no series
			return
		}
	}
	p.t.Stamps, p.t.Times = append(p.t.Stamps, stamp), append(p.t.Times, at)
	if p.t.Of == nil {
		for _, c := range p.wide {
			v := math.NaN()
			if c < len(fields) {
				v = p.number(row, fields[c])
			}
			p.t.Values = append(p.t.Values, v)
		}
		return
	}
	p.t.Of = append(p.t.Of, p.series(fields))
	p.t.Values = append(p.t.Values, p.number(row, fields[p.value]))
}

// series is the number of the series that a row of a long table is of. Its name carries
// the labels of the other columns.
func (p *parser) series(fields [][]byte) int32 {
	name := strings.TrimSpace(string(fields[p.metric]))
	var labels []string
	for i, f := range fields {
		if i != p.time && i != p.metric && i != p.value && len(f) > 0 && p.header[i] != "" {
			labels = append(labels, p.header[i]+"="+strconv.Quote(string(f)))
		}
	}
	if len(labels) > 0 {
		slices.Sort(labels)
		name += "{" + strings.Join(labels, ",") + "}"
	}
	i, ok := p.known[name]
	if !ok {
		i = int32(len(p.t.Series))
		p.known[name] = i
		p.t.Series = append(p.t.Series, name)
	}
	return i
}

// number is the value of a cell; NaN for an empty one, and one that cannot be read.
func (p *parser) number(row, cell []byte) float64 {
	cell = bytes.TrimSpace(cell)
	switch strings.ToLower(string(cell)) {
	case "", "null", "nan", "na", "n/a", "none", "-":
		return math.NaN()
	}
	v, err := strconv.ParseFloat(string(cell), 64)
	if err != nil {
		p.malformed(row, fmt.Sprintf("%q is no number", accesslog.Shown(cell)))
		return math.NaN()
	}
	return v
}

func (p *parser) malformed(row []byte, why string) {
	p.t.Malformed++
	if len(p.t.Samples) < maxSamples {
		p.t.Samples = append(p.t.Samples, accesslog.Sample{File: p.name, Line: p.line, Why: why, Text: accesslog.Shown(row)})
	}
}
