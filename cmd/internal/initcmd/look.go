package initcmd

import (
	"context"
	"fmt"
	"strings"

	"llmops/cmd/internal/cli"
	"llmops/probes/serving"
	"llmops/probes/snapshot"
)

// endpoint is what was found at a URL, as far as the files depend on it. The zero value
// is an endpoint of which nothing is known.
type endpoint struct {
	URL     string   // of the interface, with its path
	Engine  string   // vllm, sglang, …; "": not known
	Version string   // of the engine; "": not said
	Models  []string // as the server lists them
	Slots   int      // the most that run at once; 0: not said
	Schemas bool     // the files name their schemas
}

// look asks the endpoint at raw. One that does not answer is no error: the files are
// written all the same, and a warning says what is missing in them.
func (o *options) look(ctx context.Context, app *cli.App, raw string) (endpoint, error) {
	key, err := o.key.Read(app)
	if err != nil {
		return endpoint{}, cli.Usage(err)
	}
	authorization, secrets := "", []string(nil)
	if key != "" {
		authorization, secrets = "Bearer "+key, []string{key}
	}
	to, err := o.transport.Access(app, authorization, secrets)
	if err != nil {
		return endpoint{}, cli.Usage(err)
	}
	client := serving.New(serving.Config{Access: to, Timeout: o.timeout})
	defer client.Close()
	seen, problems, err := client.Probe(ctx, raw, 0)
	if err != nil {
		return endpoint{}, cli.WithHint(cli.Usage(err), "an example is http://127.0.0.1:8000/v1")
	}
	if ctx.Err() != nil {
		return endpoint{}, ctx.Err()
	}
	for _, p := range problems {
		warn(app, p)
	}
	return found(raw, seen), nil
}

// warn says what could not be found out. That an endpoint shows no metrics is no fault of it.
func warn(app *cli.App, p snapshot.Problem) {
	text := fmt.Sprintf("%s: %s", p.Source, p.Detail)
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	if p.Status == snapshot.Unsupported {
		app.Notef("%s", text)
		return
	}
	app.Warnf("%s; the files are written without what it would have said", text)
}

func found(raw string, s snapshot.Server) endpoint {
	e := endpoint{URL: strings.TrimRight(raw, "/"), Engine: s.Engine, Version: s.Version, Models: s.Models}
	if s.Slots != nil && *s.Slots >= 1 && *s.Slots < 1e6 {
		e.Slots = int(*s.Slots)
	}
	return e
}

// Concurrency is that of the first load test: what runs at once where the server says
// so, else a load that any engine batches without a queue.
func (e endpoint) Concurrency() int {
	if e.Slots > 0 {
		return min(e.Slots, 64)
	}
	return 8
}

// IgnoresEOS tells whether the engine knows "ignore_eos", with which all answers have
// the length that was asked for.
func (e endpoint) IgnoresEOS() bool { return e.Engine == "vllm" || e.Engine == "sglang" }

// BudgetEngine is what "llmops budget --engine" calls the engine; "" where its counters
// do not tell good requests from bad ones.
func (e endpoint) BudgetEngine() string {
	switch e.Engine {
	case "vllm", "sglang", "tgi":
		return e.Engine
	case "llama.cpp":
		return "llamacpp"
	}
	return ""
}

// Name is the engine in words.
func (e endpoint) Name() string {
	return strings.TrimSpace(e.Engine + " " + e.Version)
}
