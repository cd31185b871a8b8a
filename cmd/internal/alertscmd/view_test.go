package alertscmd

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// On a terminal of 80 columns no line is longer, and colours say no more than words do.
func TestTerminal(t *testing.T) {
	w := newWorld(t, nil)
	w.write("rules.yaml", fleetRules)
	page := w.write("page.txt", fleet()+"# EOF\n")
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	run := func(tty bool, env map[string]string) string {
		app := &cli.App{OutTTY: tty, Width: 80, Getenv: clitest.Env(env)}
		r := clitest.Run(t, app, []cli.Verb{New}, "alerts", page, "--rules", w.path("rules.yaml"))
		if r.Code != cli.CodeOK || r.Err != "" {
			t.Fatalf("exit %d\n%s", r.Code, r.Err)
		}
		return r.Out
	}
	coloured := run(true, map[string]string{"TERM": "xterm-256color", "LANG": "en_US.UTF-8"})
	for line := range strings.Lines(escapes.ReplaceAllString(coloured, "")) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	plain := run(true, map[string]string{"TERM": "xterm-256color", "LANG": "en_US.UTF-8", "NO_COLOR": "1"})
	if !escapes.MatchString(coloured) || escapes.ReplaceAllString(coloured, "") != plain {
		t.Error("without colours something else is said")
	}
	if out := run(false, map[string]string{"LANG": "C"}); strings.ContainsFunc(out, func(r rune) bool { return r > 126 }) {
		t.Errorf("not ASCII:\n%s", out)
	}
}
