// Package clitest runs a verb in the test's own process, with everything it
// may see and print held in memory. It is for tests only.
package clitest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"llmops/cmd/internal/cli"
)

// Result is what a command line did.
type Result struct {
	Code     cli.Code
	Out, Err string
}

// Env makes an App.Getenv of a map.
func Env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// Run runs args with verbs. app may be nil; its Out and Err are replaced, and
// an unset clock stands at 2026-01-02 03:04:05 UTC.
func Run(t testing.TB, app *cli.App, verbs []cli.Verb, args ...string) Result {
	t.Helper()
	return RunContext(t.Context(), app, verbs, args...)
}

// RunContext is Run with a context that the test can end, as Ctrl-C does.
func RunContext(ctx context.Context, app *cli.App, verbs []cli.Verb, args ...string) Result {
	if app == nil {
		app = &cli.App{}
	}
	var out, err bytes.Buffer
	app.Out, app.Err = &out, &err
	if app.Now == nil {
		app.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	}
	if app.Build.Version == "" {
		app.Build = cli.Build{Version: "test", Go: "go1.26", OS: "linux", Arch: "amd64"}
	}
	code := cli.Main(ctx, app, args, verbs...)
	return Result{code, out.String(), err.String()}
}
