// Command llmops is for people on call for services that serve language
// models. Everything it does is in the packages of its verbs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/verbs"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error of the write, not the end of the process
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(int(verbs.Main(ctx, cli.System(), os.Args[1:])))
}
