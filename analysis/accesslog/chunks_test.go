package accesslog

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"
)

func onDisk(t *testing.T, log []byte) Source {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, log, 0o600); err != nil {
		t.Fatal(err)
	}
	return Source{Name: "x", Open: func() (io.ReadCloser, error) { return os.Open(name) }}
}

// A file that workers read in chunks holds what it holds when it is read from its
// front: every row once, wherever chunks end, malformed ones by their lines.
func TestChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	row := func(size int) string {
		base := llmopsRow(r.IntN(50))
		if pad := size - len(base) - len(`,"x":""`); pad > 0 {
			return base[:len(base)-1] + `,"x":"` + strings.Repeat("p", pad) + `"}`
		}
		return base
	}
	logs := map[string]func() string{
		"rows":   func() string { return row(0) + "\n" },
		"crlf":   func() string { return row(r.IntN(2000)) + "\r\n" },
		"long":   func() string { return row(overhang-20+r.IntN(40)) + "\n" },
		"longer": func() string { return row(r.IntN(3*chunkSize)) + "\n" },
		"exact":  func() string { return row(chunkSize/8-1) + "\n" },
		"bad": func() string {
			return []string{row(0), row(0), row(0), "", "{", strings.Repeat("x", 5000)}[r.IntN(6)] + "\n"
		},
	}
	for name, line := range logs {
		for _, bom := range []string{"", "\uFEFF"} {
			log := []byte(bom)
			for len(log) < leastChunked+2*chunkSize {
				log = append(log, line()...)
			}
			if r.IntN(2) == 0 {
				log = bytes.TrimSuffix(log, []byte("\n"))
			}
			o := Options{Format: "llmops", Workers: 1}
			want, events, err := readAll(t, []Source{memory("x", log)}, o)
			if err != nil || want.Records == 0 {
				t.Fatal(name, err)
			}
			for o.Workers = range 5 {
				o.Progress = new(atomic.Int64)
				got, other, err := readAll(t, []Source{onDisk(t, log)}, o)
				if n := o.Progress.Load(); n < int64(len(log)-len(bom)) || n > int64(len(log)) {
					t.Errorf("%s: progress of %d bytes, the file has %d", name, n, len(log))
				}
				if err != nil || !slices.Equal(events, other) {
					t.Fatalf("%s: %d events, want %d: %v", name, len(other), len(events), err)
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Fatalf("%s: %s", name, diff)
				}
			}
		}
	}
}

// Whatever the chunks and the buffers are, each row is of one chunk, whole and in
// its place.
func TestRowsOfChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	var big large
	for range 3000 {
		text := make([]byte, r.IntN(400))
		often := []int{2, 5, 30, 200}[r.IntN(4)]
		for i := range text {
			text[i] = "ab\r"[r.IntN(3)]
			if r.IntN(often) == 0 {
				text[i] = '\n'
			}
		}
		from := r.IntN(4)
		if from > len(text) {
			continue
		}
		c := &chunks{file: cutOff{bytes.NewReader(text)}, from: int64(from), size: int64(len(text)), step: 1 + r.Int64N(60)}
		buf := make([]byte, 0, c.step+1+r.Int64N(30))
		var got, want []string
		for more := true; more; {
			var k int64
			k, more = c.claim()
			rows, left, at, err := c.rows(k, buf)
			if err != nil || (at > 0) != (len(left) > 0) {
				t.Fatal(left, at, err)
			}
			lines := slices.Collect(bytes.Lines(rows))
			if at > 0 {
				row, long, err := c.rest(left, at, &big)
				if err != nil || long {
					t.Fatal(long, err)
				}
				lines = append(lines, bytes.Clone(row))
				big.Unlock()
			}
			for i, line := range lines {
				got = append(got, fmt.Sprint(k*chunkLine+int64(i), " ", string(line)))
			}
			c.counted(k, int64(len(lines)))
		}
		for i, line := range got {
			n, text, _ := strings.Cut(line, " ")
			at, err := strconv.ParseInt(n, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			got[i] = fmt.Sprint(c.line(at), " ", text)
		}
		for line := range bytes.Lines(text[from:]) {
			want = append(want, fmt.Sprint(len(want), " ", string(line)))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q from %d by %d into %d: %q", text, from, c.step, cap(buf), got)
		}
	}
}

// A row beyond what is read is one malformed row; those around it are read.
func TestChunksOfEndlessRow(t *testing.T) {
	good := llmopsRow(1) + "\n"
	log := slices.Concat(bytes.Repeat([]byte(good), 900), []byte(`{"a":"`), bytes.Repeat([]byte("a"), MaxRow+3*chunkSize), []byte("\"}\n"), bytes.Repeat([]byte(good), 800))
	s, _, err := readAll(t, []Source{onDisk(t, log)}, Options{})
	if err != nil || s.Records != 1700 || s.Malformed != 1 || s.Samples[0].Line != 901 || s.Bytes > int64(len(log)) {
		t.Errorf("%+v, %v", s, err)
	}
}

// A file that gets shorter while it is read ends where it ends.
func TestChunksOfFileCutOff(t *testing.T) {
	log := bytes.Repeat([]byte(llmopsRow(1)+"\n"), 20_000)
	c := &chunks{file: cutOff{bytes.NewReader(log[:chunkSize+1000])}, size: int64(len(log)), step: chunkSize}
	buf := make([]byte, 0, blockSize)
	total := 0
	for more := true; more; {
		var k int64
		k, more = c.claim()
		rows, left, _, err := c.rows(k, buf)
		if err != nil || left != nil {
			t.Fatal(err)
		}
		total += len(rows)
	}
	if total != chunkSize+1000 {
		t.Errorf("%d bytes of rows", total)
	}
}

type cutOff struct{ *bytes.Reader }

func (cutOff) Stat() (os.FileInfo, error) { return nil, os.ErrInvalid }

// A disk that fails in the middle of a file is an error of that file, however many
// read it.
func TestChunksOfBrokenDisk(t *testing.T) {
	log := bytes.Repeat([]byte(llmopsRow(1)+"\n"), 20_000)
	good := onDisk(t, log)
	for workers := range 8 {
		broken := Source{Name: "b", Open: func() (io.ReadCloser, error) {
			f, err := good.Open()
			if err != nil {
				return nil, err
			}
			return brokenDisk{f.(*os.File)}, nil
		}}
		whole, later := good, good
		whole.Name, later.Name = "a", "c"
		s, _, err := readAll(t, []Source{later, broken, whole}, Options{Workers: workers})
		if err == nil || err.Error() != "b: input/output error" || s.Records < 20_000 {
			t.Errorf("%d workers: %d records, %v", workers, s.Records, err)
		}
	}
}

type brokenDisk struct{ *os.File }

func (b brokenDisk) ReadAt(p []byte, at int64) (int, error) {
	if at > 3*chunkSize {
		return 0, &os.PathError{Op: "read", Path: b.Name(), Err: syscall.EIO}
	}
	return b.File.ReadAt(p, at)
}

// Of workers that wait for more of a file that fails, all hear that there is none.
func TestQueueOfFailedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue([]Source{memory("x", nil)})
		f := q.get()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if f := q.get(); f != nil {
					t.Error("a file that failed was handed out")
				}
			})
		}
		synctest.Wait() // they wait
		q.fail(f, io.ErrUnexpectedEOF)
		q.share(f, true)
		wg.Wait()
	})
}
