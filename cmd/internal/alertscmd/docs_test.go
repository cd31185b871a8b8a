package alertscmd

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// What docs/alerts.md shows is what its commands print over its files; a line … stands
// for what it leaves out.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, m := range regexp.MustCompile("(?ms)^`([\\w.]+)`:\n\n```\\w*\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		if err := os.WriteFile(filepath.Clean(m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		for _, text := range strings.Split(block[1], "$ llmops ")[1:] {
			line, want, _ := strings.Cut(text, "\n")
			commands++
			r := clitest.Run(t, nil, []cli.Verb{New}, strings.Fields(line)...)
			got := r.Out + r.Err
			if tail, ok := strings.CutPrefix(want, "…\n"); ok {
				want, got = tail, got[max(0, len(got)-len(tail)):]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", line, diff)
			}
		}
	}
	if commands < 3 {
		t.Errorf("%d commands", commands)
	}
}
