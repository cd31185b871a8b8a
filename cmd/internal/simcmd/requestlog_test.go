package simcmd_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/probes/request"
)

func records(t *testing.T, path string) []request.Record {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []request.Record
	for dec := json.NewDecoder(bytes.NewReader(raw)); dec.More(); {
		var r request.Record
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("%s, record %d: %v", path, len(all), err)
		}
		all = append(all, r)
	}
	return all
}

// sorted is one time of each record, in ascending order.
func sorted(t *testing.T, all []request.Record, of func(request.Record) *float64) []float64 {
	t.Helper()
	var values []float64
	for _, r := range all {
		v := of(r)
		if v == nil {
			t.Fatalf("record %d has no time: %+v", r.ID, r)
		}
		values = append(values, *v)
	}
	slices.Sort(values)
	return values
}

// Both sides of the same requests: as many, with as many tokens, and the
// client never sees less than the server took. When no client time is below
// the server's of the same request, no order statistic is.
func TestRequestLogAgainstLoadTest(t *testing.T) {
	const requests, noise = 120, 0.2 // ms, between the clocks of the two sides
	dir := t.TempDir()
	log := filepath.Join(dir, "server.jsonl")
	// Old content goes, and so do old permissions.
	if err := os.WriteFile(log, []byte("old\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	serve(t, func(line string) {
		url := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
		r := clitest.Run(t, nil, []cli.Verb{loadtestcmd.New}, "loadtest", url, "--concurrency", "8", "--requests", "120",
			"--output-tokens", "12", "--out", filepath.Join(dir, "run"))
		if r.Code != cli.CodeOK {
			t.Fatalf("exit %d: %s", r.Code, r.Err)
		}
	}, "--request-log", log, "--decode-base", "2ms")
	server, client := records(t, log), records(t, filepath.Join(dir, "run", "requests.jsonl"))
	if len(server) != requests || len(client) != requests {
		t.Fatalf("%d requests on the server, %d on the client, want %d", len(server), len(client), requests)
	}
	ids := map[int64]bool{}
	for _, r := range server {
		ids[r.ID] = true
		if r.Schema != request.Schema || !r.OK || r.Status != 200 || r.CompletionTokens == nil || *r.CompletionTokens != 12 || r.TPOTms == nil {
			t.Errorf("%+v", r)
		}
	}
	if len(ids) != requests || !ids[0] || !ids[requests-1] {
		t.Errorf("%d ids, want 0 to %d", len(ids), requests-1)
	}
	for name, of := range map[string]func(request.Record) *float64{
		"ttft":    func(r request.Record) *float64 { return r.TTFTms },
		"latency": func(r request.Record) *float64 { return r.LatencyMs },
	} {
		s, c := sorted(t, server, of), sorted(t, client, of)
		for i := range s {
			if c[i] < s[i]-noise {
				t.Errorf("%s: rank %d is %.3f ms on the client, %.3f ms on the server", name, i, c[i], s[i])
			}
		}
		if mid := requests / 2; c[mid] > s[mid]+20 {
			t.Errorf("%s: the median is %.3f ms on the client, %.3f ms on the server", name, c[mid], s[mid])
		}
	}
	if info, err := os.Stat(log); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

// What is in the file while the server runs is what a crash would leave.
func TestRequestLogIsFlushed(t *testing.T) {
	log := filepath.Join(t.TempDir(), "server.jsonl")
	serve(t, func(line string) {
		url := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
		for range 3 {
			r, err := http.Post(url+"/completions", "application/json", strings.NewReader(`{"prompt":"a","max_tokens":2}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
		}
		for until := time.Now().Add(30 * time.Second); len(records(t, log)) < 3; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%d lines after 30 s, want 3", len(records(t, log)))
			}
		}
	}, "--request-log", log)
}

func TestRequestLogFailures(t *testing.T) {
	r := clitest.Run(t, nil, verbs, "sim", "--listen", "127.0.0.1:0", "--request-log", filepath.Join(t.TempDir(), "no", "log"))
	if r.Code != cli.CodeFailed || r.Out != "" || !strings.Contains(r.Err, "write the request log") || !strings.Contains(r.Err, "--request-log") {
		t.Errorf("exit %d, %q, %q", r.Code, r.Out, r.Err)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full to stand for a full disk")
	}
	// A log with gaps is worth nothing: the server ends.
	code, stderr := serve(t, func(line string) {
		url := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
		for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
			r, err := http.Post(url+"/completions", "application/json", strings.NewReader(`{"prompt":"a","max_tokens":2}`))
			if err != nil {
				return
			}
			r.Body.Close()
		}
		t.Error("the server still answers after 30 s")
	}, "--request-log", "/dev/full")
	if code != cli.CodeFailed || !strings.Contains(stderr, "no space left") {
		t.Errorf("a full disk: exit %d, %q", code, stderr)
	}
}
