// Package cli is what every verb of llmops shares: the streams, clock and
// environment of the process, the root command, the layers of configuration,
// the exit codes and the groups of flags that mean the same everywhere. It
// must not know any verb, measure anything or judge anything.
package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"llmops/cmd/internal/render"
)

// App is the process as a verb may see it. Verbs take streams, environment and
// clock from here and from nowhere else, so that a test can hold all of it.
// The zero value of every field works: no input, discarded output, an empty
// environment and the wall clock.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(name string) (string, bool)
	// Environ lists the variables as NAME=VALUE, so that misspelt ones can be told of.
	Environ func() []string
	Now     func() time.Time
	// OutTTY and ErrTTY tell whether Out and Err are terminals.
	OutTTY, ErrTTY bool
	// Width is the width of the terminal in columns, 0 when Out is none: no limit.
	Width int
	Build Build

	// Set from the flags that every command shares, before a verb runs.
	Quiet   bool   // --quiet: neither progress nor notes
	Verbose bool   // --verbose
	Color   string // --color: auto, always or never

	configFile string

	mu    sync.Mutex // guards Err and drawn
	drawn bool       // a progress line stands on the terminal
}

// System is the App of the running process.
func System() *App {
	a := &App{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Getenv:  os.LookupEnv,
		Environ: os.Environ,
		Now:     time.Now,
		OutTTY:  term.IsTerminal(int(os.Stdout.Fd())),
		ErrTTY:  term.IsTerminal(int(os.Stderr.Fd())),
		Build:   readBuild(),
	}
	fd := int(os.Stdout.Fd())
	if !a.OutTTY {
		fd = int(os.Stderr.Fd()) // the progress line still needs a width
	}
	if w, _, err := term.GetSize(fd); err == nil {
		a.Width = w
	}
	return a
}

// prepare fills what a caller left out, so that no verb has to test for nil.
func (a *App) prepare() {
	if a.In == nil {
		a.In = strings.NewReader("")
	}
	if a.Out == nil {
		a.Out = io.Discard
	}
	if a.Err == nil {
		a.Err = io.Discard
	}
	if a.Getenv == nil {
		a.Getenv = func(string) (string, bool) { return "", false }
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	if n, err := strconv.Atoi(a.env("COLUMNS")); err == nil && n > 0 && a.Width == 0 && a.OutTTY {
		a.Width = n
	}
}

func (a *App) env(name string) string {
	if a.Getenv == nil {
		return ""
	}
	v, _ := a.Getenv(name)
	return v
}

// Notef tells the user something on standard error, unless --quiet is given.
func (a *App) Notef(format string, args ...any) {
	if !a.Quiet {
		a.say("", format, args...)
	}
}

// Verbosef is Notef for what only --verbose asks for.
func (a *App) Verbosef(format string, args ...any) {
	if a.Verbose && !a.Quiet {
		a.say("", format, args...)
	}
}

// Warnf tells of something doubtful that does not stop the command. --quiet
// does not silence it: a doubt about a result belongs to the result.
func (a *App) Warnf(format string, args ...any) {
	a.say(a.ErrStyle().Yellow("warning:")+" ", format, args...)
}

func (a *App) say(kind, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clear()
	fmt.Fprintf(a.Err, "llmops: %s%s\n", kind, message(fmt.Sprintf(format, args...)))
}

// Style is how to colour what goes to standard output. Output.Style is for
// commands that can also write to a file.
func (a *App) Style() render.Style {
	return render.NewStyle(a.Color, a.OutTTY, a.Getenv)
}

// ErrStyle is how to colour what goes to standard error.
func (a *App) ErrStyle() render.Style {
	return render.NewStyle(a.Color, a.ErrTTY, a.Getenv)
}
