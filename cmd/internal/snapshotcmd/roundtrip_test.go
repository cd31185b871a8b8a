package snapshotcmd

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/series"
)

// What is printed as one line or as CSV is read again by the commands that take
// metrics, with every number, label and time.
func TestOutputIsReadAgain(t *testing.T) {
	d := busy()
	want := map[string]float64{}
	for x := range d.Samples {
		want[x.Name+labelPairs(x.Labels)] = x.Value
	}
	for _, format := range []string{"ndjson", "csv"} {
		text := printed(t, d, 0, func(w *watch) { w.output.Format = format })
		source := accesslog.Source{Name: "snapshot." + format, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
		store, summary, err := series.Read(t.Context(), []accesslog.Source{source}, series.Options{})
		if err != nil || summary.Malformed != 0 {
			t.Errorf("%s: %v, %+v", format, err, summary)
			continue
		}
		got := map[string]float64{}
		for _, s := range store.Series() {
			for at, v := range s.Points() {
				if at != d.TakenAt.UnixMilli() {
					t.Errorf("%s: %s at %d", format, s.Labels(), at)
				}
				got[name(s)] = v
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

// name is a series as the text format writes it.
func name(s *series.Series) string {
	text := strings.TrimPrefix(s.Labels().String(), "{")
	text = strings.Replace(text, fmt.Sprintf("__name__=%q", s.Name()), "", 1)
	text = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(text, ", "), "}"), `", `, `",`)
	if text == "" {
		return s.Name()
	}
	return s.Name() + "{" + text + "}"
}
