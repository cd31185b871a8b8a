package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"llmops/probes/snapshot"
)

// Whenever its process is killed, a recording loses at most the line that is being
// written, and the next process goes on behind the one before.
func TestKilledSnapshotLeavesWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.jsonl")
	lines := 0
	for range 4 {
		cmd := exec.CommandContext(t.Context(), "llmops", "snapshot", "--gpu", "none", "--watch", "--interval", "1ms", "--record", path, "--output", os.DevNull)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if data, _ := os.ReadFile(path); bytes.Count(data, []byte("\n")) >= lines+5 {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data = data[:bytes.LastIndexByte(data, '\n')+1] // what is behind it was cut off
		read := 0
		for line := range bytes.Lines(data) {
			var s snapshot.Snapshot
			if err := json.Unmarshal(line, &s); err != nil || s.Schema != snapshot.Schema || s.TakenAt.IsZero() {
				t.Fatalf("line %d: %v: %.200s", read+1, err, line)
			}
			read++
		}
		if read < lines+5 {
			t.Fatalf("%d lines, there were %d before: nothing was added", read, lines)
		}
		lines = read
	}
}
