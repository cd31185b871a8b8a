package comparecmd_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmops/analysis/compare"
	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/comparecmd"
	"llmops/probes/request"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// folder makes a run folder of n requests whose times are factor times as long.
func folder(t testing.TB, dir string, n int, factor float64, change func(*loadreport.Summary)) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o700))
	rng := rand.New(rand.NewPCG(uint64(n), math.Float64bits(factor)))
	agg := loadreport.New(loadreport.Config{})
	f, err := os.Create(filepath.Join(dir, "requests.jsonl"))
	must(err)
	defer f.Close()
	enc := json.NewEncoder(f)
	for i := range n {
		at := epoch.Add(time.Duration(i) * 10 * time.Millisecond)
		ttft := time.Duration(factor * 200e6 * math.Exp(0.2*rng.NormFloat64()))
		r := request.Record{
			Schema: request.Schema, ID: int64(i), ScheduledAt: at, SentAt: at, FirstTokenAt: at.Add(ttft), LastTokenAt: at.Add(ttft + 600e6), DoneAt: at.Add(ttft + 600e6),
			Status: 200, OK: true, Model: "m", CompletionTokens: new(int64(31)), PromptTokens: new(int64(8)),
			Chunks: []request.Chunk{{At: ttft, Tokens: 1}, {At: ttft + 600e6, Tokens: 30}},
		}
		r.Derive()
		must(enc.Encode(&r))
		agg.Add(&r)
	}
	run := loadreport.Run{Target: loadreport.Target{URL: "http://x/v1", API: "chat", Model: "m"}, Load: loadreport.Load{Mode: "closed", Concurrency: new(8), Seed: 1}}
	s := agg.Summary(run)
	if change != nil {
		change(&s)
	}
	text, err := json.Marshal(s)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "summary.json"), text, 0o600))
	return dir
}

func execute(t testing.TB, args ...string) clitest.Result {
	t.Helper()
	return clitest.Run(t, nil, []cli.Verb{comparecmd.New}, append([]string{"compare"}, args...)...)
}

func document(t testing.TB, args ...string) (c compare.Comparison, code cli.Code) {
	t.Helper()
	r := execute(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(r.Out), &c); err != nil {
		t.Fatalf("%v: %s%s", err, r.Out, r.Err)
	}
	return c, r.Code
}

func verdictOf(c compare.Comparison, name string) compare.Verdict {
	for _, m := range c.Metrics {
		if m.Name == name {
			return m.Verdict
		}
	}
	return ""
}

func TestExitCodes(t *testing.T) {
	tmp := t.TempDir()
	invalid := func(s *loadreport.Summary) {
		s.Client.Verdict, s.Client.Reasons = loadreport.ClientInvalid, []string{"no processor"}
	}
	a, same, slow := folder(t, tmp+"/a", 1000, 1, nil), folder(t, tmp+"/same", 1001, 1, nil), folder(t, tmp+"/slow", 1000, 1.15, nil)
	few, void := folder(t, tmp+"/few", 20, 1, nil), folder(t, tmp+"/void", 1000, 1.2, invalid)
	for _, x := range []struct {
		args []string
		code cli.Code
		want string
	}{
		{[]string{a, same}, cli.CodeOK, "verdict: pass, nothing that is judged got worse"},
		{[]string{a, slow}, cli.CodeGate, "p50_ttft_ms"},
		{[]string{slow, a}, cli.CodeOK, "better"},
		{[]string{a, slow, "--max-regression", "p50_ttft_ms=30%"}, cli.CodeOK, "limit +30.0%"},
		{[]string{a, slow, "--max-regression", "p50_ttft_ms=5%"}, cli.CodeGate, "fail"},
		{[]string{a, slow, "--max-regression", "p50_ttft_ms=15%"}, cli.CodeNoVerdict, "undetermined"},
		{[]string{a, slow, "--metrics", "p50_tpot_ms"}, cli.CodeOK, "p50_tpot_ms"},
		{[]string{a, few}, cli.CodeNoVerdict, "20 succeeded requests"},
		{[]string{a, void}, cli.CodeNoVerdict, "is invalid: no processor"},
		{[]string{a + "/requests.jsonl", slow + "/summary.json"}, cli.CodeGate, "worse"},
		{[]string{a}, cli.CodeUsage, "want two sides"},
		{[]string{a, tmp + "/nowhere"}, cli.CodeUsage, "no such file"},
		{[]string{a, slow, "--max-regression", "p50_tftt_ms=5%"}, cli.CodeUsage, "did you mean p50_ttft_ms?"},
		{[]string{a, slow, "--max-regression", "p50_ttft_ms"}, cli.CodeUsage, "want NAME=SHARE"},
		{[]string{a, slow, "--max-regression", "p50_ttft_ms=much"}, cli.CodeUsage, "such as 5%"},
		{[]string{a, slow, "--max-regression", "goodput=5%"}, cli.CodeUsage, "goodput was not measured in every run"},
		{[]string{a, "../../../fixtures/compare/vllm-detailed.json"}, cli.CodeOK, "ttft_ms is left out"},
	} {
		r := execute(t, x.args...)
		if r.Code != x.code || !strings.Contains(r.Out+r.Err, x.want) {
			t.Errorf("%v: exit %d, want %d and %q\n%s%s", x.args, r.Code, x.code, x.want, r.Out, r.Err)
		}
	}
}

func TestRepeatedAndShards(t *testing.T) {
	tmp := t.TempDir()
	for i := range 3 {
		folder(t, fmt.Sprintf("%s/before/%d", tmp, i), 300+i, 1, nil)
		folder(t, fmt.Sprintf("%s/after/%d", tmp, i), 300+i, 1.2, nil)
		folder(t, fmt.Sprintf("%s/shards/%d", tmp, i), 300+i, 1.2, func(s *loadreport.Summary) { s.Load.Shard = fmt.Sprintf("%d/3", i+1) })
	}
	c, code := document(t, tmp+"/before", tmp+"/after")
	if len(c.Baseline) != 3 || len(c.Candidate) != 3 || verdictOf(c, "p50_ttft_ms") != compare.Worse || code != cli.CodeGate {
		t.Errorf("exit %d, %v with %v: %s", code, c.Baseline, c.Candidate, verdictOf(c, "p50_ttft_ms"))
	}
	if c, _ = document(t, tmp+"/before/0,"+tmp+"/before/1", tmp+"/after"); len(c.Baseline) != 2 {
		t.Errorf("baseline %v", c.Baseline)
	}
	if c, _ = document(t, tmp+"/before/0", tmp+"/shards"); len(c.Candidate) != 1 || verdictOf(c, "p50_ttft_ms") != compare.Worse {
		t.Errorf("shards are one run: %v", c.Candidate)
	}
	if err := os.RemoveAll(tmp + "/shards/1"); err != nil {
		t.Fatal(err)
	}
	if r := execute(t, tmp+"/before/0", tmp+"/shards"); r.Code != cli.CodeUsage || !strings.Contains(r.Err, "2 of 3 shards") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}

func TestFormats(t *testing.T) {
	tmp := t.TempDir()
	a, b := folder(t, tmp+"/a", 400, 1, nil), folder(t, tmp+"/b", 400, 1.3, nil)
	for name, want := range map[string]string{
		"x.html": "<!DOCTYPE html>", "x.md": "### llmops compare: fail", "x.xml": `<failure message="p50_ttft_ms:`, "x.csv": "name,unit,baseline", "x.yaml": "schema: llmops.compare/v1", "x.json": `"schema": "llmops.compare/v1"`,
	} {
		file := filepath.Join(tmp, name)
		if r := execute(t, a, b, "--output", file); r.Code != cli.CodeGate {
			t.Errorf("%s: exit %d: %s", name, r.Code, r.Err)
		}
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: no %q (%v)", name, want, err)
		}
	}
	if r := execute(t, a, b, "-o", "github"); !strings.Contains(r.Out, "::error title=worse%3A p50_ttft_ms::p50_ttft_ms: ") {
		t.Errorf("%s", r.Out)
	}
}

func TestSnapshots(t *testing.T) {
	tmp := t.TempDir()
	write := func(name, kernel string, utilization float64) string {
		file := filepath.Join(tmp, name)
		text := fmt.Sprintf(`{"schema":"llmops.snapshot/v1","at":"2026-03-01T12:00:00Z","host":{"os":"linux","kernel":%q,"cpu":{"utilization":%v}}}`, kernel, utilization)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	a, busy, b := write("a.json", "6.1", 0.1), write("busy.json", "6.1", 0.9), write("b.json", "6.2", 0.1)
	if r := execute(t, a, busy, "--fail-on-drift"); r.Code != cli.CodeOK || !strings.Contains(r.Out, "the configuration is the same") {
		t.Errorf("exit %d: %s", r.Code, r.Out)
	}
	if c, code := document(t, a, b); code != cli.CodeOK || len(c.Drift) != 1 || c.Drift[0] != (compare.Drift{Key: "host kernel", Before: "6.1", After: "6.2"}) {
		t.Errorf("exit %d: %+v", code, c.Drift)
	}
	if r := execute(t, a, b, "--fail-on-drift"); r.Code != cli.CodeGate || !strings.Contains(r.Out, "host kernel    6.1     6.2") {
		t.Errorf("exit %d: %s", r.Code, r.Out)
	}
	if r := execute(t, a, folder(t, tmp+"/run", 30, 1, nil)); r.Code != cli.CodeUsage || !strings.Contains(r.Err, "is a snapshot and") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}

func TestRecordings(t *testing.T) {
	tmp := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	write := func(name string, level float64) string {
		text := "timestamp,p95_latency_ms,gpu_temperature_c\n"
		for i := range 100 {
			text += fmt.Sprintf("%s,%.3f,%.3f\n", epoch.Add(time.Duration(i)*15*time.Second).Format(time.RFC3339), level+5*rng.NormFloat64(), 60+rng.NormFloat64())
		}
		file := filepath.Join(tmp, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	a, same, slow := write("a.csv", 100), write("same.csv", 100), write("slow.csv", 120)
	if c, code := document(t, a, same); code != cli.CodeOK || c.Kind != compare.Metrics || len(c.Metrics) != 2 {
		t.Errorf("exit %d: %+v", code, c)
	}
	c, code := document(t, a, slow)
	if code != cli.CodeGate || c.Metrics[0].Name != "p95_latency_ms" || c.Metrics[0].Verdict != compare.Worse {
		t.Errorf("exit %d: %+v", code, c)
	}
	if c, code := document(t, a, slow, "--metrics", "gpu_temperature_c"); code != cli.CodeOK || len(c.Metrics) != 1 {
		t.Errorf("exit %d: %+v", code, c)
	}
	r := execute(t, a, same, "--metrics", "p95_latency_ms,gpu_temperatur_c")
	if r.Code != cli.CodeUsage || !strings.Contains(r.Err, "did you mean gpu_temperature_c?") {
		t.Errorf("a metric that is not there passes: exit %d: %s", r.Code, r.Err)
	}
	endless := filepath.Join(tmp, "endless.csv")
	text, err := os.ReadFile(same)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	lines[5] = strings.Split(lines[5], ",")[0] + ",+Inf,NaN"
	if err := os.WriteFile(endless, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, code := document(t, a, endless); code != cli.CodeOK || len(c.Metrics) != 2 || math.Abs(c.Metrics[0].Candidate-100) > 40 {
		t.Errorf("exit %d: %+v", code, c)
	}
}
