package series

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"llmops/analysis/accesslog"
)

// The recorded incidents say how many series and points they have; each comes in one
// of five formats.
func TestRecordedIncidents(t *testing.T) {
	folder := os.Getenv("LLMOPS_DATA")
	if folder == "" {
		t.Skip("LLMOPS_DATA is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "incidents", "*", "metrics*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded incidents", err)
	}
	formats := map[string]int{}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(name), "label.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want struct {
			Series int   `json:"series"`
			Points int64 `json:"points"`
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		_, s, err := Read(t.Context(), []accesslog.Source{fileSource(name)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		formats[s.Format]++
		if s.Series != want.Series || s.Points != want.Points || s.Malformed+s.Dropped+s.Missing > 0 {
			t.Errorf("%s (%s): %d series, %d points, %d malformed, %d dropped, %d missing; want %d and %d",
				name, s.Format, s.Series, s.Points, s.Malformed, s.Dropped, s.Missing, want.Series, want.Points)
		}
	}
	if len(formats) != 5 {
		t.Errorf("formats: %v", formats)
	}
}

// namesOfIncidents are those of all series of the recorded incidents.
func namesOfIncidents(t *testing.T) map[string]bool {
	t.Helper()
	folder := os.Getenv("LLMOPS_DATA")
	if folder == "" {
		t.Skip("LLMOPS_DATA is not set")
	}
	files, err := filepath.Glob(filepath.Join(folder, "incidents", "*", "metrics*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded incidents", err)
	}
	found := map[string]bool{}
	for _, name := range files {
		store, _, err := Read(t.Context(), []accesslog.Source{fileSource(name)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range store.Series() {
			found[x.Name()] = true
		}
	}
	return found
}
