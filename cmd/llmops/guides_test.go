package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// Messages that the guide explains are messages of the program, and classes of errors
// are those that it counts.
func TestTroubleshootingQuotesTheProgram(t *testing.T) {
	var source strings.Builder
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || (path.Ext(name) != ".go" && d.Name() != "Makefile") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	quoted := 0
	for line := range strings.Lines(string(guide)) {
		var messages []string
		switch {
		case strings.HasPrefix(line, "### `"):
			messages = code.FindAllString(line, -1)
		case strings.HasPrefix(line, "| `"):
			messages = code.FindAllString(strings.Split(line, " | ")[0], -1)
		}
		if strings.Contains(line, "relocation") { // of the linker, not of ours
			continue
		}
		for _, m := range messages {
			for part := range strings.SplitSeq(strings.Trim(m, "`"), "…") {
				part = strings.Trim(part, " :(),")
				if strings.HasPrefix(part, "http_") || len(part) < 3 { // http_ and a status
					continue
				}
				quoted++
				if !strings.Contains(source.String(), part) {
					t.Errorf("no message says %q", part)
				}
			}
		}
	}
	if quoted < 25 {
		t.Errorf("%d quotes: they are not found", quoted)
	}
}

var (
	code = regexp.MustCompile("`[^`]+`")
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// What a page links to is there, headings too.
func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, name := range documents(t, "../..") {
		if path.Ext(name) != ".md" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
			}
			if fenced {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(line, ""), -1) {
				to, heading, _ := strings.Cut(m[1], "#")
				if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
					continue
				}
				links++
				target := name
				if to != "" {
					target = filepath.Join(filepath.Dir(name), to)
				}
				page, err := os.ReadFile(target)
				if info, statErr := os.Stat(target); statErr == nil && info.IsDir() {
					continue
				}
				if err != nil {
					t.Errorf("%s: link to %s: %v", name, m[1], err)
				} else if heading != "" && !slices.Contains(anchors(string(page)), heading) {
					t.Errorf("%s: %s has no heading %q", name, target, heading)
				}
			}
		}
	}
	if links < 100 {
		t.Errorf("%d links: they are not found", links)
	}
}

// anchors are the names by which the headings of a page are linked to.
func anchors(page string) (names []string) {
	for line := range strings.Lines(page) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			names = append(names, strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
					return unicode.ToLower(r)
				}
				return -1
			}, strings.TrimSpace(title)))
		}
		if _, id, ok := strings.Cut(line, `<a id="`); ok {
			id, _, _ = strings.Cut(id, `"`)
			names = append(names, id)
		}
	}
	return names
}

// The translation says what the original says: the same commands and outputs, the same
// links, as many headings and rows of tables.
func TestTranslationIsWhole(t *testing.T) {
	shape := func(name string) (out []string) {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "```"):
				fenced = !fenced
			case fenced:
				before, _, _ := strings.Cut(line, "  #")
				out = append(out, strings.TrimRight(before, " "))
			case strings.HasPrefix(line, "#"):
				out = append(out, strings.Repeat("#", len(line)-len(strings.TrimLeft(line, "#"))))
			case strings.HasPrefix(line, "| "):
				out = append(out, "|")
			case strings.HasPrefix(line, "- "):
				out = append(out, "-")
			}
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if !fenced && !strings.HasPrefix(m[1], "README") {
					out = append(out, m[1])
				}
			}
		}
		return out
	}
	if diff := cmp.Diff(shape("README.md"), shape("README.zh.md")); diff != "" {
		t.Error(diff)
	}
}
