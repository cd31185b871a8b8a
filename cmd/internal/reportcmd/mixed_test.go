package reportcmd_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/reportcmd"
	"llmops/cmd/internal/runfolder"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s is another one (go test -update writes it anew):\n%s", name, d)
	}
}

// One document of each kind: the same bytes, in whatever order they are named.
func TestMix(t *testing.T) {
	t.Chdir("testdata")
	md := execute(t, "report", "mix", "-o", "markdown")
	page := execute(t, "report", "mix", "-o", "html")
	if md.Code != cli.CodeGate || page.Code != cli.CodeGate || !strings.HasPrefix(md.Err, "llmops: error: 2 of 8 sources: mix/budget.json: availability: 500 of 100000 bad") {
		t.Errorf("exit %d: %s", md.Code, md.Err)
	}
	entries, err := os.ReadDir("mix")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"report", "-o", "html"}
	for _, e := range slices.Backward(entries) {
		args = append(args, "mix/"+e.Name())
	}
	if again := execute(t, append(args, "mix/budget.json")...); again.Out != page.Out || len(page.Out) < 20_000 {
		t.Error("the order of the arguments shows in the page")
	}
	t.Chdir("..")
	golden(t, "mix.md", md.Out)
	for _, want := range []string{
		`<article aria-labelledby="p1">`, `<h2 id="p8">Check of rules</h2>`, `<strong>attention: firing</strong> <a href="#p4">Alerts</a>: KVCacheExhausted (critical), QueueLong (warning) fired`,
		`<p class="note">2026-03-01, UTC; ›: not over at the end of the data</p>`, `aria-label="time line from 2026-03-01 11:58Z to 2026-03-01 14:00Z, 13 lanes; the table below has it in words"`,
		`<strong>fail: 2 of 8 sources</strong>`, `default-src &#39;none&#39;`,
	} {
		if !strings.Contains(page.Out, want) && !strings.Contains(page.Out, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("no %s", want)
		}
	}
}

func TestMixAsJSON(t *testing.T) {
	res := execute(t, "report", "testdata/mix", "-o", "json")
	var doc struct {
		Schema  string `json:"schema"`
		Sources []struct {
			Source, What, State, Verdict, Why string
			Document                          *struct {
				Schema string `json:"schema"`
			}
		} `json:"sources"`
		Timeline []struct {
			From, To *string
			What     string
		} `json:"timeline"`
		Verdict string `json:"verdict"`
	}
	if err := json.Unmarshal([]byte(res.Out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != reportcmd.Schema || doc.Verdict != "fail" || len(doc.Sources) != 8 || len(doc.Timeline) != 13 {
		t.Errorf("%+v", doc)
	}
	var states []string
	for _, s := range doc.Sources {
		states = append(states, s.State)
		if (s.Document == nil) != (s.What == "recording") || s.Document != nil && !strings.HasPrefix(s.Document.Schema, "llmops.") {
			t.Errorf("the document of %s: %+v", s.Source, s.Document)
		}
	}
	if want := []string{"fail", "fail", "undetermined", "attention", "attention", "attention", "attention", "pass"}; !slices.Equal(states, want) {
		t.Errorf("states %v", states)
	}
	open := map[string]bool{}
	for _, e := range doc.Timeline {
		open[e.What] = e.To == nil
	}
	for what, want := range map[string]bool{
		"recording: GPU 0 is hot (warning)": true, "recording: GPU 0 is lost (critical)": true, "recording": false,
		"alert KVCacheExhausted (critical)": true, "alert QueueLong (warning)": false, "burn-rate alert (ticket over 6h): availability": true,
		"load test of http://10.0.0.2:8000/v1": false,
	} {
		if got, is := open[what]; !is || got != want {
			t.Errorf("%q: open %v (there: %v), want %v", what, got, is, want)
		}
	}
}

// The exit code is that of the worst verdict.
func TestExitCodes(t *testing.T) {
	t.Chdir("testdata/mix")
	for _, x := range []struct {
		args []string
		code cli.Code
		says string
	}{
		{[]string{"rulecheck.json"}, cli.CodeOK, "verdict: pass"},
		{[]string{"rulecheck.json", "alerts.json", "diagnosis.json", "anomalies.json", "recording.jsonl"}, cli.CodeOK, "verdict: attention"},
		{[]string{"alerts.json", "compare.json"}, cli.CodeNoVerdict, "verdict: undetermined"},
		{[]string{"compare.json", "budget.json"}, cli.CodeGate, "verdict: fail"},
	} {
		res := execute(t, append([]string{"report"}, x.args...)...)
		if res.Code != x.code || !strings.Contains(res.Out, x.says) {
			t.Errorf("%v: exit %d\n%s%s", x.args, res.Code, res.Out, res.Err)
		}
	}
}

// What a comparison was gated on is what its table shows: the limit and whether it held.
func TestGatesOfAComparison(t *testing.T) {
	t.Chdir(t.TempDir())
	text := `{"schema":"llmops.compare/v1","kind":"loadtests","metrics":[
	 {"name":"p95_latency_ms","baseline":400,"candidate":412,"change":0.03,"judged":true,"max_regression":0.05,"gate":"pass","verdict":"worse"},
	 {"name":"p50_ttft_ms","baseline":10,"candidate":11,"change":0.1,"judged":true,"max_regression":0.025,"gate":"fail","verdict":"worse"},
	 {"name":"error_rate","absolute":true,"baseline":0.001,"candidate":0.002,"change":0.001,"judged":true,"max_regression":0.005,"gate":"undetermined","verdict":"same","detail":"few requests"},
	 {"name":"p99_ttft_ms","baseline":10,"candidate":11,"change":0.1,"verdict":"worse"}],
	 "verdict":"fail","reasons":["p50_ttft_ms"]}`
	if err := os.WriteFile("c.json", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	res := execute(t, "report", "-o", "markdown", "c.json")
	var rows []string
	for line := range strings.Lines(res.Out) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) == 8 && strings.Contains(cells[1], "_") {
			rows = append(rows, strings.Join([]string{cells[0], cells[1], cells[7]}, " | "))
		}
	}
	want := []string{
		`pass | p95_latency_ms | gate: at most 5% worse; the change itself is worse`,
		`fail | p50_ttft_ms | gate: at most 2.5% worse; the change itself is worse`,
		`undetermined | error_rate | gate: at most 0.005 worse; the change itself is same; few requests`,
		`worse | p99_ttft_ms |`,
	}
	for i := range rows {
		rows[i] = strings.TrimSpace(strings.ReplaceAll(rows[i], `\`, ""))
	}
	if !slices.Equal(rows, want) {
		t.Errorf("%s\n%s", strings.Join(rows, "\n"), res.Err)
	}
}

func TestBrokenDocuments(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, x := range map[string]struct{ text, want string }{
		"syntax":    {"{\n  \"schema\": \"llmops.budget/v1\",\n  \"slos\": [}\n}", `f.json:3:12: no JSON: invalid character '}' looking for beginning of value`},
		"ends":      {`{"schema":"llmops.budget/v1",`, `f.json:1:30: it ends before its JSON does`},
		"type":      {"{\"schema\":\"llmops.budget/v1\",\n \"slos\":[{\"total\":\"many\"}],\"verdict\":\"pass\"}", `f.json:2:24: "slos.total" cannot be a string`},
		"time":      {"{\"schema\":\"llmops.alerts/v1\",\n\"input\":{\"start\":\"yesterday\"}}", `f.json:2:18: parsing time "yesterday" as`},
		"behind":    {"{\"schema\":\"llmops.rulecheck/v1\",\"verdict\":\"pass\"}\nx", `f.json:2:1: no JSON: invalid character 'x' after top-level value`},
		"verdict":   {`{"schema":"llmops.rulecheck/v1","verdict":"fine"}`, `f.json:1:43: "fine" is no verdict of llmops.rulecheck/v1`},
		"later":     {`{"schema":"llmops.budget/v2"}`, `f.json:1:11: llmops.budget/v2 is of a later version than this llmops reads`},
		"requests":  {`{"schema":"llmops.request/v1","id":0}`, `f.json:1:11: single requests (llmops.request/v1) are no result`},
		"others":    {`{"schema":"llmops.version/v1"}`, `f.json:1:11: there is no report on "llmops.version/v1"`},
		"no schema": {`{"a":1}`, `f.json:1:1: it does not say what it is: it has no "schema"`},
		"list":      {`[1]`, `f.json:1:1: it is no object`},
		"unjudged":  {`{"schema":"llmops.budget/v1"}`, `f.json:1:1: it has no "verdict"`},
		"empty":     {``, `f.json:1:1: it ends before its JSON does`},
		"incident":  {`{"schema":"llmops.diagnosis/v1","incidents":[{"id":"inc-1"}],"verdict":"incident"}`, `f.json: incident 1 has no diagnosis`},
		"backwards": {`{"schema":"llmops.diagnosis/v1","incidents":[{"onset":"2026-01-01T00:00:01Z","end":"2026-01-01T00:00:00Z","id":"i","severity":"low","diagnoses":[{"name":"N","entity":"fleet"}]}],"verdict":"incident"}`, `f.json: "incident i (low): N of fleet" ends before it begins`},
		"half":      {`{"schema":"llmops.budget/v1","source":{"first":"2026-01-01T00:00:00Z"},"verdict":"pass"}`, `f.json: it is no llmops.budget/v1 as llmops writes it: parts of it are missing`},
		"no time":   {`{"schema":"llmops.snapshot/v1"}`, `f.json: of "snapshot" it is not said when it was`},
		"snapshots": {"{\"schema\":\"llmops.snapshot/v1\",\"at\":\"2026-01-01T00:00:00Z\"}\n{\"schema\":\"llmops.snapshot/v1\",\"at\":7}\n", `f.json:2:`},
	} {
		if err := os.WriteFile("f.json", []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if res := execute(t, "report", "f.json"); res.Code != cli.CodeUsage || !strings.HasPrefix(res.Err, "llmops: error: "+x.want) {
			t.Errorf("%s: exit %d\n got %swant %s", name, res.Code, res.Err, x.want)
		}
	}
}

// What a folder holds besides is passed over; what is of a later version is not.
func TestFolderOfMore(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"a/check.json": `{"schema":"llmops.rulecheck/v1","verdict":"pass"}`, "a/package.json": `{"name":"x"}`, "a/broken.json": `{`, "a/rules.yaml": "groups: []",
		"a/.hidden/check.json": `{"schema":"llmops.rulecheck/v1","verdict":"fail"}`, "a/version.json": `{"schema":"llmops.version/v1"}`, "a/report.json": `{"schema":"llmops.report/v1"}`,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if res := execute(t, "report", "a"); res.Code != cli.CodeOK || !strings.HasPrefix(res.Out, "1 source: 1 pass\n") {
		t.Errorf("exit %d: %s%s", res.Code, res.Out, res.Err)
	}
	if err := os.WriteFile("a/new.json", []byte("{\n\"schema\":\"llmops.alerts/v2\"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if res := execute(t, "report", "a"); res.Code != cli.CodeUsage || !strings.Contains(res.Err, "a/new.json:2:10: llmops.alerts/v2 is of a later version") {
		t.Errorf("exit %d: %s", res.Code, res.Err)
	}
	if res := execute(t, "report", "a/check.json", "--slo", "error_rate < 1%"); res.Code != cli.CodeUsage || !strings.Contains(res.Err, "there is no run folder to judge again") {
		t.Errorf("exit %d: %s", res.Code, res.Err)
	}
	app := &cli.App{In: strings.NewReader(`{"schema":"llmops.rulecheck/v1","verdict":"pass"}`)}
	if res := clitest.Run(t, app, []cli.Verb{reportcmd.New}, "report", "-"); res.Code != cli.CodeOK || !strings.Contains(res.Out, "check of rules") {
		t.Errorf("standard input: exit %d: %s", res.Code, res.Err)
	}
}

// A source counts once, by whatever names it goes.
func TestOneSourceOnce(t *testing.T) {
	r := whole(t, 60)
	dir := t.TempDir()
	t.Chdir(dir)
	r.write(t, "run")
	r.write(t, "other")
	if err := os.Symlink("run", "latest"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		want string
		args []string
	}{
		{"run, other", []string{"run", "./run", filepath.Join(dir, "run"), "latest", "run/summary.json", "other"}},
		{"latest, other", []string{"latest", "other"}},
		{"run, other", []string{"."}},
		{"run, other", []string{".", "latest", "run"}},
	} {
		res := execute(t, append([]string{"report", "-o", "json"}, x.args...)...)
		var doc struct{ Sources []struct{ Source string } }
		if err := json.Unmarshal([]byte(res.Out), &doc); err != nil || len(doc.Sources) != 2 {
			t.Errorf("%v: exit %d, %d sources, not %s: %s%v", x.args, res.Code, len(doc.Sources), x.want, res.Err, err)
		}
	}
	if res := execute(t, "report", "latest"); res.Code != cli.CodeGate || !strings.Contains(res.Out, "verdict: fail") {
		t.Errorf("a link to a run folder: exit %d: %s", res.Code, res.Err)
	}
	if res := execute(t, "report", ""); res.Code != cli.CodeUsage || !strings.Contains(res.Err, "is empty") {
		t.Errorf("no name: exit %d: %s", res.Code, res.Err)
	}
	for text, want := range map[string]string{
		"{\n \"requests\": {": "run/summary.json:2:14: no JSON: unexpected end", "{\n \"requests\": {\"total\": \"x\"}}": "run/summary.json:2:26: \"requests.total\" cannot be a string", "[]": "run/summary.json:1:1: it is no object",
	} {
		if err := os.WriteFile("run/summary.json", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if res := execute(t, "report", "run"); res.Code != cli.CodeUsage || !strings.HasPrefix(res.Err, "llmops: error: "+want) {
			t.Errorf("%q: exit %d: got %s want %s", text, res.Code, res.Err, want)
		}
	}
}

// Runs of their own are parts of one report; two runs in shards too, if both are whole.
func TestSeveralRuns(t *testing.T) {
	r := whole(t, 60)
	dir := t.TempDir()
	alone := r.write(t, filepath.Join(dir, "alone"))
	first, second := r.shards(2), r.shards(3)
	for i, p := range first {
		p.write(t, filepath.Join(dir, "first", string(rune('a'+i))))
	}
	for i, p := range second {
		p.facts.Run.Load.Seed = 7
		p.write(t, filepath.Join(dir, "second", string(rune('a'+i))))
	}
	res := execute(t, "report", dir)
	if res.Code != cli.CodeGate || !strings.HasPrefix(res.Out, "3 sources: 3 fail\n") || !strings.Contains(res.Out, filepath.Join(dir, "first/a")+", "+filepath.Join(dir, "first/b")) {
		t.Errorf("exit %d\n%s%s", res.Code, res.Out, res.Err)
	}
	// New objectives hold for all of them.
	if res := execute(t, "report", dir, "--slo", "p50_latency_ms < 5000"); res.Code != cli.CodeOK || !strings.HasPrefix(res.Out, "3 sources: 3 pass\n") {
		t.Errorf("exit %d\n%s%s", res.Code, res.Out, res.Err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "second", "b")); err != nil {
		t.Fatal(err)
	}
	if res := execute(t, "report", dir); res.Code != cli.CodeUsage {
		t.Errorf("a shard that is missing: exit %d\n%s", res.Code, res.Err)
	}
	// A run that was broken off is one part of several without a verdict.
	if err := os.Remove(filepath.Join(alone, runfolder.Summary)); err != nil {
		t.Fatal(err)
	}
	r.facts.Run.Interrupted, r.facts.Objectives = true, nil
	off := r.write(t, filepath.Join(dir, "off"))
	if res := execute(t, "report", off, "testdata/mix/rulecheck.json"); res.Code != cli.CodeNoVerdict || !strings.Contains(res.Err, "the load test was interrupted") {
		t.Errorf("exit %d\n%s%s", res.Code, res.Out, res.Err)
	}
}

// Text of files commands neither a page, nor Markdown, nor a terminal.
func TestHostileText(t *testing.T) {
	dir := t.TempDir()
	const evil = `<script>alert(1)</script>\u001b[2J|*x*`
	file := filepath.Join(dir, "x.json")
	text := `{"schema":"llmops.diagnosis/v1","input":{"start":"2026-03-01T11:00:00Z","end":"2026-03-01T13:00:00Z"},"incidents":[{"id":"` + evil + `","onset":"2026-03-01T12:00:00Z","end":"2026-03-01T12:10:00Z","severity":"high","entities":["` + evil + `"],
		"diagnoses":[{"name":"` + evil + `","root_cause":"` + evil + `","entity":"` + evil + `","evidence":[{"symptom":"` + evil + `","series":"` + evil + `","value":1,"at":"2026-03-01T12:00:00Z"}],"actions":["` + evil + `"]}],"suspects":[{"entity":"` + evil + `","series":"` + evil + `"}]}],"verdict":"incident"}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"html", "markdown", "table", "csv", "junit"} {
		res := execute(t, "report", file, "testdata/mix/alerts.json", "-o", format)
		if res.Code != cli.CodeOK || strings.Contains(res.Out, "\x1b[2J") || format != "table" && format != "csv" && strings.Contains(res.Out, "<script>alert") {
			at := max(100, strings.Index(res.Out, "<script>alert"))
			t.Errorf("%s: exit %d %s %s", format, res.Code, res.Err, res.Out[at-100:min(len(res.Out), at+100)])
		}
	}
}

func FuzzDocument(f *testing.F) {
	files, err := filepath.Glob("testdata/mix/*")
	if err != nil || len(files) < 8 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []string{"html", "markdown"} {
			app := &cli.App{In: strings.NewReader(text)}
			res := clitest.Run(t, app, []cli.Verb{reportcmd.New}, "report", "-", "-o", format)
			if res.Code == cli.CodeFailed && !strings.Contains(text, "llmops.loadtest") { // a load test in which all failed
				t.Errorf("%s: %s", format, res.Err)
			}
		}
	})
}

// An annotation for each source but those that pass, also of a single load test.
func TestAnnotations(t *testing.T) {
	res := execute(t, "report", "testdata/mix", "-o", "github")
	if res.Code != cli.CodeGate {
		t.Errorf("exit %d: %s", res.Code, res.Err)
	}
	levels := map[string]int{}
	for line := range strings.Lines(res.Out) {
		level, _, _ := strings.Cut(line, " ")
		levels[level]++
	}
	if d := cmp.Diff(map[string]int{"::error": 2, "::warning": 1, "::notice": 4}, levels); d != "" || !strings.Contains(res.Out, "::error title=error budgets%3A fail::testdata/mix/budget.json: availability: 500 of 100000 bad") {
		t.Errorf("%s\n%s", d, res.Out)
	}
	dir := whole(t, 40).write(t, t.TempDir())
	if res := execute(t, "report", dir, "-o", "github", "--slo", "p50_latency_ms < 1"); res.Code != cli.CodeGate || !strings.HasPrefix(res.Out, "::error title=load test%3A fail::") || strings.Contains(res.Err, "::error") {
		t.Errorf("exit %d: %q %s", res.Code, res.Out, res.Err)
	}
	if res := execute(t, "report", dir, "-o", "github", "--slo", "p50_latency_ms < 1000000"); res.Code != cli.CodeOK || res.Out != "" {
		t.Errorf("exit %d: %q %s", res.Code, res.Out, res.Err)
	}
}

// A value beyond all numbers is not in the document, and no 0.
func TestAnomalyWithoutValue(t *testing.T) {
	t.Chdir(t.TempDir())
	text := `{"schema":"llmops.anomalies/v1","source":{"files":["x.csv"],"series":1,"judged":1},"verdict":"anomalies","anomalies":[
	 {"series":"queue","from":"2026-03-03T07:00:00Z","to":"2026-03-03T07:05:00Z","score":1,"rows":5,"detectors":["rules"]}]}`
	if err := os.WriteFile("a.json", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	res := execute(t, "report", "-o", "markdown", "a.json")
	if res.Code != cli.CodeOK || !strings.Contains(res.Out, "| queue | - |") {
		t.Errorf("exit %d\n%s%s", res.Code, res.Out, res.Err)
	}
}
