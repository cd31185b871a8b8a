package runlog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"llmops/probes/request"
)

// errCut is the end of a file that was not written to its end.
var errCut = errors.New("the file ends within a block")

// Head is what events.bin says of the run as a whole.
type Head struct {
	Start   time.Time // of the measured part; zero: it never began
	Facts   []byte    // as given to Writer.Facts, the last; nil: none
	Records int64
	Cut     bool // the file ends within a block: the process was killed
}

// Scan reads all of events.bin. Errors: it is no such file, or it is damaged
// elsewhere than at its end.
func Scan(events io.Reader) (Head, error) {
	var h Head
	b, err := newBlocks(events)
	if err != nil {
		return h, err
	}
	for {
		kind, payload, err := b.next()
		switch {
		case errors.Is(err, io.EOF):
			return h, nil
		case errors.Is(err, errCut):
			h.Cut = true
			return h, nil
		case err != nil:
			return h, err
		case kind == kindRecord:
			h.Records++
		case kind == kindFacts:
			h.Facts = append(h.Facts[:0], payload...)
		case kind == kindStart:
			offset, ok := startOf(payload)
			if !ok {
				return h, b.damaged()
			}
			h.Start = b.base.Add(offset)
		}
	}
}

func startOf(payload []byte) (time.Duration, bool) {
	v, n := binary.Varint(payload)
	return time.Duration(v), n == len(payload) && n > 0
}

// blocks reads the blocks of events.bin.
type blocks struct {
	r     *bufio.Reader
	base  time.Time
	at    int64 // where the latest block begins
	size  int   // of it
	taken int   // bytes of r's buffer that the payload stands in
	big   []byte
}

func newBlocks(events io.Reader) (*blocks, error) {
	b := &blocks{r: bufio.NewReaderSize(events, 256<<10)}
	head, err := b.r.Peek(len(magic) + baseSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) < len(magic)+baseSize || string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("it does not begin with %q: it is no events.bin, or of another version", magic[:len(magic)-1])
	}
	b.base = time.Unix(0, int64(binary.LittleEndian.Uint64(head[len(magic):]))).UTC()
	b.size, b.taken = len(head), len(head)
	return b, nil
}

// next gives the next block; its payload is valid until the next call. Errors:
// io.EOF, errCut, and others for a file that is damaged or cannot be read.
func (b *blocks) next() (kind byte, payload []byte, err error) {
	if _, err := b.r.Discard(b.taken); err != nil {
		return 0, nil, err // it was there before
	}
	b.at += int64(b.size)
	b.size, b.taken = 0, 0
	head, err := b.r.Peek(1 + binary.MaxVarintLen64)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, err
	}
	if len(head) == 0 {
		return 0, nil, io.EOF
	}
	length, n := binary.Uvarint(head[1:])
	switch {
	case n == 0:
		return 0, nil, b.short(head)
	case n < 0 || length > maxPayload:
		return 0, nil, b.broken(len(head))
	}
	n++
	kind, b.size = head[0], n+int(length)+crcSize
	whole, err := b.take(b.size)
	if errors.Is(err, errCut) {
		return 0, nil, b.short(whole)
	}
	if err != nil {
		return 0, nil, err
	}
	end := n + int(length)
	if !sound(whole[:end], whole[end:]) {
		return 0, nil, b.broken(b.taken)
	}
	payload = whole[n:end]
	if kind == kindBase {
		if v, size := binary.Varint(payload); size != len(payload) || v != b.base.UnixNano() {
			return 0, nil, errors.New("the file is damaged: its head and its first block do not begin at the same time")
		}
	}
	return kind, payload, nil
}

// sound tells whether check is the sum of what stands before it in a block.
func sound(block, check []byte) bool {
	return crc32.Checksum(block, castagnoli) == binary.LittleEndian.Uint32(check)
}

// take gives the next size bytes, or with errCut what there is of them. It does
// not trust size: memory grows with what is there.
func (b *blocks) take(size int) ([]byte, error) {
	if size <= b.r.Size() {
		whole, err := b.r.Peek(size)
		if errors.Is(err, io.EOF) {
			return whole, errCut
		}
		b.taken = size
		return whole, err
	}
	const step = 1 << 20
	b.big = b.big[:0]
	for len(b.big) < size {
		n := len(b.big)
		b.big = append(b.big, make([]byte, min(step, size-n))...)
		if k, err := io.ReadFull(b.r, b.big[n:]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errCut
			}
			return b.big[:n+k], err
		}
	}
	return b.big, nil
}

// searched is how far behind a block that ends too early others are looked for, and
// summed how many bytes are summed up in that: each place in a file that somebody made
// may claim to begin a block as large as all of it.
const (
	searched = 1 << 20
	summed   = 1 << 30
)

// short tells a file that ends within a block from one in which the size of a
// block is wrong: rest, all from there to the end, is that block with another size,
// or a whole block begins in it.
func (b *blocks) short(rest []byte) error {
	for width := 1; width <= binary.MaxVarintLen64 && 1+width+crcSize <= len(rest); width++ {
		end := len(rest) - crcSize
		head := binary.AppendUvarint([]byte{rest[0]}, uint64(end-1-width))
		if len(head) == 1+width && sound(append(head, rest[1+width:end]...), rest[end:]) {
			return b.damaged()
		}
	}
	for i, left := 1, summed; i < min(len(rest), searched) && left > 0; i++ {
		switch rest[i] {
		case kindBase, kindStart, kindFacts, kindChecks, kindRecord:
		default:
			continue
		}
		length, n := binary.Uvarint(rest[i+1:])
		if n <= 0 || length > searched {
			continue
		}
		end := i + 1 + n + int(length)
		if end+crcSize > len(rest) {
			continue
		}
		if left -= end - i; sound(rest[i:end], rest[end:]) {
			return b.damaged()
		}
	}
	return errCut
}

// broken tells a block whose bytes are wrong at the end of a file, as a machine
// that went down leaves it (nothing behind it, or zeros), from a damaged file.
func (b *blocks) broken(skip int) error {
	if _, err := b.r.Discard(skip); err != nil {
		return err
	}
	for {
		c, err := b.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return errCut
		case err != nil:
			return err
		case c != 0:
			return b.damaged()
		}
	}
}

func (b *blocks) damaged() error { return fmt.Errorf("the file is damaged at byte %d", b.at) }

// record fills in r what its JSON leaves out. Times are moved by shift. It
// reports whether payload is whole, and the id that it is of.
func (b *blocks) record(payload []byte, r *request.Record, store *store, shift time.Duration) (id int64, ok bool) {
	p := cursor{b: payload}
	id = p.varint()
	mask := p.byte()
	at := b.base.Add(shift)
	for i, t := range anchors(r) {
		*t = time.Time{}
		if mask>>i&1 == 1 {
			at = at.Add(time.Duration(p.varint()))
			*t = at
		}
	}
	r.Lateness, r.ReadLag = nil, nil
	if mask&hasLateness != 0 {
		store.lateness = time.Duration(p.varint())
		r.Lateness = &store.lateness
	}
	if mask&hasReadLag != 0 {
		store.readLag = time.Duration(p.varint())
		r.ReadLag = &store.readLag
	}
	n := p.uvarint()
	if n > uint64(len(payload)) { // a chunk takes a byte at least
		return id, false
	}
	r.Chunks = store.chunks[:0]
	last := time.Duration(0)
	for range n {
		v := p.uvarint()
		last += time.Duration(unzigzag(v >> 2))
		c := request.Chunk{At: last, Tokens: 1, Joined: v&2 != 0}
		if v&1 != 0 {
			c.Tokens = int32(p.varint())
		}
		r.Chunks = append(r.Chunks, c)
	}
	store.chunks = r.Chunks
	if n == 0 {
		r.Chunks = nil
	}
	r.Bare, last = store.bare[:0], 0
	for len(p.b) > 0 && !p.short {
		last += time.Duration(p.varint())
		r.Bare = append(r.Bare, last)
	}
	store.bare = r.Bare
	if len(r.Bare) == 0 {
		r.Bare = nil
	}
	return id, !p.short
}

// cursor reads numbers from the front of b; short: one was not there.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.short = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.short, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) varint() int64 { return unzigzag(c.uvarint()) }
