package inputs

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWalk(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.log", "a.log", ".hidden", "sub/c.log", ".git/d.log"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sources, err := Walk([]string{filepath.Join(dir, "sub", "c.log"), dir, "-", filepath.Join(dir, ".", "a.log")}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sources {
		name, _ := filepath.Rel(dir, s.Name)
		got = append(got, fmt.Sprintf("%s %v", cmp.Or(name, s.Name), s.Found))
	}
	want := []string{"- false", "a.log false", "b.log true", "sub/c.log false"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHint(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "access.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const plain = "name a log file, a folder that holds some, or - for the standard input"
	for path, want := range map[string]string{
		"acess.log":     "did you mean " + filepath.Join(dir, "access.log") + "?",
		"access.log.gz": "did you mean " + filepath.Join(dir, "access.log") + "?",
		"other.jsonl":   plain,
		"none/access":   plain,
	} {
		_, err := Walk([]string{filepath.Join(dir, path)}, strings.NewReader(""))
		if got := Hint(err); err == nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", path, got, want, err)
		}
	}
}
