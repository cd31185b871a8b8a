package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// isText knows a metrics page by its comments, or by a row that is a sample.
func isText(start []byte) bool {
	for row := range bytes.Lines(start) {
		row = bytes.TrimSpace(row)
		switch {
		case len(row) == 0:
			continue
		case row[0] == '#':
			if kind, _, ok := comment(row); ok && kind != "" {
				return true
			}
			continue
		}
		var p nameParser
		end := seriesEnd(row)
		if end == 0 || row[0] >= '0' && row[0] <= '9' { // names begin with letters, logs with times
			return false
		}
		if _, _, err := p.parse(row[:end]); err != nil {
			return false
		}
		_, _, err := new(clock).sample(row[end:])
		return err == nil || errors.Is(err, errNoTime)
	}
	return false
}

// comment takes "# TYPE name type" apart; kind is TYPE, HELP, UNIT, EOF or nothing.
func comment(row []byte) (kind string, fields [][]byte, ok bool) {
	fields = bytes.Fields(row[1:])
	if len(fields) == 0 {
		return "", nil, true
	}
	switch kind := string(fields[0]); {
	case kind == "EOF" && len(fields) == 1, (kind == "HELP" || kind == "UNIT" || kind == "TYPE") && len(fields) >= 2:
		return kind, fields[1:], true
	}
	return "", nil, true
}

// readText reads Prometheus's text format and OpenMetrics, in which each sample has
// a timestamp, and what `promtool tsdb dump` writes.
func readText(r *reader) error {
	known := map[string]*entry{} // by their text
	var last *entry
	var text []byte // of last
	for rows := int64(1); ; rows++ {
		row, err := r.row(lineEnd)
		line := rows
		switch {
		case errors.Is(err, errLong):
			r.malformed(line, 0, row, err.Error())
			continue
		case errors.Is(err, io.EOF):
			return r.withoutTimes()
		case err != nil:
			return err
		}
		row = trimEnd(row)
		if len(text) > 0 && len(row) > len(text) && row[len(text)] == ' ' && string(row[:len(text)]) == string(text) {
			if t, v, err := r.clock.sample(row[len(text):]); err == nil {
				r.w.feed.add(last, t, v)
				continue
			}
		}
		start := skipBlanks(row, 0)
		switch {
		case start == len(row):
			continue
		case row[start] == '#':
			r.kind(row[start:])
			continue
		}
		end := seriesEnd(row[start:]) + start
		if end == start {
			r.malformed(line, start+1, row, "the labels are not closed by }")
			continue
		}
		t, v, err := r.clock.sample(row[end:])
		if err != nil {
			r.malformed(line, end+1, row, err.Error())
			continue
		}
		e := known[string(row[start:end])]
		if e == nil {
			ls, at, err := r.names.parse(row[start:end])
			if err != nil {
				r.malformed(line, start+at+1, row, err.Error())
				continue
			}
			if e, err = r.w.series(ls); err != nil {
				return fmt.Errorf("%s:%d: %w", r.name, line, err)
			}
			known[string(row[start:end])] = e
		}
		last, text = e, append(text[:0], row[start:end]...)
		r.w.feed.add(e, t, v)
		if rows%4096 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
	}
}

// withoutTimes is an error for a page as it is scraped: none of its samples has a
// timestamp.
func (r *reader) withoutTimes() error {
	if len(r.w.order) > 0 || len(r.tally.samples) == 0 || r.tally.samples[0].Why != errNoTime.Error() {
		return nil
	}
	first := r.tally.samples[0]
	return &SyntaxError{r.name, first.Line, first.Column, first.Why}
}

var (
	errNoTime  = errors.New("a sample without a timestamp: want name{labels} value timestamp, as recorded, not as scraped")
	errNoValue = errors.New("the value is no number")
	errTime    = errors.New("the timestamp is none: want s or ms since the epoch")
)

// sample reads " value timestamp", and what may follow in OpenMetrics: an exemplar.
func (c *clock) sample(b []byte) (t int64, v float64, err error) {
	number, rest := word(b)
	v, ok := parseFloat(number)
	if !ok {
		return 0, 0, errNoValue
	}
	at, rest := word(rest)
	if len(at) == 0 || at[0] == '#' {
		return 0, 0, errNoTime
	}
	if t, ok = c.parse(at); !ok {
		return 0, 0, errTime
	}
	if i := skipBlanks(rest, 0); i < len(rest) && rest[i] != '#' {
		return 0, 0, errors.New("text behind the timestamp")
	}
	return t, v, nil
}

// word is the text up to the next blank.
func word(b []byte) (first, rest []byte) {
	i := skipBlanks(b, 0)
	end := i
	for end < len(b) && b[end] != ' ' && b[end] != '\t' {
		end++
	}
	return b[i:end], b[end:]
}

// kind notes what a # TYPE line says.
func (r *reader) kind(row []byte) {
	kind, fields, _ := comment(row)
	if kind != "TYPE" || len(fields) != 2 {
		return
	}
	name := string(bytes.Trim(fields[0], `"`))
	switch string(fields[1]) {
	case "gauge":
		r.w.kinds[name] = Gauge
	case "counter": // OpenMetrics leaves _total out here
		r.w.kinds[name], r.w.kinds[name+"_total"] = Counter, Counter
	case "histogram":
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			r.w.kinds[name+suffix] = Counter
		}
	case "summary":
		r.w.kinds[name] = Gauge // quantiles
		r.w.kinds[name+"_sum"], r.w.kinds[name+"_count"] = Counter, Counter
	}
}
