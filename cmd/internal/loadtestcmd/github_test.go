package loadtestcmd

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
)

func TestGitHubActions(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(srv.Close)
	summary := filepath.Join(t.TempDir(), "summary.md")
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary}
	args := []string{srv.URL + "/v1", "--requests", "10", "--slo", "p50_latency_ms < 0.0001", "--slo", "p99_latency_ms < 60000"}
	r := loadtest(t, env, args...)
	want(t, r, cli.CodeGate, "::error title=objective not met%3A p50_latency_ms < 0.0001::", "::warning title=no verdict on p99_latency_ms < 60000::")
	if strings.Contains(r.Out, "::error") {
		t.Error("annotations stand among the data")
	}
	text, err := os.ReadFile(summary)
	if err != nil || !strings.Contains(string(text), "### llmops loadtest: fail") || !strings.Contains(string(text), "| latency_ms |") {
		t.Errorf("step summary %q, %v", text, err)
	}
	// Elsewhere nothing of this.
	if r := loadtest(t, nil, args...); strings.Contains(r.Out+r.Err, "::error") {
		t.Error("annotations outside of GitHub Actions")
	}
}
