package detectcmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
)

// detected runs the command over a new file.
func detected(t *testing.T, name, content string, args ...string) clitest.Result {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return clitest.Run(t, &cli.App{}, []cli.Verb{New}, append([]string{"detect", path}, args...)...)
}

// gauge is a metric each so many seconds, for six hours, in OpenMetrics.
func gauge(name string, seconds int, value func(i int) float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TYPE %s gauge\n", name)
	for i := range 6 * 3600 / seconds {
		fmt.Fprintf(&b, "%s %g %d\n", name, value(i), 1_772_323_207+i*seconds)
	}
	return b.String()
}

// TestRulePace: each rule goes at the pace of what it is about, whatever else the file
// has, and has judged nothing where the samples are too far apart for it.
func TestRulePace(t *testing.T) {
	flat := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	grows := func(i int) float64 { return 0.91 + float64(i)*0.0001 }
	fine, coarse := gauge("error_rate", 15, flat(0.01)), gauge("p95_latency_ms", 600, flat(5000))
	for _, c := range []struct {
		content string
		code    cli.Code
		found   string
	}{
		{fine + coarse, 0, "high_latency_spike 2026-03-01T00:00:07Z"},
		{coarse, 0, "high_latency_spike 2026-03-01T00:00:07Z"},
		{gauge("memory_utilization", 60, grows), 0, "memory_leak_pattern 2026-03-01T00:01:07Z"},
		{gauge("memory_utilization", 900, grows), cli.CodeNoVerdict, ""},
		{fine + gauge("memory_utilization", 900, grows), 0, ""},
	} {
		r := detected(t, "x.om", c.content+"# EOF\n", "--detectors", "rules", "-o", "json")
		found := strings.Count(r.Out, `"series": "`)
		name, from, _ := strings.Cut(c.found, " ")
		if r.Code != c.code || found != min(1, len(c.found)) || !strings.Contains(r.Out, name) || !strings.Contains(r.Out, from) {
			t.Errorf("exit %d, want %d and %s\n%.2000s%s", r.Code, c.code, c.found, r.Out, r.Err)
		}
	}
}

// TestBaselineStays: what is learnt from is an input too, and is not overwritten.
func TestBaselineStays(t *testing.T) {
	dir := t.TempDir()
	const content = "timestamp,value\n1772323200,1\n"
	baseline := filepath.Join(dir, "x.csv")
	if err := os.WriteFile(baseline, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--output", baseline}, {"--out-dir", dir}} {
		r := detected(t, "x.csv", content, append(args, "--baseline", baseline, "-o", "csv")...)
		if got, err := os.ReadFile(baseline); r.Code != cli.CodeUsage || err != nil || string(got) != content || !strings.Contains(r.Err, "would be overwritten") {
			t.Errorf("%s: exit %d, %v\n%s%s", args[0], r.Code, err, got, r.Err)
		}
	}
}
