package comparecmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/runfolder"
)

// events writes the events.bin of a folder, which says how the run ended.
func events(t *testing.T, dir string, facts runfolder.Facts) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, runfolder.Events))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := runfolder.NewLog(f, epoch)
	if err := log.Facts(facts); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// A run that did not come to its end leaves no verdict, by whatever name it is given.
func TestBrokenOff(t *testing.T) {
	tmp := t.TempDir()
	before, ended := folder(t, tmp+"/before", 1001, 1, nil), folder(t, tmp+"/ended", 1000, 1, nil)
	interrupted, killed := folder(t, tmp+"/interrupted", 1000, 1, nil), folder(t, tmp+"/killed", 1002, 1, nil)
	lines, err := os.ReadFile(before + "/requests.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	cut := tmp + "/cut.jsonl"
	if err := os.WriteFile(cut, lines[:len(lines)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	events(t, ended, runfolder.Facts{Ended: true})
	events(t, interrupted, runfolder.Facts{Ended: true, Run: loadreport.Run{Interrupted: true}})
	events(t, killed, runfolder.Facts{})
	if err := os.Remove(killed + "/summary.json"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		candidate string
		code      cli.Code
		want      string
	}{
		{ended, cli.CodeOK, "verdict: pass"},
		{interrupted, cli.CodeNoVerdict, "interrupted: the load test was interrupted"},
		{interrupted + "/requests.jsonl", cli.CodeNoVerdict, "the load test was interrupted"},
		{interrupted + "/summary.json", cli.CodeNoVerdict, "the load test was interrupted"},
		{killed, cli.CodeNoVerdict, "killed: the load test did not come to its end"},
		{killed + "/requests.jsonl", cli.CodeNoVerdict, "did not come to its end"},
		{ended + "," + killed, cli.CodeNoVerdict, "did not come to its end"},
		{cut, cli.CodeNoVerdict, "cut.jsonl: it ends within a line: requests are missing"},
	} {
		if r := execute(t, before, x.candidate); r.Code != x.code || !strings.Contains(r.Out+r.Err, x.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", x.candidate, r.Code, x.code, x.want, r.Out, r.Err)
		}
	}
	// The events of a long run are not read for its gaps, but tell all the same.
	if err := os.Truncate(killed+"/events.bin", 17<<20); err != nil {
		t.Fatal(err)
	}
	if r := execute(t, before, killed); r.Code == cli.CodeOK {
		t.Errorf("exit %d: %s", r.Code, r.Out)
	}
}

// A flag that would do nothing is no gate that passes.
func TestIdleFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	folder(t, "a", 300, 1, nil)
	folder(t, "b", 301, 1, nil)
	csv := "timestamp,queue_length\n2026-03-01T12:00:00Z,1\n2026-03-01T12:01:00Z,2\n"
	for _, name := range []string{"a.csv", "b.csv"} {
		if err := os.WriteFile(name, []byte(csv), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"a", "b", "--fail-on-drift"}, {"a.csv", "b.csv", "--fail-on-drift"}, {"a", "b", "--by", "model"}, {"a", "b", "--benchmark", "1"},
	} {
		if r := execute(t, args...); r.Code != cli.CodeUsage || !strings.HasPrefix(r.Err, "llmops: error: "+args[2]+" is of ") {
			t.Errorf("%v: exit %d: %s", args, r.Code, r.Err)
		}
	}
}

const result = `{"model_id": "m", "num_prompts": 10, "completed": 10, "request_throughput": 3, "output_throughput": 90, "median_ttft_ms": 45}`

// What is named by mistake is compared with nothing.
func TestMistakenSides(t *testing.T) {
	tmp := t.TempDir()
	t.Chdir(tmp)
	folder(t, "a", 300, 1, nil)
	folder(t, "runs/b", 301, 1, nil)
	if err := os.Symlink("a", "latest"); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS("copy", os.DirFS("a")); err != nil {
		t.Fatal(err)
	}
	for i, seed := range []uint64{1, 2} {
		folder(t, "mixed/"+string(rune('0'+i)), 300+i, 1, func(s *loadreport.Summary) {
			s.Load.Shard, s.Load.Seed = []string{"1/2", "2/2"}[i], seed
		})
	}
	for name, text := range map[string]string{"broken": "{\n \"requests\": {", "typed": "{\n \"requests\": {\"total\": \"x\"}}"} {
		folder(t, name, 300, 1, nil)
		if err := os.WriteFile(name+"/summary.json", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, concurrency := range []int{8, 16} { // a sweep
		folder(t, "sweep/"+string(rune('0'+i)), 310+i, 1, func(s *loadreport.Summary) { s.Load.Concurrency = &concurrency })
	}
	for i, text := range []string{"128", "256"} {
		dir := folder(t, "asked/"+string(rune('0'+i)), 320+i, 1, func(s *loadreport.Summary) { s.Load.Shard = []string{"1/2", "2/2"}[i] })
		events(t, dir, runfolder.Facts{Ended: true, Run: loadreport.Run{Prompts: map[string]string{"--prompt-tokens": text}}})
	}
	if err := os.MkdirAll("rates", 0o700); err != nil {
		t.Fatal(err)
	}
	for i, rate := range []string{"1", "5"} {
		if err := os.WriteFile("rates/"+string(rune('0'+i))+".json", []byte(strings.Replace(result, "{", `{"request_rate": `+rate+", ", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder(t, "shorter", 300, 1, nil)
	text, err := os.ReadFile("shorter/requests.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("shorter/requests.jsonl", slices.Concat(bytes.SplitAfter(text, []byte("\n"))[:297]...), 0o600); err != nil {
		t.Fatal(err)
	}
	folder(t, "damaged", 300, 1, nil)
	if err := os.WriteFile("damaged/requests.jsonl", []byte("{\"schema\":\"llmops.request/v1\",\"id\":0}\n{\"schema\":]\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"m/a.csv": "timestamp,p95_latency_ms\n1,2\n", "n/b.csv": "timestamp,p95_latency_ms\n1,2\n", "s.json": `{"schema":"llmops.snapshot/v1","at":"2026-01-02T03:04:05Z"}`} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"cut/1.json": result, "cut/2.json": result[:60], "cut/notes.txt": "", "none/1.json": result, "none/x/2.json": "", "whole/1.json": result, "whole/other.json": "{}", "whole/budget.json": `{"schema":"llmops.budget/v1"}`} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link("m/a.csv", "hard.csv"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ baseline, candidate, want string }{
		{"whole", "cut", "cut/2.json: no JSON: unexpected EOF"},
		{"whole", "none", "none/x/2.json is empty"},
		{"whole", "whole", "whole/1.json is named twice"},
		{"m/a.csv", "m/a.csv", "m/a.csv is named twice"},
		{"m", filepath.Join(tmp, "m/a.csv"), "m/a.csv and " + filepath.Join(tmp, "m/a.csv") + " are the same file"},
		{"m,n", "n", "n/b.csv is named twice"},
		{"s.json", "./s.json", "s.json is named twice"},
		{"", "a", `"": the name of a side, or of a part of it, is empty`},
		{"a", "", `"": the name of a side, or of a part of it, is empty`},
		{"a,,runs", "runs/b", `"a,,runs": the name of a side`},
		{"a", "a", "a is named twice"},
		{"a", "latest", "a and latest are the same run"},
		{"a", filepath.Join(tmp, "a/summary.json"), "a and " + filepath.Join(tmp, "a") + " are the same run"},
		{"a", "copy", "a and copy are the same run"},
		{"runs,a", "copy/requests.jsonl", "a and copy are the same run"},
		{"whole/1.json", "cut/1.json", "whole/1.json and cut/1.json are the same run"},
		{"m", "hard.csv", "m/a.csv and hard.csv are the same file"},
		{"a", "runs,runs/b", "runs/b is named twice"},
		{"a", "mixed", "mixed holds shards of several runs"},
		{"a", "asked", "asked holds shards of several runs"},
		{"a", "sweep", "sweep holds runs of different loads: sweep/0 has closed loop, concurrency 8, sweep/1 has closed loop, concurrency 16"},
		{"sweep", "a", "sweep holds runs of different loads: "},
		{"a", "runs/b,sweep/1", "runs/b,sweep/1 holds runs of different loads: runs/b has closed loop, concurrency 8, sweep/1 has closed loop, concurrency 16"},
		{"whole/1.json", "rates", "rates holds runs of different loads: rates/0.json has open loop, 1 req/s"},
		{"a", "broken", "broken/summary.json:2:14: no JSON: unexpected end"},
		{"a", "typed", "typed/summary.json:2:26: \"requests.total\" cannot be a string"},
		{"a", "shorter", "shorter/requests.jsonl has 297 requests where summary.json has 300"},
		{"a", "damaged", "damaged/requests.jsonl:2:11: "},
	} {
		if r := execute(t, x.baseline, x.candidate); r.Code != cli.CodeUsage || !strings.HasPrefix(r.Err, "llmops: error: "+x.want) {
			t.Errorf("%q with %q: exit %d\n got %swant %s", x.baseline, x.candidate, r.Code, r.Err, x.want)
		}
	}
}
