package load

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"llmops/fixtures/streamserver"
	"llmops/probes/load/api"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

// TestStreams plays scripted replies over real connections: the project's own,
// and those of a data folder where LLMOPS_DATA names one.
func TestStreams(t *testing.T) {
	playAll(t, os.DirFS("../../fixtures/streams"))
	if dir := os.Getenv("LLMOPS_DATA"); dir != "" {
		playAll(t, os.DirFS(filepath.Join(dir, "streams")))
	}
}

func playAll(t *testing.T, files fs.FS) {
	cases, err := streamserver.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 20 {
		t.Fatalf("only %d cases", len(cases))
	}
	srv := streamserver.Start(t, cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			a, ok := api.Lookup(c.API)
			if !ok {
				t.Fatalf("unknown interface %q", c.API)
			}
			url, err := a.Path(srv.URL(c), true)
			if err != nil {
				t.Fatal(err)
			}
			cfg := streamConfig(c, Target{URL: url, API: a, Header: a.Header("", true), Body: api.Options{Model: "m", Stream: true}})
			// The outcome must be right every time; a moment may be missed by a
			// busy machine, but not ten times.
			var faults []string
			for range 10 {
				rec := runOne(t, cfg)
				if rec.OK != (rec.Error == request.OK) {
					t.Errorf("ok is %v with the class %q", rec.OK, rec.Error)
				}
				got := streamserver.Result{Class: string(rec.Error), Tokens: rec.CompletionTokens, TokensFrom: rec.TokensFrom}
				if !rec.FirstTokenAt.IsZero() {
					got.TTFT, got.LastToken = new(rec.FirstTokenAt.Sub(rec.SentAt)), new(rec.LastTokenAt.Sub(rec.SentAt))
				}
				for _, fault := range c.Expected.Check(got, time.Hour) {
					t.Errorf("%s (class %q: %s)", fault, rec.Error, rec.Detail)
				}
				if want := c.Expected.RequestsSeen; want != nil && srv.Posts(c.Name) != *want {
					t.Errorf("the server saw %d requests, want %d", srv.Posts(c.Name), *want)
				}
				if faults = c.Expected.Check(got, 0); len(faults) == 0 || t.Failed() {
					break
				}
			}
			for _, fault := range faults {
				t.Error(fault)
			}
		})
	}
}

func streamConfig(c streamserver.Case, target Target) Config {
	sec := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return Config{Targets: []Target{target}, Timeouts: Timeouts{Connect: 5 * time.Second,
		FirstToken: sec(c.Client.FirstToken), Idle: sec(c.Client.Idle), Total: sec(c.Client.Total)}}
}

// runOne sends one request and returns a copy of its record.
func runOne(t *testing.T, cfg Config) request.Record {
	t.Helper()
	cfg.Concurrency, cfg.Requests = 1, 1
	records, _ := runAll(t, cfg)
	if len(records) != 1 {
		t.Fatalf("%d records of one request", len(records))
	}
	return records[0]
}

func runAll(t *testing.T, cfg Config) ([]request.Record, Result) {
	t.Helper()
	if cfg.Prompts == nil {
		cfg.Prompts = prompt.Synthetic{Seed: 1, Input: length.Constant(8), Output: length.Constant(4)}
	}
	var records []request.Record
	res, err := Run(t.Context(), cfg, func(r *request.Record) error {
		records = append(records, *r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, res
}

// chatTarget is a chat endpoint below base.
func chatTarget(t testing.TB, base string) Target {
	t.Helper()
	a, _ := api.Lookup("chat")
	url, err := a.Path(base, true)
	if err != nil {
		t.Fatal(err)
	}
	return Target{URL: url, API: a, Header: http.Header{}, Body: api.Options{Model: "m", Stream: true}}
}
