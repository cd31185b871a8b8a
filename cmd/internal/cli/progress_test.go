package cli_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// clearLine is what takes the line off the terminal.
const clearLine = "\r\x1b[K"

func TestProgress(t *testing.T) {
	redraw := func(from, to int) (s string) {
		for i := from; i <= to; i++ {
			s += fmt.Sprintf("\rstep %d\x1b[K", i)
		}
		return s
	}
	tests := []struct {
		name string
		app  *cli.App
		work time.Duration
		want string
	}{
		{"short work shows nothing", &cli.App{ErrTTY: true}, 950 * time.Millisecond, ""},
		{"a terminal is redrawn ten times a second", &cli.App{ErrTTY: true}, 1350 * time.Millisecond, redraw(1, 4) + clearLine},
		{"a pipe gets nothing", &cli.App{}, 11 * time.Second, ""},
		{"a pipe in CI gets a line every 5 s", &cli.App{Getenv: clitest.Env(map[string]string{"CI": "1"})}, 11 * time.Second, "llmops: step 1\nllmops: step 2\n"},
		{"CI that is switched off is none", &cli.App{Getenv: clitest.Env(map[string]string{"CI": "false"})}, 11 * time.Second, ""},
		{"CI gets plain lines on what it takes for a terminal too", &cli.App{ErrTTY: true, Getenv: clitest.Env(map[string]string{"CI": "true"})}, 6 * time.Second, "llmops: step 1\n"},
		{"a dumb terminal too", &cli.App{ErrTTY: true, Getenv: clitest.Env(map[string]string{"TERM": "dumb"})}, 6 * time.Second, "llmops: step 1\n"},
		{"quiet", &cli.App{ErrTTY: true, Quiet: true}, 6 * time.Second, ""},
		{"no wider than the terminal", &cli.App{ErrTTY: true, Width: 5}, 1050 * time.Millisecond, "\rste…\x1b[K" + clearLine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b bytes.Buffer
				tt.app.Err = &b
				n := 0
				stop := tt.app.Progress(func() string { n++; return fmt.Sprint("step ", n) })
				time.Sleep(tt.work)
				stop()
				stop()
				if b.String() != tt.want {
					t.Errorf("got %q, want %q", b.String(), tt.want)
				}
			})
		})
	}
}

func TestWarningClearsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		app := &cli.App{Err: &b, ErrTTY: true, Color: "never"}
		stop := app.Progress(func() string { return "working" })
		time.Sleep(1050 * time.Millisecond)
		app.Warnf("doubt")
		stop()
		want := "\rworking\x1b[K" + clearLine + "llmops: warning: doubt\n"
		if !strings.HasPrefix(b.String(), want) || strings.Count(b.String(), clearLine) != 1 {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	})
}
