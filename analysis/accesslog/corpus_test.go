package accesslog

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// corpora gives the folder of the corpora; tests on them are skipped without it.
func corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("LLMOPS_DATA")
	if dir == "" {
		t.Skip("LLMOPS_DATA is not set: no corpora of request logs to read")
	}
	return filepath.Join(dir, "logs")
}

// A truth is what is known of a corpus because it was made from it.
type truth struct {
	Format    string
	Files     []string
	Records   int64
	Malformed int64
	First     time.Time
	Last      time.Time
}

func TestCorpora(t *testing.T) {
	root := corpora(t)
	folders, err := filepath.Glob(filepath.Join(root, "*", "truth.json"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no corpora in %s (%v)", root, err)
	}
	for _, path := range folders {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readTruth(t, path)
			if !slices.Contains(FormatNames(), want.Format) {
				t.Fatalf("no format %q", want.Format)
			}
			// The folder holds other files too, which are no logs.
			sources, err := walk(dir)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Read(t.Context(), sources, Options{Workers: 2}, ignore)
			if err != nil {
				t.Fatal(err)
			}
			var files []string
			for _, f := range got.Files {
				files = append(files, filepath.Base(f))
			}
			if !slices.Equal(files, want.Files) || got.Format != want.Format {
				t.Errorf("files %v as %q, want %v as %q", files, got.Format, want.Files, want.Format)
			}
			// A line that lacks its last quote may be read either way.
			if alt := filepath.Join(dir, "truth_alt.json"); got.Malformed != want.Malformed && exists(alt) {
				want = readTruth(t, alt)
			}
			if got.Records != want.Records || got.Malformed != want.Malformed {
				t.Errorf("%d records, %d malformed, want %d, %d; %+v", got.Records, got.Malformed, want.Records, want.Malformed, got.Samples)
			}
			if got.First != want.First.UnixMilli() || got.Last != want.Last.UnixMilli() {
				t.Errorf("from %v to %v, want %v to %v", time.UnixMilli(got.First).UTC(), time.UnixMilli(got.Last).UTC(), want.First, want.Last)
			}
		})
	}
}

func ignore() func(*Event) { return func(*Event) {} }

func readTruth(t *testing.T, path string) (want truth) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Every row of the corpora is read as encoding/json reads it.
func TestCorporaAreReadAsTheStandardLibraryDoes(t *testing.T) {
	root := corpora(t)
	files, err := filepath.Glob(filepath.Join(root, "*", "*.jsonl.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no JSON Lines in %s (%v)", root, err)
	}
	var r jsonReader
	s := newShape("status", "startTime", "endTime", "completionStartTime", "error_information", "metadata", "model", "duration", "response_code",
		"start_time", "type", "latency", "usage_details", "resourceSpans", "schema", "done_at", "time_iso8601", "request_time")
	for _, name := range files {
		in, err := open(Source{Name: name, Open: func() (io.ReadCloser, error) { return os.Open(name) }}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		for line := range bytes.Lines(text) {
			sameAsStandard(t, &r, s, trimEnd(line))
		}
	}
}
