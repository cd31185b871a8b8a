package reportcmd_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/runfolder"
)

// A folder says of each tool's figures what the load test said as it ended.
func TestCompat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	live := execute(t, "loadtest", "--embedded", "--requests", "8", "--concurrency", "2", "--output-tokens", "5", "--telemetry=false", "--compat", "vllm", "--out", dir)
	if live.Code != cli.CodeOK {
		t.Fatal(live.Err)
	}
	again := execute(t, "report", dir, "--compat", "vllm")
	if again.Code != cli.CodeOK || again.Out != live.Out {
		t.Errorf("%d %s\nthe load test:\n%s\nthe report:\n%s", again.Code, again.Err, live.Out, again.Out)
	}
	var doc struct {
		Backend   string
		Completed int
		Tokens    int      `json:"total_output_tokens"`
		TTFT      *float64 `json:"mean_ttft_ms"`
		ITL       *float64 `json:"median_itl_ms"`
	}
	if err := json.Unmarshal([]byte(live.Out), &doc); err != nil || doc.Backend != "openai-chat" || doc.Completed != 8 || doc.Tokens != 40 || doc.TTFT == nil || *doc.TTFT <= 0 || doc.ITL == nil {
		t.Errorf("%v: %s", err, live.Out)
	}
	for tool, name := range map[string]string{"guidellm": `"time_per_output_token_ms"`, "aiperf": `"inter_chunk_latency"`, "inference-perf": `"normalized_time_per_output_token"`} {
		if r := execute(t, "report", dir, "--compat", tool, "-o", "json"); r.Code != cli.CodeOK || !strings.Contains(r.Out, name) || !json.Valid([]byte(r.Out)) {
			t.Errorf("%s: %d %s %s", tool, r.Code, r.Err, r.Out)
		}
	}
	for _, args := range [][]string{
		{"report", dir, "--compat", "wrk"},
		{"report", dir, "--compat", "vllm", "-o", "html"},
		{"report", dir, "testdata/mix/rulecheck.json", "--compat", "vllm"},
		{"loadtest", "--embedded", "--compat", "vllm", "-o", "csv"},
		{"loadtest", "--embedded", "--compat", "vllm", "--find-capacity", "--slo", "p95_latency_ms < 500"},
	} {
		if r := execute(t, args...); r.Code != cli.CodeUsage || !strings.Contains(r.Err, "compat") {
			t.Errorf("%v: %d %s", args, r.Code, r.Err)
		}
	}
	if err := os.Remove(filepath.Join(dir, runfolder.Events)); err != nil {
		t.Fatal(err)
	}
	if r := execute(t, "report", dir, "--compat", "vllm"); r.Code != cli.CodeUsage || !strings.Contains(r.Err, runfolder.Events) {
		t.Errorf("%d %s", r.Code, r.Err)
	}
}

// Shards say together what the whole run says.
func TestCompatOfShards(t *testing.T) {
	r := whole(t, 300)
	want := execute(t, "report", r.write(t, filepath.Join(t.TempDir(), "run")), "--compat", "guidellm")
	dir := t.TempDir()
	for i, p := range r.shards(3) {
		p.write(t, filepath.Join(dir, string('a'+rune(i))))
	}
	got := execute(t, "report", dir, "--compat", "guidellm")
	var a, b struct {
		Benchmarks []struct {
			Duration float64
			Metrics  map[string]any
		}
	}
	if err := json.Unmarshal([]byte(want.Out), &a); err != nil {
		t.Fatal(err, want.Err)
	}
	if err := json.Unmarshal([]byte(got.Out), &b); err != nil {
		t.Fatal(err, got.Err)
	}
	ttft := func(m map[string]any) any {
		return m["time_to_first_token_ms"].(map[string]any)["successful"].(map[string]any)["percentiles"]
	}
	x, _ := json.Marshal(ttft(a.Benchmarks[0].Metrics))
	y, _ := json.Marshal(ttft(b.Benchmarks[0].Metrics))
	if string(x) != string(y) || len(x) < 100 {
		t.Errorf("%s\n%s", x, y)
	}
}
