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

// Each shell gets a script of its own that asks the binary for completions.
func TestCompletionScripts(t *testing.T) {
	scripts, err := completionScripts()
	if err != nil {
		t.Fatal(err)
	}
	for name, mark := range map[string]string{
		"llmops.bash": "complete -o default",
		"_llmops":     "#compdef llmops",
		"llmops.fish": "complete -c llmops",
		"llmops.ps1":  "Register-ArgumentCompleter",
	} {
		if !strings.Contains(scripts[name], mark) || !strings.Contains(scripts[name], "__complete") {
			t.Errorf("%s: no %q or no call of llmops __complete in %d bytes", name, mark, len(scripts[name]))
		}
	}
	if len(scripts) != 4 {
		t.Errorf("got %d scripts, want 4", len(scripts))
	}
}

// What a release packs is what the commands of today make: pages of commands
// that are gone go, files of others stay.
func TestWriteAllRemovesWhatIsGone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"llmops-gone.1", "other.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeAll(dir, "llmops*.1", map[string]string{"llmops.1": "page"}); err != nil {
		t.Fatal(err)
	}
	got, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "llmops.1"), filepath.Join(dir, "other.1")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
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
