package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"llmops/cmd/internal/render"
)

const (
	progressAfter = time.Second            // shorter work shows nothing
	progressTTY   = 100 * time.Millisecond // between two redraws of the line
	progressPlain = 5 * time.Second        // between two lines in a log
)

// Progress shows line() on standard error while something runs, until stop is
// called: on a terminal one line that is redrawn and cleared at the end, in CI
// (the variable CI is set) a plain line every 5 s, elsewhere and with --quiet
// nothing. Work shorter than a second shows nothing. line is called from
// another goroutine, never after stop has returned; stop may be called more
// than once.
func (a *App) Progress(line func() string) (stop func()) {
	if a.Quiet || !a.ErrTTY && !a.ci() {
		return func() {}
	}
	// A dumb terminal cannot take a line back: it gets those of CI.
	redraw := a.ErrTTY && !a.ci() && a.env("TERM") != "dumb"
	first, every := progressPlain, progressPlain
	if redraw {
		first, every = progressAfter, progressTTY
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		timer := time.NewTimer(first)
		defer timer.Stop()
		for {
			select {
			case <-quit:
				return
			case <-timer.C:
				a.draw(line(), redraw)
				timer.Reset(every)
			}
		}
	})
	return sync.OnceFunc(func() {
		close(quit)
		wg.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.clear()
	})
}

func (a *App) draw(line string, redraw bool) {
	line = strings.ReplaceAll(render.Clean(line), "\n", " ")
	a.mu.Lock()
	defer a.mu.Unlock()
	if !redraw {
		fmt.Fprintf(a.Err, "llmops: %s\n", line)
		return
	}
	// The last column stays free: some terminals wrap when it is written.
	fmt.Fprintf(a.Err, "\r%s\x1b[K", render.Cut(line, a.Width-1))
	a.drawn = true
}

// clear takes the progress line away before something else is written. The
// caller holds a.mu.
func (a *App) clear() {
	if a.drawn {
		fmt.Fprint(a.Err, "\r\x1b[K")
		a.drawn = false
	}
}

// ci tells whether the process runs in continuous integration, where a
// terminal is only pretended and a redrawn line would fill the log.
func (a *App) ci() bool {
	v := a.env("CI")
	return v != "" && v != "false" && v != "0"
}
