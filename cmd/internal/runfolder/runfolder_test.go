package runfolder_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/request"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// folder writes the folder of a run of 20 requests.
func folder(t *testing.T, facts runfolder.Facts) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var events, requests bytes.Buffer
	log, lines := runfolder.NewLog(&events, epoch), json.NewEncoder(&requests)
	must(log.Facts(runfolder.Facts{}))
	must(log.Start(epoch))
	for i := range 20 {
		at := epoch.Add(time.Duration(i) * time.Second)
		r := &request.Record{Schema: request.Schema, ID: int64(i), ScheduledAt: at, SentAt: at, DoneAt: at.Add(time.Millisecond), OK: true, Status: 200}
		must(lines.Encode(r))
		must(log.Record(r))
	}
	must(log.Facts(facts))
	must(log.Close())
	must(os.WriteFile(filepath.Join(dir, runfolder.Events), events.Bytes(), 0o600))
	must(os.WriteFile(filepath.Join(dir, runfolder.Requests), requests.Bytes(), 0o600))
	return dir
}

func read(t *testing.T, dir string) (runfolder.Lost, error) {
	t.Helper()
	d, err := runfolder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d.Read(time.Time{}, nil, func(loadreport.Checked) {}, func(*request.Record) error { return nil })
}

// Of a run that came to its end no requests may be missing; of one that was killed what
// there is counts.
func TestRequestsMissing(t *testing.T) {
	for _, x := range []struct {
		name  string
		ended bool
		cut   func(lines []byte) []byte
		lost  runfolder.Lost
		err   string
		warn  string
	}{
		{"whole", true, func(b []byte) []byte { return b }, runfolder.Lost{Records: 20}, "", ""},
		{"cut between lines", true, func(b []byte) []byte { return firstLines(b, 12) }, runfolder.Lost{Records: 12, NoRequest: 8}, "requests.jsonl has 12 requests where events.bin has 20", ""},
		{"cut within a line", true, func(b []byte) []byte { return b[:len(b)-9] }, runfolder.Lost{Records: 19, NoRequest: 1, CutLine: true}, "requests.jsonl has 19 requests where events.bin has 20", ""},
		{"no lines", true, func([]byte) []byte { return nil }, runfolder.Lost{NoRequest: 20}, "requests.jsonl has 0 requests where events.bin has 20", ""},
		{"more lines", true, func(b []byte) []byte { return append(b, firstLines(b, 1)...) }, runfolder.Lost{Records: 21, NoEvents: 1}, "requests.jsonl has 21 requests where events.bin has 20", ""},
		{"killed", false, func(b []byte) []byte { return firstLines(b, 12) }, runfolder.Lost{Records: 12, NoRequest: 8}, "", "requests.jsonl ends before events.bin does: 8 requests are left out"},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := folder(t, runfolder.Facts{Ended: x.ended})
			path := filepath.Join(dir, runfolder.Requests)
			lines, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, x.cut(lines), 0o600); err != nil {
				t.Fatal(err)
			}
			lost, err := read(t, dir)
			if lost != x.lost || (err != nil) != (x.err != "") || err != nil && (!strings.Contains(err.Error(), x.err) || cli.CodeOf(err) != cli.CodeUsage) {
				t.Errorf("%+v, %v", lost, err)
			}
			if w := lost.Warning(); x.err == "" && w != x.warn {
				t.Errorf("warning %q, want %q", w, x.warn)
			}
		})
	}
}

func firstLines(b []byte, n int) []byte {
	return bytes.Join(bytes.SplitAfter(bytes.Clone(b), []byte("\n"))[:n], nil)
}

// What the server counted is known to who merges runs.
func TestServerOfARun(t *testing.T) {
	dir := folder(t, runfolder.Facts{Ended: true})
	text, err := json.Marshal(loadreport.Summary{Schema: loadreport.Schema, Server: &loadreport.Server{Engine: "vllm", Scrapes: 7}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, runfolder.Summary), text, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := runfolder.Open(dir)
	if err != nil || d.Facts.Run.Server == nil || d.Facts.Run.Server.Scrapes != 7 {
		t.Errorf("%+v %v", d, err)
	}
}

// Readings of another version are not taken for those of this one; a line that was cut
// off is left out.
func TestReadings(t *testing.T) {
	dir := folder(t, runfolder.Facts{Ended: true})
	d, err := runfolder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	line := func(version string) string {
		return `{"schema":"llmops.snapshot/` + version + `","at":"2026-03-01T12:00:05Z"}` + "\n"
	}
	for _, x := range []struct {
		text, err string
		n         int
		at        time.Time
	}{
		{line("v1") + line("v1") + line("v1")[:30], "", 2, epoch.Add(65 * time.Second)},
		{line("v1") + line("v2"), `telemetry.jsonl:2: its schema is "llmops.snapshot/v2", not "llmops.snapshot/v1"`, 0, time.Time{}},
		{line("v1") + "{\n", "telemetry.jsonl:2: ", 0, time.Time{}},
	} {
		if err := os.WriteFile(filepath.Join(dir, runfolder.Telemetry), []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := d.Server(epoch.Add(time.Minute))
		if len(got) != x.n || (err != nil) != (x.err != "") || err != nil && (!strings.Contains(err.Error(), x.err) || cli.CodeOf(err) != cli.CodeUsage) {
			t.Errorf("%d moments, %v", len(got), err)
		}
		if x.n > 0 && len(got) > 0 && !got[0].At.Equal(x.at) {
			t.Errorf("at %s, want %s", got[0].At, x.at)
		}
	}
}

// Of a shard that was killed before its measured part began there is no time to begin a
// merged one with.
func TestReadingsBeforeTheStart(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, runfolder.Events))
	if err != nil {
		t.Fatal(err)
	}
	log := runfolder.NewLog(f, epoch)
	if err := errors.Join(log.Facts(runfolder.Facts{}), log.Close(), f.Close(), os.WriteFile(filepath.Join(dir, runfolder.Telemetry),
		[]byte(`{"schema":"llmops.snapshot/v1","at":"2026-03-01T12:00:05Z"}`+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	d, err := runfolder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Server(epoch); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := d.Server(time.Time{}); err != nil || len(got) != 1 {
		t.Errorf("%+v %v", got, err)
	}
}
