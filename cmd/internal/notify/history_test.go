package notify

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func entry(receiver, group string, firing ...string) Entry {
	return Entry{Receiver: receiver, GroupKey: group, Firing: firing, SentAt: at("10:30:00")}
}

func openHistory(t *testing.T, path string) (*History, []string) {
	t.Helper()
	h, warnings, err := OpenHistory(t.Context(), path, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h, warnings
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.jsonl")
	h, warnings := openHistory(t, path)
	if len(h.Entries()) != 0 || len(warnings) != 0 {
		t.Fatal(h.Entries(), warnings)
	}
	long := entry("pager", `{}:{alertname="A\"\n"}`, "b", "a")
	for _, e := range []Entry{entry("slack", "g2"), long, entry("slack", "g1", "x"), entry("gone", "g")} {
		h.Put(e)
	}
	h.Delete("gone", "g")
	h.Put(entry("slack", "g1", "y"))
	if err := h.Save(); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	want := `{"schema":"llmops.notifications/v1","receiver":"pager","group_key":"{}:{alertname=\"A\\\"\\n\"}","firing":["a","b"],"sent_at":"2026-03-02T10:30:00Z"}
{"schema":"llmops.notifications/v1","receiver":"slack","group_key":"g1","firing":["y"],"sent_at":"2026-03-02T10:30:00Z"}
{"schema":"llmops.notifications/v1","receiver":"slack","group_key":"g2","firing":[],"sent_at":"2026-03-02T10:30:00Z"}
`
	data, err := os.ReadFile(path)
	if d := cmp.Diff(want, string(data)); d != "" || err != nil {
		t.Error(d, err)
	}
	again, _ := openHistory(t, path)
	if d := cmp.Diff(h.Entries(), again.Entries(), cmp.Comparer(func(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") })); d != "" {
		t.Error(d)
	}
}

// A file that ends anywhere, or with a broken line in it, costs that line and is told of.
func TestDamagedHistory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "told.jsonl")
	h, _ := openHistory(t, path)
	for _, g := range []string{"a", "b", "c"} {
		h.Put(entry("slack", g, "x"))
	}
	if err := h.Save(); err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := len(whole) / 3
	check := func(data []byte, entries, warnings int) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		h, w, err := OpenHistory(t.Context(), path, 0)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		defer h.Close()
		if len(h.Entries()) != entries || len(w) != warnings || warnings > 0 && !strings.HasPrefix(w[0], path+":") {
			t.Fatalf("%d bytes: %d entries, %q; want %d, %d", len(data), len(h.Entries()), w, entries, warnings)
		}
	}
	for end := range len(whole) {
		entries := end / size
		if end%size == size-1 {
			entries++ // all but the line break
		}
		damaged := 0
		if end%size != 0 && end%size != size-1 {
			damaged = 1
		}
		check(whole[:end], entries, damaged)
	}
	broken := bytes.Replace(whole, []byte(`"group_key":"b"`), []byte("\x00\x00\x00"), 1)
	check(broken, 2, 1)
	check(append(bytes.Repeat([]byte{0}, 100), append([]byte("\n"), whole...)...), 3, 1)

	for _, foreign := range []string{"hello\n", `{"schema":"llmops.snapshot/v1"}` + "\n", "[]", "{\n  \"theme\": \"dark\"\n}\n", "{\n"} {
		if err := os.WriteFile(path, []byte(foreign), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := OpenHistory(t.Context(), path, 0); err == nil || !strings.Contains(err.Error(), "is no history of notifications, and nothing is written to it") {
			t.Errorf("%q: %v", foreign, err)
		}
		if data, _ := os.ReadFile(path); string(data) != foreign {
			t.Errorf("%q was overwritten", foreign)
		}
	}
}

// Two runs at once: the second waits, and knows then what the first has sent.
func TestHistoryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.jsonl")
	first, _ := openHistory(t, path)
	if _, _, err := OpenHistory(t.Context(), path, 50*time.Millisecond); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "another run has it locked, for 50ms by now") {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := OpenHistory(soon, path, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	var second *History
	go func() {
		var err error
		second, _, err = OpenHistory(t.Context(), path, 10*time.Second)
		done <- err
	}()
	time.Sleep(30 * time.Millisecond)
	first.Put(entry("slack", "g", "x"))
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if len(second.Entries()) != 1 {
		t.Error(second.Entries())
	}
}

// A run that is killed while it saves leaves a whole file, old or new, and no lock.
func TestHistoryKilled(t *testing.T) {
	if path := os.Getenv("NOTIFY_TEST_SAVES"); path != "" {
		h, _ := openHistory(t, path)
		for i := 0; ; i++ {
			h.Put(entry("slack", "g", strings.Repeat("x", 1+i%5000)))
			if err := h.Save(); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "told.jsonl")
	for i := range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHistoryKilled$", "-test.timeout=30s")
		cmd.Env = append(os.Environ(), "NOTIFY_TEST_SAVES="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if _, err := os.Stat(path); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		h, warnings, err := OpenHistory(t.Context(), path, 0)
		if err != nil || len(warnings) > 0 || len(h.Entries()) != 1 {
			t.Fatal(warnings, err)
		}
		_ = h.Close()
	}
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte(`{"schema":"llmops.notifications/v1","receiver":"slack","group_key":"g1","firing":["y"],"sent_at":"2026-03-02T10:30:00Z"}` + "\n{"))
	f.Add([]byte("\n\n{}\n[]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := &History{path: "h", entries: map[historyKey]Entry{}}
		warnings, ours, err := h.decode(bytes.NewReader(data))
		if err != nil || len(h.entries) > 0 && !ours {
			t.Fatal(err, ours)
		}
		if lines := bytes.Count(data, []byte("\n")) + 1; len(h.entries)+len(warnings) > lines {
			t.Fatalf("%d entries and %d warnings of %d lines", len(h.entries), len(warnings), lines)
		}
	})
}
