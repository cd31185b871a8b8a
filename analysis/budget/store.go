package budget

import (
	"fmt"
	"io"
	"sync"
)

// A File takes the events that do not fit into memory: a temporary file that no
// other process sees, say.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// blockLen is from how many bytes on a block is full.
const (
	blockLen = 64 << 10
	blockCap = blockLen + 2<<10 // one record more fits, with what ends a block
)

// A block is a run of records, in memory or in the file.
type block struct {
	data []byte // nil: in the file
	at   int64
	size int
}

// A store keeps blocks: the first ones in memory, the others in the file. Without
// a file all stay in memory.
type store struct {
	mu     sync.Mutex
	spill  func() (File, error)
	room   int64 // bytes still to be held in memory
	blocks []block
	file   File
	end    int64
	err    error
}

// put takes a full block. It gives back a buffer for the next one.
func (s *store) put(data []byte) []byte {
	s.mu.Lock()
	if s.spill == nil || s.room >= int64(cap(data)) {
		s.room -= int64(cap(data))
		s.blocks = append(s.blocks, block{data: data, size: len(data)})
		s.mu.Unlock()
		return nil
	}
	file, at := s.reserve(len(data))
	s.mu.Unlock()
	if file == nil {
		return data
	}
	if _, err := file.WriteAt(data, at); err != nil {
		s.fail(fmt.Errorf("keep events in a temporary file: %w", err))
	}
	return data
}

// reserve makes room in the file, which it creates first if need be. No file
// after an error: the result is lost anyway.
func (s *store) reserve(size int) (File, int64) {
	if s.err != nil {
		return nil, 0
	}
	if s.file == nil {
		file, err := s.spill()
		if err != nil {
			s.err = fmt.Errorf("keep events in a temporary file: %w", err)
			return nil, 0
		}
		s.file = file
	}
	at := s.end
	s.end += int64(size)
	s.blocks = append(s.blocks, block{at: at, size: size})
	return s.file, at
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// read is the records of a block; buf may be used for them.
func (s *store) read(b block, buf []byte) ([]byte, error) {
	if b.data != nil {
		return b.data[:b.size], nil
	}
	if cap(buf) < b.size {
		buf = make([]byte, b.size)
	}
	buf = buf[:b.size]
	if _, err := s.file.ReadAt(buf, b.at); err != nil {
		return nil, fmt.Errorf("read events back from a temporary file: %w", err)
	}
	return buf, nil
}

func (s *store) close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.Close()
}
