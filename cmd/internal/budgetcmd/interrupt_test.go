package budgetcmd

import (
	"context"
	"io"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// A log that goes on for ever ends with Ctrl-C, which says so and judges nothing.
func TestInterrupt(t *testing.T) {
	const row = `127.0.0.1 - - [01/Mar/2026:00:00:00 +0000] "GET /v1/models HTTP/1.1" 200 5 "-" "-"` + "\n"
	in, feed := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 1000 {
			_, _ = io.WriteString(feed, row)
		}
		cancel() // and never another row
	}()
	r := clitest.RunContext(ctx, &cli.App{In: in}, []cli.Verb{New}, "budget", "-")
	if r.Code != cli.CodeInterrupted || r.Out != "" || !strings.Contains(r.Err, "interrupted before all was read") {
		t.Errorf("exit %v, output %q, errors %q", r.Code, r.Out, r.Err)
	}
}
