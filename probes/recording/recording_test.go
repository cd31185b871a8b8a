package recording

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const prefix = `{"schema":"x"`

func line(n int) string { return fmt.Sprintf(`%s,"n":%d}`+"\n", prefix, n) }

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAppend(t *testing.T) {
	half := line(1)[:len(line(1))/2]
	for _, c := range []struct{ name, before, want string }{
		{"a new file", "", line(7)},
		{"behind whole lines", line(1) + line(2), line(1) + line(2) + line(7)},
		{"a line cut by a kill goes", line(1) + half, line(1) + line(7)},
		{"a first line cut by a kill goes", half, line(7)},
		{"cut within the prefix", prefix[:4], line(7)},
	} {
		path := filepath.Join(t.TempDir(), "r.jsonl")
		if c.before != "" {
			if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := (File{Path: path, Prefix: prefix}).Append([]byte(line(7))); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := content(t, path); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if info, err := os.Stat(path); err == nil && c.before == "" && runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", c.name, info.Mode())
		}
	}
}

// A file of somebody's own is neither cut nor added to, though it ends without a newline.
func TestForeignFileIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	const text = "what I must\nnot lose"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := File{Path: path, Prefix: prefix}
	for _, err := range []error{r.Check(), r.Append([]byte(line(1)))} {
		if _, ok := errors.AsType[*ForeignError](err); !ok {
			t.Errorf("%v", err)
		}
	}
	if got := content(t, path); got != text {
		t.Errorf("%q", got)
	}
}

func TestCheckLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	if err := (File{Path: path, Prefix: prefix}).Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := (File{Path: filepath.Join(path, "in", "no", "folder"), Prefix: prefix}).Check(); err == nil {
		t.Error("no error without a folder")
	}
}

func TestWhatIsNoLine(t *testing.T) {
	r := File{Path: filepath.Join(t.TempDir(), "r.jsonl"), Prefix: prefix}
	for _, text := range []string{"", "\n", prefix + "}", line(1) + line(2), "{}\n"} {
		if err := r.Append([]byte(text)); err == nil {
			t.Errorf("%q was appended", text)
		}
	}
}

// No line is lost at a rotation, and neither part is larger than it may be.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	size := int64(len(line(100)))
	r := File{Path: path, Prefix: prefix, MaxSize: 3 * size}
	for n := 100; n < 108; n++ {
		if err := r.Append([]byte(line(n))); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := content(t, path+Old)+content(t, path), line(103)+line(104)+line(105)+line(106)+line(107); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.MaxSize = 1 // a line is longer than the limit: it is a file of its own
	if err := r.Append([]byte(line(200))); err != nil || content(t, path) != line(200) {
		t.Errorf("%v, %q", err, content(t, path))
	}
}

// Writers that do not know of each other, with rotation, lose and mix nothing but what
// rotation drops.
func TestManyWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := File{Path: path, Prefix: prefix, MaxSize: 1 << 11}
			for n := range 40 {
				if err := r.Append([]byte(line(1000 + 100*w + n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	both := content(t, path+Old) + content(t, path)
	seen := map[string]bool{}
	for l := range strings.Lines(both) {
		var n int
		if _, err := fmt.Sscanf(l, prefix+`,"n":%d}`, &n); err != nil || l != line(n) || seen[l] {
			t.Fatalf("line %q: %v", l, err)
		}
		seen[l] = true
	}
	if len(seen) < 50 {
		t.Errorf("only %d lines are left", len(seen))
	}
}

func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	if err := (File{Path: "/dev/full", Prefix: prefix}).Append([]byte(line(1))); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
}
