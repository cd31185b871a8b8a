package runlog

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"sync"
	"time"

	"llmops/probes/request"
)

// flushEvery bounds what is lost when the process is killed.
const flushEvery = 500 * time.Millisecond

// Writer writes events.bin while a run goes on. It is safe for concurrent use
// and allocates nothing once its buffer has grown.
type Writer struct {
	mu    sync.Mutex
	w     *bufio.Writer
	base  time.Time
	buf   []byte // one payload
	head  [1 + binary.MaxVarintLen64]byte
	timer *time.Timer
	dirty bool
	err   error // the first failure; everything after it fails too
}

// NewWriter writes to w, which the caller closes after Close. Times count from
// base, a moment of this process shortly before the run.
func NewWriter(w io.Writer, base time.Time) *Writer {
	e := &Writer{w: bufio.NewWriterSize(w, 64<<10), base: base}
	head := binary.LittleEndian.AppendUint64([]byte(magic), uint64(base.UnixNano()))
	_, e.err = e.w.Write(head)
	e.timer = time.AfterFunc(time.Hour, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.flush()
	})
	if e.err == nil {
		e.buf = binary.AppendVarint(e.buf, base.UnixNano())
		e.err = e.block(kindBase)
	}
	return e
}

// Start tells when the measured part of the run begins.
func (e *Writer) Start(at time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf = binary.AppendVarint(e.buf[:0], int64(at.Sub(e.base)))
	return e.block(kindStart)
}

// Facts keeps what is known of the run beside its requests, as JSON. It may be
// called again: the last one counts.
func (e *Writer) Facts(json []byte) error { return e.text(kindFacts, json) }

// Checks keeps the results of the checks of one answer, as JSON.
func (e *Writer) Checks(json []byte) error { return e.text(kindChecks, json) }

func (e *Writer) text(kind byte, json []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.buf = append(e.buf[:0], json...)
	return e.block(kind)
}

// Write adds what the JSON of r leaves out.
func (e *Writer) Write(r *request.Record) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return e.err
	}
	b, ok := e.record(e.buf[:0], r)
	e.buf = b
	if !ok {
		return fmt.Errorf("write events of request %d: a chunk is centuries after the one before", r.ID)
	}
	return e.block(kindRecord)
}

func (e *Writer) record(b []byte, r *request.Record) ([]byte, bool) {
	b = binary.AppendVarint(b, r.ID)
	at, mask := len(b), byte(0)
	b = append(b, 0)
	before := e.base
	for i, t := range anchors(r) {
		if !t.IsZero() {
			mask |= 1 << i
			b = binary.AppendVarint(b, int64(t.Sub(before)))
			before = *t
		}
	}
	if r.Lateness != nil {
		mask |= hasLateness
		b = binary.AppendVarint(b, int64(*r.Lateness))
	}
	if r.ReadLag != nil {
		mask |= hasReadLag
		b = binary.AppendVarint(b, int64(*r.ReadLag))
	}
	b[at] = mask
	b = binary.AppendUvarint(b, uint64(len(r.Chunks)))
	last := time.Duration(0)
	for i := range r.Chunks {
		c := &r.Chunks[i]
		gap := zigzag(int64(c.At - last))
		if gap > math.MaxUint64>>2 {
			return b, false
		}
		last = c.At
		v := gap << 2
		if c.Joined {
			v |= 2
		}
		if c.Tokens == 1 {
			b = binary.AppendUvarint(b, v)
			continue
		}
		b = binary.AppendUvarint(b, v|1)
		b = binary.AppendVarint(b, int64(c.Tokens))
	}
	last = 0
	for _, at := range r.Bare {
		b = binary.AppendVarint(b, int64(at-last))
		last = at
	}
	return b, true
}

// block writes e.buf as the payload of one block. The caller holds e.mu.
func (e *Writer) block(kind byte) error {
	if e.err != nil {
		return e.err
	}
	if len(e.buf) > maxPayload {
		return fmt.Errorf("write events: %d bytes in one block, more than %d", len(e.buf), maxPayload)
	}
	e.head[0] = kind
	head := e.head[:1+binary.PutUvarint(e.head[1:], uint64(len(e.buf)))]
	sum := crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, e.buf)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, sum)
	_, err := e.w.Write(head)
	if err == nil {
		_, err = e.w.Write(e.buf)
	}
	if err != nil {
		e.err = fmt.Errorf("write events: %w", err)
	}
	e.mark()
	return e.err
}

// mark sees to it that what was written is flushed soon.
func (e *Writer) mark() {
	if !e.dirty {
		e.dirty = true
		e.timer.Reset(flushEvery)
	}
}

func (e *Writer) flush() {
	if err := e.w.Flush(); e.err == nil && err != nil {
		e.err = fmt.Errorf("write events: %w", err)
	}
	e.dirty = false
}

// Close writes what is left.
func (e *Writer) Close() error {
	e.timer.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flush()
	return e.err
}
