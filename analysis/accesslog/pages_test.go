package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Blocks end anywhere, also between a page and the next one.
func TestPagesAcrossBlocks(t *testing.T) {
	rows := []string{llmopsRow(1), llmopsRow(2), llmopsRow(3)}
	for name, form := range map[string][3]string{
		"objects": {`{"data": [`, `],"meta":{"page":1}}`, "\n"},
		"arrays":  {"[", "]", "\n"},
		"close":   {`{ "items":[ `, `]}`, ""},
		"empty":   {`[`, `]`, "\n[]\n"},
		"headed":  {`{"object" : "list","n":12,"meta":{"data":[{"a":"]}"}]},"data":[`, `],"more":false}`, "\n"},
	} {
		// The first page ends near the end of the first block; so much is before it.
		head := form[0] + rows[0] + ",{\"pad\":\""
		for cut := -30; cut < 90; cut++ {
			pad := blockSize - len(head) + cut - len(`"}`+form[1])
			log := head + strings.Repeat("p", pad) + `"}` + form[1] + form[2] + form[0] + rows[1] + "," + rows[2] + form[1]
			s, events, err := readAll(t, []Source{memory(name, []byte(log))}, Options{})
			if err != nil || s.Records != 3 || len(events) != 3 || s.Malformed != 1 {
				t.Fatalf("%s, %d: %d records, %d malformed, %v", name, cut, s.Records, s.Malformed, err)
			}
		}
	}
}

// The longest row that is read is the same one in blocks and in chunks.
func TestLongestRow(t *testing.T) {
	base := llmopsRow(1)
	row := func(n int) string {
		return base[:len(base)-1] + `,"x":"` + strings.Repeat("p", n-len(base)-len(`,"x":""`)) + `"}`
	}
	for n, whole := range map[int]bool{MaxRow - 1: true, MaxRow: true, MaxRow + 1: false} {
		for _, end := range []string{"\n", "\r\n", ""} {
			log := []byte(base + "\n" + row(n-len(strings.TrimSuffix(end, "\n"))) + end)
			var got []string
			for _, source := range []Source{memory("x", log), onDisk(t, log)} {
				s, _, err := readAll(t, []Source{source}, Options{Format: "llmops"})
				if err != nil || whole != (s.Records == 2) || whole == (s.Malformed == 1) {
					t.Errorf("a row of %d bytes, then %q: %d records, %d malformed, %v", n, end, s.Records, s.Malformed, err)
				}
				got = append(got, fmt.Sprint(s.Records, s.Malformed, s.Samples))
			}
			if !slices.Equal(got[:1], got[1:]) {
				t.Errorf("a row of %d bytes, then %q: %s", n, end, got)
			}
		}
	}
}
