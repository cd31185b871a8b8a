package slo

import (
	"os"
	"strings"
	"testing"
)

// The examples of the guide are files that load.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/slo.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"availability: success_rate >= 0.999",
		"first-token: p95_ttft_ms < 800",
		"minutes: success_rate >= 0.9 in 99% of 1m slices",
		"steady: success_rate >= 0.9995 as mean of 1m slices",
		"throughput: tokens_per_second >= 1000 in 90% of 1m slices",
		"p99_itl_ms < 80: p99_itl_ms < 80",
		"chat-availability: success_rate >= 0.999",
		"chat-first-token: ttft_ms < 800 for 95% in 99% of 5m slices",
	}
	var got []string
	for _, part := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		f, err := Load("docs/slo.md", strings.NewReader(block))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range f.Objectives {
			got = append(got, o.Name+": "+o.String())
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
