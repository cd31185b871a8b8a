package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"llmops/probes/request"
	"llmops/probes/sim"
)

// A load test that is killed leaves a log that can be read, and in it all but
// the last second: what had ended a second before the end is there.
func TestKilledLoadTestLeavesItsRequests(t *testing.T) {
	late := ""
	for range 4 { // a busy machine does not always write in that second
		if late = killedLoadTest(t); late == "" {
			return
		}
	}
	t.Error(late)
}

// killedLoadTest says what of one load test is not there.
func killedLoadTest(t *testing.T) (late string) {
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.DecodeBase = time.Millisecond, time.Millisecond
	var before atomic.Int64 // ended a second before the kill
	var counted atomic.Bool
	var done atomic.Int64
	cfg.Log = func(*request.Record) {
		done.Add(1)
		if !counted.Load() {
			before.Store(done.Load())
		}
	}
	server, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.NewServer(server.Handler())
	defer hs.Close()

	out := filepath.Join(t.TempDir(), "run")
	cmd := exec.CommandContext(t.Context(), "llmops", "loadtest", hs.URL+"/v1", "--rate", "300", "--duration", "60s", "--output-tokens", "4", "--out", out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); done.Load() < 300 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	counted.Store(true)
	time.Sleep(time.Second)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed

	data, err := os.ReadFile(filepath.Join(out, "requests.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var read int64
	last := bytes.LastIndexByte(data, '\n') // what is behind it was cut off
	for line := range bytes.Lines(data[:last+1]) {
		var r request.Record
		if err := json.Unmarshal(line, &r); err != nil || r.Schema != request.Schema || r.DoneAt.IsZero() {
			t.Fatalf("line %d: %v: %s", read+1, err, line)
		}
		read++
	}
	if before.Load() < 300 {
		t.Fatalf("only %d requests ended before the kill: the test shows nothing", before.Load())
	}
	if read < before.Load() {
		return fmt.Sprintf("%d requests in the log; %d had ended a second before the kill", read, before.Load())
	}
	t.Logf("%d read back, %d had ended a second before the kill, %d in all", read, before.Load(), done.Load())
	return ""
}
