package render_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/render"
)

func TestHistogram(t *testing.T) {
	buckets := []render.Bucket{{"10-20 ms", 100}, {"20-50 ms", 50}, {"50-90 ms", 0}, {"90-99 ms", 1}}
	tests := []struct {
		name  string
		ascii bool
		want  string
	}{
		{"ascii", true, "" +
			"10-20 ms  ################  100  66.2%\n" +
			"20-50 ms  ########           50  33.1%\n" +
			"50-90 ms                      0     0%\n" +
			"90-99 ms  .                   1   0.7%\n"},
		{"unicode", false, "" +
			"10-20 ms  ████████████████  100  66.2%\n" +
			"20-50 ms  ████████           50  33.1%\n" +
			"50-90 ms                      0     0%\n" +
			"90-99 ms  ▏                   1   0.7%\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := render.Histogram(&b, buckets, 38, tt.ascii); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the counts, no line is wider than asked for and nothing panics.
func TestHistogramWidth(t *testing.T) {
	for _, counts := range [][]int64{nil, {0}, {0, 0}, {1}, {1, 1 << 40}, {-5, 7}, {3, 2, 1}} {
		for _, width := range []int{0, 1, 40, 80, 200} {
			var buckets []render.Bucket
			for range counts {
				buckets = append(buckets, render.Bucket{Label: "µs", Count: 0})
			}
			for i, c := range counts {
				buckets[i].Count = c
			}
			var b bytes.Buffer
			if err := render.Histogram(&b, buckets, width, false); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				limit := max(width, 40)
				if width == 0 {
					limit = 80
				}
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > limit {
					t.Errorf("counts %v, width %d: line of %d columns %q", counts, width, n, line)
				}
			}
		}
	}
}

func TestUnicode(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"LANG": "en_US.UTF-8"}, true},
		{map[string]string{"LANG": "en_US.utf8"}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, false},
	} {
		got := render.Unicode(func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok })
		if got != tt.want {
			t.Errorf("%v: %v", tt.env, got)
		}
	}
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	err := render.JUnit(&b, render.Suite{
		Name: "objectives", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Cases: []render.Case{
			{Name: "p95_latency_ms < 500", Class: "loadtest", Duration: 1500 * time.Millisecond},
			{Name: "error_rate < 0.1%", Class: "loadtest", Failure: "observed 2 %\n3 of 150 \x00 <failed>"},
			{Name: "p99_ttft_ms < 9", Class: "loadtest", Error: "inconclusive: not measured"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="1">
  <testsuite name="objectives" tests="3" failures="1" errors="1" time="1.500" timestamp="2026-01-02T03:04:05">
    <testcase name="p95_latency_ms &lt; 500" classname="loadtest" time="1.500"></testcase>
    <testcase name="error_rate &lt; 0.1%" classname="loadtest" time="0.000">
      <failure message="observed 2 %">observed 2 %&#xA;3 of 150 ` + "\uFFFD" + ` &lt;failed&gt;</failure>
    </testcase>
    <testcase name="p99_ttft_ms &lt; 9" classname="loadtest" time="0.000">
      <error message="inconclusive: not measured">inconclusive: not measured</error>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	if err := xml.Unmarshal(b.Bytes(), new(struct{ XMLName xml.Name })); err != nil {
		t.Errorf("not well formed: %v", err)
	}
}
