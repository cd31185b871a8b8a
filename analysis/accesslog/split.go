package accesslog

import "bytes"

// A splitter finds where rows end: at line feeds, for CSV at those outside of
// quotes, in a JSON array where its elements do.
type splitter struct {
	csv   bool
	comma byte
	array bool
}

// whole is the length of the whole rows that b begins with, the last line end
// included.
func (s splitter) whole(b []byte) int {
	if !s.csv && !s.array {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	n := 0
	for {
		row := s.next(b[n:])
		if row == 0 {
			return n
		}
		n += row
	}
}

// next is the length of the row that b begins with, its line end included; 0 if it
// does not end in b.
func (s splitter) next(b []byte) int {
	if s.array {
		return element(b)
	}
	if !s.csv {
		return bytes.IndexByte(b, '\n') + 1
	}
	for i := 0; ; {
		end := bytes.IndexByte(b[i:], '\n')
		line := b[i:]
		if end >= 0 {
			line = b[i : i+end]
		}
		quote := bytes.IndexByte(line, '"')
		switch {
		case quote < 0 && end < 0:
			return 0
		case quote < 0:
			return i + end + 1
		}
		i += quote + 1
		if at := i - 1; at > 0 && b[at-1] != s.comma {
			continue // within a field without quotes: a quote like any byte
		}
		// To the closing quote; two in a row are one that is meant.
		for {
			quote = bytes.IndexByte(b[i:], '"')
			if quote < 0 {
				return 0
			}
			i += quote + 1
			if i == len(b) || b[i] != '"' {
				break
			}
			i++
		}
	}
}

// lines is the number of lines that a row has.
func (s splitter) lines(row []byte) int64 {
	if !s.csv && !s.array {
		return 1
	}
	return int64(bytes.Count(row, []byte{'\n'}))
}

// trimEnd takes the line end from a row.
func trimEnd(row []byte) []byte {
	if n := len(row); n > 0 && row[n-1] == '\n' {
		row = row[:n-1]
	}
	if n := len(row); n > 0 && row[n-1] == '\r' {
		row = row[:n-1]
	}
	return row
}
