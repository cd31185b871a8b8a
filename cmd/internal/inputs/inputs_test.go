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
