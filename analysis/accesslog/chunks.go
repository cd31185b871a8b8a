package accesslog

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// Chunks are the parts of a file on the disk that workers read side by side. A row
// is of the chunk that its first byte is in, wherever it ends.
type chunks struct {
	file randomAccess
	from int64 // where the first row begins
	size int64
	step int64 // bytes of a chunk; less than the buffers that it is read into hold
	next int64 // the chunk that is handed out next

	mu    sync.Mutex
	lines []uint32 // of each chunk, as far as it was read
}

const (
	// overhang is how far behind its end a chunk is read, where its last row ends
	// in most logs.
	overhang  = 4 << 10
	chunkSize = blockSize - overhang - 1
	// leastChunked is the size of a file from which on it is read in chunks.
	leastChunked = 4 * blockSize
	// chunkLine is how many lines a chunk can have: until the lines of all chunks are
	// known, line n of chunk k is k*chunkLine + n.
	chunkLine = 1 << 32
)

// newChunks is nil for a file that is better read from its front.
func newChunks(c *content, from int64) *chunks {
	if c.plain == nil {
		return nil
	}
	info, err := c.plain.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() < leastChunked {
		return nil
	}
	return &chunks{file: c.plain, from: from, size: info.Size(), step: chunkSize}
}

// claim hands out a chunk; more: it was not the last one.
func (c *chunks) claim() (k int64, more bool) {
	k = c.next
	c.next++
	return k, c.from+c.next*c.step < c.size
}

// rows reads the rows of chunk k into buf, by its capacity. What does not
// end there is the last row's beginning, left, which goes on at the place at; at is
// 0 where there is none.
func (c *chunks) rows(k int64, buf []byte) (rows, left []byte, at int64, err error) {
	start := c.from + k*c.step
	end := min(start+c.step, c.size)
	if k > 0 { // a line feed there makes the first byte the beginning of a row
		start--
	}
	n, err := c.file.ReadAt(buf[:cap(buf)], start)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, 0, err
	}
	atEnd := n < cap(buf)
	buf = buf[:n]
	owned := int(end - start) // rows begin before that
	first := 0
	if k > 0 {
		if first = bytes.IndexByte(buf, '\n') + 1; first == 0 {
			return nil, nil, 0, nil
		}
	}
	if first >= min(owned, n) {
		return nil, nil, 0, nil
	}
	if owned <= n {
		if stop := bytes.IndexByte(buf[owned-1:], '\n'); stop >= 0 {
			return buf[first : owned+stop], nil, 0, nil
		}
	}
	if atEnd {
		return buf[first:], nil, 0, nil
	}
	last := first + bytes.LastIndexByte(buf[first:], '\n') + 1
	return buf[first:last], buf[last:], start + int64(n), nil
}

// rest reads the row that goes on at the place at and begins with left. The row is
// in the large buffer, which is locked.
func (c *chunks) rest(left []byte, at int64, big *large) (row []byte, long bool, err error) {
	all := append(big.lock(), left...)
	for {
		from := len(all)
		n, err := c.file.ReadAt(all[from:min(from+blockSize, cap(all))], at)
		if err != nil && !errors.Is(err, io.EOF) {
			big.Unlock()
			return nil, false, err
		}
		all, at = all[:from+n], at+int64(n)
		end := bytes.IndexByte(all[from:], '\n')
		if end >= 0 {
			all = all[:from+end+1]
		}
		switch {
		case len(bytes.TrimSuffix(all, []byte{'\n'})) > MaxRow:
			return all[:shownBytes], true, nil
		case end >= 0 || n == 0 || errors.Is(err, io.EOF):
			return all, false, nil
		}
	}
}

// counted takes the lines of chunk k.
func (c *chunks) counted(k, lines int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for int64(len(c.lines)) <= k {
		c.lines = append(c.lines, 0)
	}
	c.lines[k] = uint32(lines)
}

// line is the number in the file of a line that was counted within its chunk.
func (c *chunks) line(at int64) int64 {
	line := at % chunkLine
	for _, n := range c.lines[:min(at/chunkLine, int64(len(c.lines)))] {
		line += int64(n)
	}
	return line
}
