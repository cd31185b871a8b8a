package accesslog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A plan is what all files are read by.
type plan struct {
	options Options
	formats []Format       // that come into question
	wanted  []genericField // nil: no Options.Map
}

func newPlan(o Options) (*plan, error) {
	p := &plan{options: o, formats: Formats()}
	if o.Format != "" {
		if p.formats = formatsNamed(o.Format); len(p.formats) == 0 {
			return nil, fmt.Errorf("no format %q; the formats are %s", o.Format, strings.Join(FormatNames(), ", "))
		}
	}
	if len(o.Map) > 0 {
		wanted, err := genericFields(o.Map)
		if err != nil {
			return nil, err
		}
		p.wanted = wanted
		mapped := slices.DeleteFunc(slices.Clone(p.formats), func(f Format) bool { return f.DetectMapped == nil })
		if len(mapped) == 0 {
			return nil, fmt.Errorf("fields are mapped for generic formats only; %s is none", o.Format)
		}
		p.formats = mapped
	}
	return p, nil
}

const (
	sniffRows = 64
	// leastSure is how sure a format must be of a file: one row in twenty, so that
	// a text that quotes a log is none.
	leastSure = 5
)

// An UnknownFormatError is about a file of no format that is known.
type UnknownFormatError struct {
	Name string // of the file
	Row  string // its first, as it can be shown
}

func (e *UnknownFormatError) Error() string {
	return fmt.Sprintf("%s: no request log of a known format: its first row is %q", e.Name, e.Row)
}

// Hint says what to do about it.
func (e *UnknownFormatError) Hint() string {
	return "name the format with --format, or fields with --map; the formats are " + strings.Join(FormatNames(), ", ")
}

// detect finds which of formats is that of the file that begins with b; whole: b is
// all of it. The format is nil if there is nothing in the file.
func detect(name string, b []byte, whole bool, split splitter, p *plan) (*Format, error) {
	rows := sniff(b, whole, split)
	if first := slices.IndexFunc(rows, func(row []byte) bool { return !blankRow(row) }); first >= 0 {
		if found, _ := p.surest(rows); found != nil {
			return found, nil
		}
		return nil, &UnknownFormatError{name, shown(rows[first])}
	}
	return nil, nil
}

// sniff gives the first rows of a file.
func sniff(b []byte, whole bool, split splitter) (rows [][]byte) {
	for len(b) > 0 && len(rows) < sniffRows {
		n := split.next(b)
		if n == 0 {
			if !whole && len(rows) > 0 {
				break
			}
			n = len(b)
		}
		row := trimEnd(b[:n])
		if split.array {
			if row = row[elementStart(row):]; len(row) > 0 && row[0] == ']' {
				b = b[n:]
				continue
			}
		}
		rows = append(rows, row)
		b = b[n:]
	}
	return rows
}

// surest is the format that the rows are of, and how sure it is; nil: none.
func (p *plan) surest(rows [][]byte) (found *Format, sure int) {
	sure = leastSure - 1
	for i := range p.formats {
		f, n := &p.formats[i], 0
		switch {
		case p.wanted == nil:
			n = f.Detect(rows)
		case f.DetectMapped != nil:
			n = f.DetectMapped(rows, p.wanted)
		}
		if n > sure {
			found, sure = f, n
		}
	}
	return found, sure
}

// choose finds the format of an open file, by its content or as it was told.
func (f *logFile) choose(p *plan) error {
	var err error
	f.format, err = detect(f.source.Name, f.rest, f.eof, f.split, p)
	if err != nil && p.options.Format != "" && !f.source.Found {
		f.format, err = &p.formats[0], nil // as told, though it does not look like it
	}
	if err != nil || f.format == nil {
		return err
	}
	switch {
	case f.format.Refuse != "":
		return fmt.Errorf("%s: %s", f.source.Name, f.format.Refuse)
	case f.format.File != nil && f.in.plain == nil:
		return fmt.Errorf("%s: %s is read from files on the disk that are not compressed as a whole", f.source.Name, f.format.Name)
	case f.format.Sequential:
		f.parser = f.format.New(p.options)
	case f.format.CSV:
		f.split = splitter{csv: true}
		n := splitter{}.next(f.rest)
		if n == 0 {
			n = len(f.rest)
		}
		f.split.comma = csvComma(f.rest[:n])
		n = f.split.next(f.rest)
		if n == 0 {
			n = len(f.rest)
		}
		f.header = append([]byte(nil), trimEnd(f.rest[:n])...)
		f.line += int64(bytes.Count(f.rest[:n], []byte{'\n'}))
		f.rest = f.rest[n:]
		header := f.format.New(p.options)
		if header.Parse(f.header, func(*Event) {}) == Malformed {
			_, why, _ := explain(header, f.header, f.format)
			return fmt.Errorf("%s:1: %s", f.source.Name, why)
		}
	}
	return nil
}

// shown is the beginning of a row as it can be shown: one line, no control
// characters.
func shown(row []byte) string {
	if len(row) > shownBytes {
		row = row[:shownBytes]
		for i := 1; i < utf8.UTFMax && len(row) > 0 && !utf8.Valid(row[len(row)-i:]); i++ {
			if utf8.RuneStart(row[len(row)-i]) {
				row = row[:len(row)-i]
				break
			}
		}
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, string(row))
}

// open opens the file, reads its beginning and finds its format.
func (f *logFile) open(p *plan) error {
	in, err := open(f.source, p.options.Progress)
	if err != nil {
		return readError(f.source.Name, err)
	}
	f.in, f.line = in, 1
	buf := make([]byte, 0, blockSize)
	if buf, err = f.fill(buf); err != nil {
		return err
	}
	const bom = "\uFEFF"
	start, read := int64(0), int64(len(buf))
	if len(buf) >= len(bom) && string(buf[:len(bom)]) == bom {
		buf = buf[len(bom):]
		start = int64(len(bom))
	}
	if n := p.array(buf, f.eof); n > 0 {
		f.split = splitter{array: true}
		f.line += int64(bytes.Count(buf[:n], []byte{'\n'}))
		buf = buf[n:]
	}
	f.rest = buf
	if err := f.choose(p); err != nil || f.format == nil {
		return err
	}
	if !f.format.Sequential && !f.format.CSV && f.format.File == nil && !f.split.array {
		f.chunks = newChunks(in, start)
	}
	if f.chunks != nil && p.options.Progress != nil { // chunks count what they read, from the first on
		p.options.Progress.Add(-read)
	}
	return nil
}

func (f *logFile) close() {
	if f.in != nil {
		_ = f.in.Close() // nothing was written
		f.in = nil
	}
}
