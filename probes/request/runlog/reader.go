package runlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"llmops/probes/request"
)

// maxLine is far more than a line of requests.jsonl has.
const maxLine = 16 << 20

// Reader reads the requests of a run in the order in which they ended.
type Reader struct {
	// Start, if set, is called with the start of the measured part before the
	// first record; not without events.bin.
	Start func(time.Time)
	// Checks, if set, is called with each of Writer.Checks.
	Checks func(json []byte) error
	// Origin, if set, is when the measured part is said to have begun: all times
	// are moved by as much. It needs events.bin.
	Origin time.Time

	// Known when all was read.
	Records   int64
	NoEvents  int64 // of them those that events.bin has nothing of, as it was cut off
	NoRequest int64 // records of events.bin beyond the end of requests.jsonl, as that was cut off
	CutLine   bool  // requests.jsonl ends within a line, which is left out

	requests *bufio.Reader
	events   io.Reader
	blocks   *blocks // nil: there are none, or no more
	started  bool
	shift    time.Duration
	long     []byte
	store    store
}

// NewReader reads requests.jsonl and, if events is not nil, events.bin. Without
// that the records have the times of a wall clock, and no chunks, lateness and
// read lag.
func NewReader(requests, events io.Reader) *Reader {
	return &Reader{requests: bufio.NewReaderSize(requests, 256<<10), events: events}
}

// All gives the records. A record is valid until the next one; memory does not
// grow with their number. Errors end it: *LineError, what is wrong with
// events.bin, that the two are not of one run, and that of Checks.
func (r *Reader) All() iter.Seq2[*request.Record, error] {
	return func(yield func(*request.Record, error) bool) {
		if err := r.all(func(rec *request.Record) bool { return yield(rec, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (r *Reader) all(yield func(*request.Record) bool) error {
	if r.events != nil {
		var err error
		if r.blocks, err = newBlocks(r.events); err != nil {
			return eventsError(err)
		}
	}
	var rec request.Record
	for n := int64(1); ; n++ {
		line, err := r.line()
		switch {
		case errors.Is(err, io.EOF):
			return r.rest()
		case err != nil:
			return at(n, err)
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		whole := line[len(line)-1] == '\n'
		if err := r.store.line(line, &rec, r.blocks == nil); err != nil {
			if !whole {
				r.CutLine = true
				return r.rest()
			}
			return at(n, err)
		}
		if r.events != nil {
			if err := r.complete(line, &rec); err != nil {
				return at(n, err)
			}
		}
		r.Records++
		if !yield(&rec) {
			return nil
		}
	}
}

func at(line int64, err error) error {
	if e, ok := errors.AsType[*LineError](err); ok {
		e.Line = line
	}
	return err
}

func eventsError(err error) error { return fmt.Errorf("events.bin: %w", err) }

// complete adds what events.bin has of rec, which came from line.
func (r *Reader) complete(line []byte, rec *request.Record) error {
	for r.blocks != nil {
		kind, payload, err := r.blocks.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errCut):
			r.blocks = nil
			if err := r.store.line(line, rec, true); err != nil { // its times are needed after all
				return err
			}
		case err != nil:
			return eventsError(err)
		case kind == kindStart && !r.started:
			offset, ok := startOf(payload)
			if !ok {
				return eventsError(r.blocks.damaged())
			}
			r.begin(r.blocks.base.Add(offset))
		case kind == kindChecks && r.Checks != nil:
			if err := r.Checks(payload); err != nil {
				return eventsError(err)
			}
		case kind == kindRecord:
			id := rec.ID
			if of, ok := r.blocks.record(payload, rec, &r.store, r.shift); !ok {
				return eventsError(r.blocks.damaged())
			} else if of != id {
				return &LineError{Err: fmt.Errorf("it is request %d, where events.bin has request %d: the files are not of one run", id, of)}
			}
			return nil
		}
	}
	r.NoEvents++
	for _, t := range anchors(rec) {
		if !t.IsZero() {
			*t = t.Add(r.shift)
		}
	}
	return nil
}

// rest counts what events.bin has beyond the end of requests.jsonl.
func (r *Reader) rest() error {
	for r.blocks != nil {
		kind, _, err := r.blocks.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errCut):
			return nil
		case err != nil:
			return eventsError(err)
		case kind == kindRecord:
			r.NoRequest++
		}
	}
	return nil
}

func (r *Reader) begin(start time.Time) {
	r.started = true
	if !r.Origin.IsZero() {
		r.shift = r.Origin.Sub(start)
		start = r.Origin
	}
	if r.Start != nil {
		r.Start(start)
	}
}

// line gives the next line with its newline; the last may have none.
func (r *Reader) line() ([]byte, error) {
	part, err := r.requests.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if errors.Is(err, io.EOF) && len(part) > 0 {
			err = nil
		}
		return part, err
	}
	r.long = append(r.long[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(r.long) > maxLine {
			return nil, &LineError{Err: fmt.Errorf("it is longer than %d bytes", maxLine)}
		}
		part, err = r.requests.ReadSlice('\n')
		r.long = append(r.long, part...)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return r.long, err
}
