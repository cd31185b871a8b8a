package cli_test

import (
	"testing"
	"time"

	"llmops/cmd/internal/cli"
)

func TestParseTime(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-03-01T12:00:00Z": noon, "2026-03-01T13:30:00+01:30": noon, "2026-03-01 12:00:00": noon, "2026-03-01T12:00:00": noon,
		"2026-03-01 12:00": noon, "2026-03-01 12:00Z": noon, "2026-03-01T12:00": noon, "2026-03-01": noon.Add(-12 * time.Hour), "01/Mar/2026:12:00:00 +0000": noon,
		"1772366400": noon, "1772366400000": noon, "1772366400000000": noon, "1772366400000000000": noon, "1772366400.5": noon.Add(500 * time.Millisecond),
		"2026-03-01T12:00:00.0019Z": noon.Add(time.Millisecond), "0": time.Unix(0, 0).UTC(),
	} {
		if got, err := cli.ParseTime(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "6h", "-5", "now", "2026-13-01", "2026-03-01T25:00:00Z", "12:00", "2026-03-01 12:00:00 junk", "1e400", "NaN"} {
		if got, err := cli.ParseTime(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
