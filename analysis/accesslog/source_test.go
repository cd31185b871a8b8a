package accesslog

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		z := gzip.NewWriter(&b)
		if _, err := z.Write(p); err != nil {
			t.Fatal(err)
		}
		z.Close()
	}
	return b.Bytes()
}

func zstded(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(p); err != nil {
			t.Fatal(err)
		}
		z.Close()
	}
	return b.Bytes()
}

// A repeated gives the same bytes again and again.
type repeated struct {
	piece []byte
	left  int64
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), r.left)
	for i := int64(0); i < n; {
		i += int64(copy(b[i:n], r.piece))
	}
	r.left -= n
	return int(n), nil
}

// Neither a line of 100 MB nor a file that unpacks to 200 times its size takes
// memory.
func TestMemoryIsBounded(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.Copy(z, io.MultiReader(strings.NewReader(llmopsRow(1)+"\n"), &repeated{[]byte{0}, 100 << 20}, strings.NewReader("\n"+llmopsRow(2)))); err != nil {
		t.Fatal(err)
	}
	z.Close()
	runtime.GC()
	var peak uint64
	sources := []Source{memory("bomb", packed.Bytes()), {Name: "line", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(llmopsRow(1)+"\n"), &repeated{[]byte("x"), 100 << 20}, strings.NewReader("\n"+llmopsRow(2)))), nil
	}}}
	s, err := Read(t.Context(), sources, Options{Workers: 4}, func() func(*Event) {
		return func(*Event) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
	})
	if err != nil || s.Records != 4 || s.Malformed != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if peak > 64<<20 {
		t.Errorf("%d MiB in use", peak>>20)
	}
}

func TestCompressed(t *testing.T) {
	log := []byte(strings.Repeat(llmopsRow(7)+"\n", 3000))
	half := len(log)/2 + 3 // within a row
	for name, packed := range map[string][]byte{
		"gzip": gzipped(t, log), "gzip of two members": gzipped(t, log[:half], log[half:]),
		"zstd": zstded(t, log), "zstd of two frames": zstded(t, log[:half], log[half:]),
		"zstd behind a frame to skip": append([]byte{0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'h', 'i'}, zstded(t, log)...),
		"plain":                       log, "with a mark in front": append([]byte("\uFEFF"), log...),
	} {
		s, err := Read(t.Context(), []Source{memory("x", packed)}, Options{}, ignore)
		if err != nil || s.Records != 3000 || s.Malformed != 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		if name == "plain" || name == "with a mark in front" {
			continue
		}
		for _, n := range []int{len(packed) - 1, len(packed)/2 + 7, len(packed) - 9} {
			_, err := Read(t.Context(), []Source{memory("cut.gz", packed[:n])}, Options{}, ignore)
			if err == nil || !strings.HasPrefix(err.Error(), "cut.gz: ") {
				t.Errorf("%s cut off at %d of %d: %v", name, n, len(packed), err)
			}
		}
	}
}

func TestWhatIsNoLog(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.jsonl", llmopsRow(1)+"\n"+llmopsRow(2))
	empty := write("empty.log", "")
	garbage := write("garbage.bin", "\x00\x01\x02\xff\xfe garbage\nmore of it\n")
	blank := write("blank.log", "\n\r\n \n")
	for _, c := range []struct {
		name    string
		paths   []string
		o       Options
		records int64
		errs    []string
	}{
		{"an empty file", []string{empty}, Options{}, 0, nil},
		{"blank lines", []string{blank}, Options{}, 0, nil},
		{"an empty file and another", []string{empty, good}, Options{}, 2, nil},
		{"garbage", []string{garbage}, Options{}, 0, []string{"garbage.bin", "its first row"}},
		{"garbage among logs", []string{good, garbage}, Options{}, 0, []string{"garbage.bin"}},
		{"a folder with garbage in it", []string{dir}, Options{}, 2, nil},
		{"a missing file", []string{filepath.Join(dir, "none")}, Options{}, 0, []string{"none", "no such file"}},
		{"a wrong format", []string{good}, Options{Format: "nginx"}, 0, nil},
		{"no such format", []string{good}, Options{Format: "foo"}, 0, []string{`"foo"`, "llmops"}},
		{"a column that there is not", []string{good}, Options{Map: map[string]string{"latenz": "x"}}, 0, []string{"latenz"}},
		{"fields of a format that has its own", []string{good}, Options{Format: "llmops", Map: map[string]string{"time": "t"}}, 0, []string{"llmops"}},
	} {
		sources, err := walk(c.paths...)
		var s Summary
		if err == nil {
			s, err = Read(t.Context(), sources, c.o, ignore)
		}
		if (err != nil) != (c.errs != nil) || err == nil && s.Records != c.records {
			t.Errorf("%s: %+v, %v", c.name, s, err)
			continue
		}
		for _, part := range c.errs {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", c.name, err, part)
			}
		}
	}
}

// Zeros may fill up a gzip file; anything else behind it is no part of it, and told.
func TestBehindGzip(t *testing.T) {
	log := []byte(strings.Repeat(llmopsRow(1)+"\n", 50))
	packed := gzipped(t, log, nil, nil, log)
	for name, c := range map[string]struct {
		behind string
		err    string
	}{
		"nothing":      {"", ""},
		"zeros":        {strings.Repeat("\x00", 100_000), ""},
		"one zero":     {"\x00", ""},
		"text":         {"garbage", "what is behind its compressed data is not of gzip"},
		"one byte":     {"\x1f", "what is behind its compressed data is not of gzip"},
		"zeros, text":  {"\x00\x00x", "what is behind its compressed data is not of gzip"},
		"half a begin": {"\x1f\x8b\x08", "cut off"},
	} {
		s, _, err := readAll(t, []Source{memory("x.gz", append(bytes.Clone(packed), c.behind...))}, Options{})
		switch {
		case c.err == "" && (err != nil || s.Records != 100):
			t.Errorf("%s: %d records, %v", name, s.Records, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), "x.gz: ") || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
}
