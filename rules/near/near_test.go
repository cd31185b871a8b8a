package near

import (
	"slices"
	"testing"
)

func TestEdits(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"rate", "rate", 0}} {
		if got := Edits(tc.a, tc.b); got != tc.want || Edits(tc.b, tc.a) != tc.want {
			t.Errorf("Edits(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestNames(t *testing.T) {
	names := []string{"concurrency", "rate", "requests", "p90_latency_ms", "p95_latency_ms", "p99_latency_ms"}
	for _, tc := range []struct {
		s    string
		want []string
	}{
		{"concurency", []string{"concurrency"}},
		{"conc", []string{"concurrency"}},
		{"rat", []string{"rate"}},
		{"p95_latncy_ms", []string{"p95_latency_ms"}},
		{"p9_latency_ms", []string{"p90_latency_ms", "p95_latency_ms"}},
		{"zzz", nil},
		{"", nil},
	} {
		if got := Names(tc.s, slices.Values(names), 2); !slices.Equal(got, tc.want) {
			t.Errorf("Names(%q) = %q, want %q", tc.s, got, tc.want)
		}
	}
}
