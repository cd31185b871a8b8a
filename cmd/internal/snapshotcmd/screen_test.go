package snapshotcmd

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
)

// On a short terminal the findings stay, whatever is cut, and no line is too many.
func TestFit(t *testing.T) {
	part := func(name string, n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprint(name, i))
		}
		return lines
	}
	for _, c := range []struct{ first, second, height, wantFirst, wantSecond int }{
		{5, 3, 10, 5, 3}, {7, 3, 10, 7, 3}, {20, 3, 10, 6, 3}, {20, 20, 10, 4, 4}, {4, 20, 10, 4, 5}, {20, 0, 10, 9, 0}, {20, 20, 0, 20, 20},
	} {
		got := fit(part("a", c.first), part("b", c.second), c.height, "…")
		a := len(slices.DeleteFunc(slices.Clone(got), func(l string) bool { return l[0] != 'a' }))
		b := len(slices.DeleteFunc(slices.Clone(got), func(l string) bool { return l[0] != 'b' }))
		if a != c.wantFirst || b != c.wantSecond || c.height > 0 && len(got) > c.height {
			t.Errorf("%+v: %d and %d lines of %d", c, a, b, len(got))
		}
	}
}

// A redrawn terminal is never cleared as a whole, so that it does not flicker, and in
// the end the newest snapshot stands on the screen that was there before.
func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	w := &watch{options: &options{gpu: "none"}, app: &cli.App{Out: &out, Width: 80, OutTTY: true}}
	w.output.Format = "table"
	pipe, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	s := &terminal{w: w, fd: int(pipe.Fd())} // no terminal: its size is not known
	if err := s.end(); err != nil || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	for range 3 {
		if err := s.show(busy()); err != nil {
			t.Fatal(err)
		}
	}
	drawn := out.String()
	if strings.Count(drawn, openScreen) != 1 || strings.Count(drawn, home) != 3 || strings.Contains(drawn, "\x1b[2J") {
		t.Errorf("%q", drawn)
	}
	out.Reset()
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(out.String(), closeScreen)
	if !ok || strings.Contains(rest, "\x1b[H") || !strings.Contains(rest, "verdict:") {
		t.Errorf("%q", out.String())
	}
}
