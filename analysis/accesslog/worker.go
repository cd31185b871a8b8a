package accesslog

import (
	"bytes"
	"context"
	"fmt"
)

// A worker takes blocks of files and parses them. Reading a block of a file and
// parsing another one of it go on at the same time, in two workers.
type worker struct {
	ctx     context.Context
	queue   *queue
	plan    *plan
	tally   *tally
	sink    func(*Event)
	parsers map[*Format]Parser
	csvOf   *logFile // the file that the CSV parser was made for
	csv     Parser
}

func (w *worker) run() {
	w.parsers = map[*Format]Parser{}
	emit := func(e *Event) {
		w.tally.event(e)
		w.sink(e)
	}
	buf := make([]byte, 0, blockSize)
	for w.ctx.Err() == nil {
		f := w.queue.get()
		if f == nil {
			return
		}
		if err := w.open(f); err != nil || f.format == nil {
			w.failed(f, err)
			w.queue.put(f, false)
			continue
		}
		switch {
		case f.format.File != nil:
			w.failed(f, w.file(f, emit))
			w.queue.put(f, false)
		case f.chunks != nil:
			p := w.parser(f)
			k, more := f.chunks.claim()
			w.queue.share(f, more)
			w.failed(f, w.chunk(f, k, p, buf, emit))
			w.queue.leave(f)
		default:
			w.block(f, buf, emit)
		}
	}
}

func (w *worker) failed(f *logFile, err error) {
	if err != nil {
		w.queue.fail(f, err)
	}
}

// open opens a file if it is not open.
func (w *worker) open(f *logFile) error {
	if f.in != nil {
		return nil
	}
	return f.open(w.plan)
}

// block reads the next block of a file and parses it.
func (w *worker) block(f *logFile, buf []byte, emit func(*Event)) {
	b, ok, err := f.next(buf, &w.queue.big)
	w.failed(f, err)
	switch {
	case !ok || err != nil:
		if err == nil {
			w.unfinished(f)
		}
		w.queue.put(f, false)
		return
	case f.format.Sequential:
		w.parse(&b, f.parser, emit)
		w.queue.put(f, true)
	default:
		p := w.parser(f)
		w.queue.put(f, true)
		w.parse(&b, p, emit)
	}
	if b.big {
		w.queue.big.Unlock()
	}
}

// chunk reads a chunk of a file and parses it.
func (w *worker) chunk(f *logFile, k int64, p Parser, buf []byte, emit func(*Event)) error {
	rows, left, at, err := f.chunks.rows(k, buf)
	if err != nil {
		return readError(f.source.Name, err)
	}
	from := k*chunkLine + 1
	b := block{file: f, rows: rows, line: from}
	line, read := w.parse(&b, p, emit), len(rows)
	if at > 0 {
		row, long, err := f.chunks.rest(left, at, &w.queue.big)
		if err != nil {
			return readError(f.source.Name, err)
		}
		line = w.parse(&block{file: f, rows: row, line: line, long: long}, p, emit)
		read += len(row)
		w.queue.big.Unlock()
	}
	f.chunks.counted(k, line-from)
	if w.plan.options.Progress != nil {
		w.plan.options.Progress.Add(int64(read))
	}
	return nil
}

// file reads a file of a format that has no rows one after the other.
func (w *worker) file(f *logFile, emit func(*Event)) error {
	info, err := f.in.plain.Stat()
	if err != nil {
		return readError(f.source.Name, err)
	}
	err = f.format.File(w.ctx, f.in.plain, info.Size(), w.plan.options, emit, func(row int64, kind Row, why string) {
		w.count(f, kind, row, func() (string, string, int) { return "", why, 0 })
	})
	if err != nil {
		return readError(f.source.Name, err)
	}
	w.tally.bytes += info.Size()
	return nil
}

// parser gives the worker's parser for a file.
func (w *worker) parser(f *logFile) Parser {
	if f.format.CSV {
		if w.csvOf != f {
			w.csvOf, w.csv = f, f.format.New(w.plan.options)
			w.csv.Parse(f.header, func(*Event) {})
		}
		return w.csv
	}
	p := w.parsers[f.format]
	if p == nil {
		p = f.format.New(w.plan.options)
		w.parsers[f.format] = p
	}
	return p
}

// A foreseer is a parser that knows rows so well that it finds their ends itself.
type foreseer interface {
	// ahead is the length of the row that b begins with, its line end included, which
	// is parsed next; 0: it must be looked for.
	ahead(b []byte) int
}

// A rowsReader is a parser that reads rows of the usual kind many at a time.
type rowsReader interface {
	// Rows reads rows from the beginning of b, each of them a Record in a line of its
	// own; it gives their length and number. The row behind them is parsed next.
	Rows(b []byte, emit func(*Event)) (size int, rows int64)
}

// parse parses the rows of a block, and gives the number of the line behind them.
func (w *worker) parse(b *block, p Parser, emit func(*Event)) (line int64) {
	w.tally.bytes += int64(len(b.rows))
	if b.long {
		w.count(b.file, Malformed, b.line, func() (string, string, int) {
			return shown(b.rows), "the row is longer than 16 MiB", 0
		})
		return b.line + 1
	}
	split := b.file.split
	line = b.line
	known, _ := p.(foreseer)
	many, _ := p.(rowsReader)
	for rows := b.rows; len(rows) > 0; {
		if many != nil && !split.array {
			n, read := many.Rows(rows, emit)
			line += read
			if rows = rows[n:]; len(rows) == 0 {
				break
			}
		}
		n := 0
		if known != nil {
			n = known.ahead(rows)
		}
		if n == 0 {
			n = split.next(rows)
		}
		if n == 0 {
			n = len(rows)
			if split.array && !isLastEnd(rows) { // an element that has no end
				if n = lineEnd(rows, elementStart(rows)); n == 0 {
					w.failed(b.file, fmt.Errorf("%s:%d: the array is cut off, or no JSON from here on", b.file.source.Name, line))
					return line
				}
			}
		}
		row := trimEnd(rows[:n])
		if split.array {
			lead := elementStart(row)
			line += int64(bytes.Count(row[:lead], []byte{'\n'}))
			row = row[lead:]
			rows, n = rows[lead:], n-lead
		}
		if len(row) == 0 {
			w.tally.blank++
		} else if split.array && row[0] == ']' {
			if !isPageEnd(row) { // and what follows may be a page, or not
				w.failed(b.file, fmt.Errorf("%s:%d: what is behind the array is no JSON: %s", b.file.source.Name, line, shown(row)))
				return line
			}
			w.tally.other++
		} else if kind := p.Parse(row, emit); kind != Record {
			w.count(b.file, kind, line, func() (string, string, int) { return explain(p, row, b.file.format) })
		}
		line += split.lines(rows[:n])
		rows = rows[n:]
	}
	return line
}

// count counts a row that is no record; about says what to show of it.
func (w *worker) count(f *logFile, kind Row, line int64, about func() (text, why string, column int)) {
	if kind == NoRecord {
		w.tally.other++
	}
	if kind != Malformed {
		return
	}
	w.tally.malformed++
	if w.tally.shows(f.index, line) {
		text, why, column := about()
		w.tally.show(sample{Sample{File: f.source.Name, Line: line, Column: column, Text: text, Why: why}, f.index})
	}
}

func explain(p Parser, row []byte, f *Format) (text, why string, column int) {
	why = "no record of the format " + f.Name
	if e, ok := p.(Explainer); ok {
		why, column = e.Explain(row)
	}
	return shown(row), why, column
}
