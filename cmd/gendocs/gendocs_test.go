package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// The pages in docs/ are those that the commands of today make.
func TestDocsAreUpToDate(t *testing.T) {
	pages, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v (run make docs)", err)
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is out of date (run make docs):\n%s", name, diff)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "docs/reference/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := "docs/reference/" + filepath.Base(file); pages[name] == "" {
			t.Errorf("%s belongs to no command (run make docs)", name)
		}
	}
}

// Every command can be understood from its page.
func TestCommandsAreDescribed(t *testing.T) {
	for _, cmd := range documented(tree()) {
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || strings.ToLower(cmd.Short[:1]) != cmd.Short[:1] {
			t.Errorf("%s: short description %q: want lower case, no period", path, cmd.Short)
		}
		if cmd.Example == "" || !strings.HasPrefix(cmd.Example, "  ") {
			t.Errorf("%s: examples %q: want at least one, indented by two blanks", path, cmd.Example)
		}
		for line := range strings.Lines(cmd.Example) {
			if text := strings.TrimSpace(line); strings.HasPrefix(text, "llmops") && !strings.HasPrefix(text, "llmops ") {
				t.Errorf("%s: example %q", path, text)
			}
		}
	}
}

func TestManPage(t *testing.T) {
	for _, cmd := range documented(tree()) {
		page := manPage(cmd)
		for _, part := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n"} {
			if !strings.Contains(page, part) {
				t.Errorf("%s: no %q", cmd.CommandPath(), part)
			}
		}
	}
	if got, want := roff(".a\n'b\\c-d"), "\\&.a\n\\&'b\\ec\\-d"; got != want {
		t.Errorf("roff: got %q, want %q", got, want)
	}
}

func TestExitCodesNeedComments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "exit.go")
	for src, want := range map[string]string{
		"package x\nconst CodeA Code = 1 // done\n": "",
		"package x\nconst CodeA Code = 1\n":         "needs a number and a comment",
		"package x\nconst A = 1 // done\n":          "no exit codes",
		"package":                                   "read the exit codes",
	} {
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := exitCodes(file)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", src, err, want)
		}
	}
}
