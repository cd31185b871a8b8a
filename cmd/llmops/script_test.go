package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/verbs"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// TestMain lets this test binary stand in for llmops when a script runs it, so
// that scripts see a real process with streams, signals and an exit code.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"llmops": func() {
			signal.Ignore(syscall.SIGPIPE)
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			os.Exit(int(verbs.Main(ctx, cli.System(), os.Args[1:])))
		},
	})
}

// TestScripts runs testdata/script. "exits CODE args…" runs llmops and wants
// that exit code, "await FILE REGEXP" waits until a file holds something; everything
// else is testscript's own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "serve": serve, "await": await},
	})
}
