package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// A large file that is looked at through windows holds what it holds when it is read:
// rows that end behind their chunk, far behind it, and with it.
func TestWindows(t *testing.T) {
	sizes := []int{0, 900, shownSize/16 - 1, overhang - 60, 2*shownSize + 77}
	for _, size := range sizes {
		row := llmopsRow(1)
		if pad := size - len(row) - len(`,"x":""`); pad > 0 {
			row = row[:len(row)-1] + `,"x":"` + strings.Repeat("p", pad) + `"}`
		}
		log := []byte("\uFEFF" + llmopsRow(3) + "\nno row\n")
		for len(log) < leastShown {
			log = append(append(log, row...), '\n')
		}
		log = append(log, "not one either"...)
		want, events, err := readAll(t, []Source{memory("x", log)}, Options{Workers: 1})
		if err != nil || want.Records == 0 || want.Malformed != 2 {
			t.Fatal(want, err)
		}
		for workers := 1; workers < 4; workers++ {
			got, other, err := readAll(t, []Source{onDisk(t, log)}, Options{Workers: workers})
			if err != nil || !slices.Equal(events, other) {
				t.Fatalf("rows of %d: %d events, want %d: %v", size, len(other), len(events), err)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("rows of %d: %s", size, diff)
			}
		}
	}
}

// A file that gets shorter while it is looked at is an error of that file, whoever
// looks, and no end of the program.
func TestWindowOnShorterFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, bytes.Repeat([]byte(llmopsRow(1)+"\n"), leastShown/len(llmopsRow(1))), 0o600); err != nil {
		t.Fatal(err)
	}
	short := Source{Name: "x", Open: func() (io.ReadCloser, error) { return os.Open(name) }}
	rows := 0
	s, err := Read(t.Context(), []Source{short}, Options{Workers: 1}, func() func(*Event) {
		return func(*Event) {
			if rows++; rows == 1 {
				if err := os.Truncate(name, 10); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if want := "x: " + errShorter.Error(); err == nil || err.Error() != want {
		t.Errorf("%+v, %v, want %s", s, err, want)
	}
	if s.Records != int64(rows) {
		t.Errorf("%d records, the sink has %d", s.Records, rows)
	}
}

// What is not of the window is not the window's: it goes on to whoever called.
func TestWindowGuardsItselfOnly(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var w window
	defer w.close()
	if b, err := w.show(f, 3, 9); err != nil || string(b) != "345678" {
		t.Fatalf("%q, %v", b, err)
	}
	mine := errors.New("mine")
	if err := w.guard(func() error { return mine }); err != mine {
		t.Errorf("%v", err)
	}
	for _, other := range []func(){func() { panic("other") }, func() { var p *int; *p = len(w.pages) }, func() { _ = w.pages[len(w.pages):][rowsOf(w.pages)] }} {
		func() {
			defer func() {
				if got := recover(); got == nil || strings.Contains(fmt.Sprint(got), errShorter.Error()) {
					t.Errorf("recovered %v", got)
				}
			}()
			t.Error(w.guard(func() error { other(); return nil }))
		}()
	}
}

func rowsOf(b []byte) int { return bytes.Count(b, []byte("\n")) }
