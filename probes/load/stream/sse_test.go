package stream

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
)

type found struct {
	Name, Data string
	Cut        bool
}

// parse pushes body in pieces of n bytes; 0: all at once.
func parse(body string, n int) []found {
	var s SSE
	var out []found
	for piece := range slices.Chunk([]byte(body), max(1, cmp.Or(n, len(body)))) {
		// The parser may not keep a view of bytes that go away.
		piece = bytes.Clone(piece)
		for s.Push(piece); s.Next(); {
			out = append(out, found{string(s.Name), string(s.Data), false})
		}
		for i := range piece {
			piece[i] = '#'
		}
	}
	if s.Close() {
		out = append(out, found{string(s.Name), string(s.Data), true})
	}
	return out
}

func TestSSE(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       []found
	}{
		{"lf", "data: a\n\ndata: b\n\n", []found{{"", "a", false}, {"", "b", false}}},
		{"crlf", "data: a\r\n\r\ndata: b\r\n\r\n", []found{{"", "a", false}, {"", "b", false}}},
		{"cr", "data: a\r\rdata: b\r\r", []found{{"", "a", false}, {"", "b", false}}},
		{"mixed", "data: a\r\n\rdata: b\n\r\n", []found{{"", "a", false}, {"", "b", false}}},
		{"no space", "data:a\n\n", []found{{"", "a", false}}},
		{"one space of two", "data:  a\n\n", []found{{"", " a", false}}},
		{"tab stays", "data:\ta\n\n", []found{{"", "\ta", false}}},
		{"several lines", "data: a\ndata\ndata:b\n\n", []found{{"", "a\n\nb", false}}},
		{"comments", ": x\n:\ndata: a\n: y\n\n:z\n\n", []found{{"", "a", false}}},
		{"name", "event: e\ndata: a\n\ndata: b\n\n", []found{{"e", "a", false}, {"", "b", false}}},
		{"name without data is dropped", "event: e\n\ndata: b\n\n", []found{{"", "b", false}}},
		{"id retry unknown", "id: 1\nretry: 2\nfoo: 3\nbar\ndata: a\n\n", []found{{"", "a", false}}},
		{"colon in value", "data: a:b\n\n", []found{{"", "a:b", false}}},
		{"empty data", "data\n\ndata:\n\n", []found{{"", "", false}, {"", "", false}}},
		{"mark", "\xef\xbb\xbfdata: a\n\n", []found{{"", "a", false}}},
		{"mark only at the start", "data: a\n\n\xef\xbb\xbfdata: b\n\n", []found{{"", "a", false}}},
		{"half a mark", "\xef\xbbdata: a\n\ndata: b\n\n", []found{{"", "b", false}}},
		{"no blank line", "data: a\n", []found{{"", "a", true}}},
		{"no line end", "event: e\ndata: a", []found{{"e", "a", true}}},
		{"field cut", "data: a\n\nda", []found{{"", "a", false}}},
		{"nothing", "", nil},
	} {
		for _, n := range []int{0, 1, 2, 3, 5} {
			if got := parse(tt.body, n); !slices.Equal(got, tt.want) {
				t.Errorf("%s in pieces of %d: %v, want %v", tt.name, n, got, tt.want)
			}
		}
	}
}

// An event that ends with CR at the end of a read is complete in that read,
// and the line feed of the next one belongs to it.
func TestCRIsNotWaitedFor(t *testing.T) {
	var s SSE
	s.Push([]byte("data: a\r\n\r"))
	if !s.Next() || string(s.Data) != "a" || s.Next() {
		t.Fatal("the event waits for a line feed")
	}
	s.Push([]byte("\ndata: b\n\n"))
	if !s.Next() || string(s.Data) != "b" || s.Next() {
		t.Fatal("the line feed after CR was read as a line")
	}
}

func TestLineCounts(t *testing.T) {
	for _, tt := range []struct {
		body           string
		known, unknown int
		cut            bool
	}{
		{"<html>\n</html>", 0, 2, false},
		{": x\n", 1, 0, false},
		{"data: 1\nid: 2\nretry: 3\nevent: x\n\n", 4, 0, false},
		{"eve", 0, 0, true},
		{"even", 0, 0, true},
		{"evil", 0, 1, false},
		{"\n\r\n", 0, 0, false},
	} {
		var s SSE
		for s.Push([]byte(tt.body)); s.Next(); {
		}
		s.Close()
		if s.Known != tt.known || s.Unknown != tt.unknown || s.Cut() != tt.cut {
			t.Errorf("%q: %d known, %d unknown, cut %v", tt.body, s.Known, s.Unknown, s.Cut())
		}
	}
}

func TestTooLarge(t *testing.T) {
	line := "data: " + strings.Repeat("x", MaxEvent/2) + "\n"
	for name, pieces := range map[string][]string{
		"one line":      {"data: " + strings.Repeat("x", MaxEvent) + "\n\n"},
		"line in parts": {"data: ", strings.Repeat("x", MaxEvent), "y"},
		"many lines":    {line, line, line, "\n"},
	} {
		var s SSE
		for _, p := range pieces {
			for s.Push([]byte(p)); s.Next(); {
				t.Errorf("%s: an event came out", name)
			}
		}
		if s.Err() != ErrTooLarge || s.Close() {
			t.Errorf("%s: %v", name, s.Err())
		}
	}
	var s SSE
	s.Push([]byte(line + "\n"))
	if !s.Next() || s.Err() != nil {
		t.Error("an event of 8 MiB was refused")
	}
	var n NDJSON
	for n.Push([]byte(strings.Repeat("x", MaxEvent+1))); n.Next(); {
	}
	if n.Err() != ErrTooLarge {
		t.Error("a line above the limit was taken")
	}
}

// reference is the specification written down as plainly as possible: whole
// body, lines, then fields.
func reference(body string) (out []found) {
	if tail := strings.TrimPrefix(body, "\xef\xbb\xbf"); tail != body || !strings.HasPrefix("\xef\xbb\xbf", body) {
		body = tail
	} else {
		return nil
	}
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(body, "\n")
	var name string
	var data []string
	for i, line := range lines {
		last := i == len(lines)-1
		if line != "" && last && (strings.HasPrefix("data", line) || strings.HasPrefix("event", line)) {
			line = "" // a field whose name was cut
		}
		if line == "" {
			if data != nil {
				out = append(out, found{name, strings.Join(data, "\n"), last})
			}
			name, data = "", nil
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "data":
			data = append(data, value)
		case "event":
			name = value
		}
	}
	if data != nil {
		out = append(out, found{name, strings.Join(data, "\n"), true})
	}
	return out
}

func FuzzSSE(f *testing.F) {
	f.Add("data: a\r\n\rdata: b\ndata\n\n: c\nevent: e\nid\ndata:x", byte(3))
	f.Add("\xef\xbb\xbfdata: a\r\r", byte(1))
	f.Fuzz(func(t *testing.T, body string, n byte) {
		want := reference(body)
		for _, size := range []int{0, 1, int(n)} {
			if got := parse(body, size); !slices.Equal(got, want) {
				t.Fatalf("%q in pieces of %d:\n got %v\nwant %v", body, size, got, want)
			}
		}
	})
}

func TestNDJSON(t *testing.T) {
	const body = "{\"a\":1}\n\n \r\n{\"b\":2}\r\n{\"c\":3}"
	for size := 1; size <= len(body); size++ {
		var n NDJSON
		var got []string
		for piece := range slices.Chunk([]byte(body), size) {
			for n.Push(bytes.Clone(piece)); n.Next(); {
				got = append(got, string(n.Data))
			}
		}
		if n.Close() {
			got = append(got, "cut "+string(n.Data))
		}
		if want := []string{`{"a":1}`, "{\"b\":2}\r", `cut {"c":3}`}; !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: %q", size, got)
		}
	}
}

func BenchmarkSSE(b *testing.B) {
	for _, nl := range []string{"\n", "\r\n", "\r"} {
		event := "data: " + strings.Repeat("x", 190) + nl + nl
		body := []byte(strings.Repeat(event, 100))
		b.Run(fmt.Sprintf("%q", nl), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var s SSE
			for b.Loop() {
				n := 0
				for s.Push(body); s.Next(); {
					n++
				}
				if n != 100 {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
		})
	}
}
