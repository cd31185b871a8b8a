package snapshotcmd

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/term"
)

// screen shows one snapshot after the other.
type screen interface {
	show(document) error
	end() error // leaves the newest one behind
}

// screen is a terminal that is redrawn in place, or a stream of blocks.
func (w *watch) screen() screen {
	if w.output.Format == "table" && !w.output.ToFile() && w.app.OutTTY {
		if f, ok := w.app.Out.(interface{ Fd() uintptr }); ok && dumb(w.app.Getenv) == "" {
			return &terminal{w: w, fd: int(f.Fd())}
		}
	}
	return &blocks{w: w}
}

// dumb says why a terminal cannot be redrawn, "" if it can.
func dumb(getenv func(string) (string, bool)) string {
	if v, _ := getenv("TERM"); v == "dumb" || v == "" {
		return "TERM"
	}
	if v, _ := getenv("CI"); v != "" && v != "false" && v != "0" {
		return "CI"
	}
	return ""
}

// blocks prints each snapshot below the one before, or replaces a file by it.
type blocks struct {
	w     *watch
	shown int
}

func (b *blocks) show(d document) error {
	b.shown++
	return b.w.output.Write(b.w.app, func(out io.Writer) error {
		if b.shown > 1 && !b.w.output.ToFile() && b.w.output.Format == "table" {
			if _, err := io.WriteString(out, "\n"); err != nil {
				return err
			}
		}
		return b.w.print(out, d, b.w.output.Width(b.w.app))
	})
}

func (b *blocks) end() error { return nil }

// The sequences of a terminal: its second screen, which leaves the scrolled-back text
// alone, and clearing to the end of the line and of the screen.
const (
	openScreen  = "\x1b[?1049h\x1b[?25l"
	closeScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// terminal draws over what stands there. It is wiped line by line, so that nothing
// flickers.
type terminal struct {
	w      *watch
	fd     int
	open   bool
	newest *document
}

func (t *terminal) show(d document) error {
	t.newest = &d
	width, height := t.size()
	var above, below bytes.Buffer
	first, second := t.w.view(&above, d, width), t.w.view(&below, d, width)
	first.measured()
	second.judged()
	if err := errors.Join(first.Err, second.Err); err != nil {
		return err
	}
	lines := fit(split(above.String()), split(below.String()), height-1, first.Style.Yellow("… a taller terminal, or -o json, shows more"))
	var out strings.Builder
	if !t.open {
		out.WriteString(openScreen)
		t.open = true
	}
	out.WriteString(home)
	for _, line := range lines {
		out.WriteString(line + clearLine + "\n")
	}
	out.WriteString(clearBelow)
	_, err := io.WriteString(t.w.app.Out, out.String())
	return err
}

// size is that of the terminal now: it may have been resized. A height of 0 is not
// known.
func (t *terminal) size() (width, height int) {
	if w, h, err := term.GetSize(t.fd); err == nil {
		return w, h
	}
	return t.w.app.Width, 0
}

func split(text string) []string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// fit cuts two parts to so many lines. What is wrong, in the second, has half of them
// at least, if it needs them: it must not be what falls off the screen.
func fit(first, second []string, height int, more string) []string {
	if height < 4 || len(first)+len(second) <= height {
		return append(first, second...)
	}
	cut := func(part []string, n int) []string {
		if len(part) <= n {
			return part
		}
		return append(slices.Clip(part[:n-1]), more)
	}
	second = cut(second, max(height/2, height-len(first)))
	return append(cut(first, height-len(second)), second...)
}

// end goes back to the first screen and leaves the newest snapshot there, whole.
func (t *terminal) end() error {
	if !t.open {
		return nil
	}
	t.open = false
	if _, err := io.WriteString(t.w.app.Out, closeScreen); err != nil {
		return err
	}
	width, _ := t.size()
	return t.w.output.Write(t.w.app, func(out io.Writer) error { return t.w.print(out, *t.newest, width) })
}
