package accesslog

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveMarks is findMarks, byte by byte.
func naiveMarks(b []byte) (size int, quotes, ends, parts []uint16) {
	size = min(len(b), markSpan) / 64 * 64
	for i, c := range b[:size] {
		if c == '\\' {
			size = i / 64 * 64
			break
		}
	}
	for i, c := range b[:size] {
		switch within := len(quotes)%2 != 0; {
		case c == '"':
			quotes = append(quotes, uint16(i))
		case c == '\n':
			ends, parts = append(ends, uint16(i)), append(parts, uint16(i))
		case c == ' ' && !within:
			parts = append(parts, uint16(i))
		}
	}
	return size, quotes, ends, parts
}

func TestMarks(t *testing.T) {
	if !marksQuickly() {
		t.Skip("the processor has not what findMarks needs")
	}
	r := rand.New(rand.NewPCG(7, 7))
	m := new(marks)
	for range 3000 {
		// From texts of nothing else to texts with hardly any.
		alphabet := []byte(" \n\"a\x00\xff\x8a\xa0\x5d")
		if r.IntN(3) == 0 {
			alphabet = append(alphabet, '\\')
		}
		b := make([]byte, r.IntN(1<<r.IntN(15)))
		rare := r.IntN(40)
		for i := range b {
			if b[i] = 'x'; r.IntN(rare+1) == 0 {
				b[i] = alphabet[r.IntN(len(alphabet))]
			}
		}
		if alphabet = alphabet[:1+r.IntN(3)]; r.IntN(5) == 0 {
			for i := range b {
				b[i] = alphabet[r.IntN(len(alphabet))]
			}
		}
		wantSize, quotes, wantEnds, wantParts := naiveMarks(b)
		size, ends, parts := findMarks(m, b)
		if size != wantSize || !slices.Equal(m.ends[:ends], wantEnds) || !slices.Equal(m.parts[:parts], wantParts) {
			t.Fatalf("of %d bytes %d with %d ends and %d parts, want %d with %d and %d: %q", len(b), size, ends, parts, wantSize, len(wantEnds), len(wantParts), b)
		}
		for i := range size {
			n, _ := slices.BinarySearch(quotes, uint16(i))
			if got := m.quotesBefore(i); got != n {
				t.Fatalf("%d quotes before %d, want %d: %q", got, i, n, b)
			}
		}
	}
}
