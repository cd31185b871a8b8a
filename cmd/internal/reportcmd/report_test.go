package reportcmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/cmd/internal/loadtestcmd"
	"llmops/cmd/internal/reportcmd"
	"llmops/cmd/internal/runfolder"
	"llmops/probes/request"
	"llmops/probes/sim"
	"llmops/rules/slo"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// run is what one shard did, made up.
type run struct {
	facts   runfolder.Facts
	start   time.Time
	records []request.Record
	checks  map[int64]loadreport.Checked
}

func objectives(t testing.TB, texts ...string) (list []slo.Objective) {
	t.Helper()
	for _, text := range texts {
		o, err := slo.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

// whole makes a run of n requests with all that a summary can hold.
func whole(t testing.TB, n int) run {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	r := run{start: epoch.Add(2 * time.Second), checks: map[int64]loadreport.Checked{}}
	r.facts = runfolder.Facts{
		Load: "open loop, poisson 100 req/s", Confidence: 0.95, Ended: true,
		Objectives: objectives(t, "p95_latency_ms < 400", "p99_itl_ms < 25", "error_rate < 5%", "mean_ttft_ms < 30", "requests_per_second > 10", "quality_score > 0.5", "max_latency_ms < 5000", "cost_per_request < 1"),
		Price:      loadreport.Price{PerMillionCompletion: new(3.0), PerHour: new(12.5)},
		Run: loadreport.Run{
			Version: "v1", Target: loadreport.Target{URL: "http://x/v1", API: "chat", Model: "m"}, StartedAt: epoch, Duration: 12 * time.Second, Window: 9 * time.Second,
			Load:   loadreport.Load{Mode: "open", Rate: new(100.0), Arrivals: new("poisson"), Seed: 1, WarmupRequests: 4},
			Client: loadreport.ClientFacts{TimestampSource: "kernel", CPU: new(time.Second), Cores: 2, Events: 9000, LongestWait: new(3 * time.Millisecond), SchedP99: new(time.Microsecond), SchedMax: new(time.Millisecond)},
		},
	}
	file, err := slo.LoadAll(slo.Input{Name: "slices.yaml", Data: strings.NewReader(
		"slos:\n  - {name: calm, sli: latency_ms < 300, target: 0.9, method: timeslices, slice: 1s, slice_target: 0.9}\n  - {name: up, sli: success_rate, target: 0.95}\n")})
	if err != nil {
		t.Fatal(err)
	}
	r.facts.Objectives = append(r.facts.Objectives, file.Objectives...)
	at := r.start
	for i := range n {
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(8*time.Second) / float64(n)))
		rec := request.Record{Schema: request.Schema, ID: int64(i), ScheduledAt: at, SentAt: at.Add(time.Duration(rng.IntN(300_000))), Model: "m"}
		rec.Lateness = new(rec.SentAt.Sub(at))
		switch {
		case i%41 == 7:
			rec.Error, rec.Detail, rec.Status, rec.DoneAt = request.HTTP(503), "busy", 503, rec.SentAt.Add(time.Millisecond)
		case i%97 == 5:
			rec.Error, rec.DoneAt = request.Cancelled, rec.SentAt.Add(50*time.Millisecond)
		default:
			rec.OK, rec.Status = true, 200
			gap := time.Duration(20e6 + rng.ExpFloat64()*5e6)
			for range 2 + rng.IntN(20) {
				rec.Chunks = append(rec.Chunks, request.Chunk{At: gap, Tokens: 1 + rng.Int32N(2), Joined: rng.IntN(50) == 0})
				gap += time.Duration(rng.ExpFloat64() * 1e7)
			}
			rec.FirstTokenAt, rec.LastTokenAt = rec.SentAt.Add(rec.Chunks[0].At), rec.SentAt.Add(rec.Chunks[len(rec.Chunks)-1].At)
			rec.DoneAt = rec.LastTokenAt.Add(10_000)
			rec.PromptTokens, rec.CompletionTokens, rec.TokensFrom = new(int64(10+i%9)), new(int64(len(rec.Chunks)*2)), "usage"
			rec.ReadLag = new(time.Duration(rng.IntN(50_000)))
			if i%10 == 0 {
				rec.Quality = new(float64(i%20) / 20)
				r.checks[rec.ID] = loadreport.Checked{ID: rec.ID, Answer: "so", Checks: []loadreport.CheckResult{{Name: "equals", Text: "equals 4", Why: "it is 5", Passed: i%20 == 0}}}
			}
			rec.Derive()
		}
		r.records = append(r.records, rec)
	}
	return r
}

// shards deals a run out as load tests of n machines whose clocks do not agree.
func (r run) shards(n int) (out []run) {
	for s := range n {
		part := run{facts: r.facts, checks: r.checks}
		off := time.Duration(s)*217*time.Millisecond - 123*time.Microsecond
		part.start = r.start.Add(off)
		part.facts.Run.StartedAt = r.facts.Run.StartedAt.Add(off)
		part.facts.Run.Load.Shard = fmt.Sprintf("%d/%d", s+1, n)
		part.facts.Run.Load.WarmupRequests = 2
		for _, rec := range r.records {
			if rec.ID%int64(n) == int64(s) {
				for _, t := range []*time.Time{&rec.ScheduledAt, &rec.SentAt, &rec.FirstTokenAt, &rec.LastTokenAt, &rec.DoneAt} {
					if !t.IsZero() {
						*t = t.Add(off)
					}
				}
				part.records = append(part.records, rec)
			}
		}
		out = append(out, part)
	}
	return out
}

// summary is what the load test would have said.
func (r run) summary() loadreport.Summary {
	agg := loadreport.New(loadreport.Config{Objectives: r.facts.Objectives, Confidence: r.facts.Confidence, Price: r.facts.Price})
	agg.Start(r.start)
	for i := range r.records {
		if c, ok := r.checks[r.records[i].ID]; ok {
			agg.AddChecks(c)
		}
		agg.Add(&r.records[i])
	}
	return loadtestcmd.Summarize(agg, r.facts.Run)
}

// write makes the folder of a run.
func (r run) write(t testing.TB, dir string) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(dir, 0o700))
	events, err := os.Create(filepath.Join(dir, runfolder.Events))
	must(err)
	defer events.Close()
	log := runfolder.NewLog(events, r.start.Add(-time.Second))
	begun := r.facts
	begun.Ended = false
	must(log.Facts(begun))
	must(log.Start(r.start))
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for i := range r.records {
		rec := &r.records[i]
		if c, ok := r.checks[rec.ID]; ok {
			must(log.Checks(c))
		}
		must(enc.Encode(rec))
		must(log.Record(rec))
	}
	must(log.Facts(r.facts))
	must(log.Close())
	must(os.WriteFile(filepath.Join(dir, runfolder.Requests), lines.Bytes(), 0o600))
	text, err := json.Marshal(r.summary())
	must(err)
	must(os.WriteFile(filepath.Join(dir, runfolder.Summary), text, 0o600))
	return dir
}

// report runs the command and gives what it printed.
func report(t testing.TB, args ...string) (s loadreport.Summary, r clitest.Result) {
	t.Helper()
	r = execute(t, append([]string{"report", "-o", "json"}, args...)...)
	if r.Out != "" {
		if err := json.Unmarshal([]byte(r.Out), &s); err != nil {
			t.Fatal(err)
		}
	}
	return s, r
}

func execute(t testing.TB, args ...string) clitest.Result {
	t.Helper()
	return clitest.Run(t, nil, []cli.Verb{reportcmd.New, loadtestcmd.New}, args...)
}

func same(t *testing.T, want, got loadreport.Summary) {
	t.Helper()
	a, err1 := json.MarshalIndent(want, "", " ")
	b, err2 := json.MarshalIndent(got, "", " ")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if d := cmp.Diff(strings.Split(string(a), "\n"), strings.Split(string(b), "\n")); d != "" {
		t.Errorf("the summary is another one:\n%s", d)
	}
}

// What the folder holds is what the run saw: without its summary the same one is made.
func TestJudgedAgain(t *testing.T) {
	r := whole(t, 800)
	dir := r.write(t, filepath.Join(t.TempDir(), "run"))
	want := r.summary()
	if want.Metrics.ITL.Count < 5000 || want.Quality == nil || want.Cost == nil || len(want.SLO) != 10 || want.Client.DispatchLateness.Count == 0 {
		t.Fatalf("the run is too poor to show anything: %+v", want)
	}
	got, _ := report(t, dir)
	same(t, want, got)
	if err := os.Remove(filepath.Join(dir, runfolder.Summary)); err != nil {
		t.Fatal(err)
	}
	got, res := report(t, dir)
	same(t, want, got)
	if want.Verdict != loadreport.Fail || res.Code != cli.CodeGate {
		t.Errorf("%s: %+v", want.Verdict, res.Err)
	}
}

// Shards together are the run that they are shards of.
func TestMerge(t *testing.T) {
	r := whole(t, 900)
	want := r.summary()
	for _, n := range []int{2, 3, 7} {
		dir := t.TempDir()
		parts := r.shards(n)
		for i, p := range parts {
			p.write(t, filepath.Join(dir, fmt.Sprint(i)))
		}
		got, res := report(t, dir)
		if res.Code != cli.CodeGate {
			t.Error(res.Err)
		}
		if d := got.Client; d.Verdict != loadreport.ClientValid || d.CPUUsPerEvent == nil || *d.CPUUsPerEvent != *want.Client.CPUUsPerEvent {
			t.Errorf("client %+v", d)
		}
		want := want
		want.Load.WarmupRequests = 2 * int64(n)
		want.Client.CPUShare = got.Client.CPUShare // each has as many cores, and as much work was made up for it
		want.StartedAt = got.StartedAt
		same(t, want, got)
	}
}

// The engine's charts are of a shard that watched it, whichever that is.
func TestServerOfMergedShards(t *testing.T) {
	parts := whole(t, 60).shards(3)
	for _, watched := range []int{0, 1, 2} {
		dir := t.TempDir()
		for i, p := range parts {
			at := p.write(t, filepath.Join(dir, fmt.Sprint(i)))
			text := `{"schema":"llmops.snapshot/v1","at":"2026-03-01T12:00:05Z","servers":[{"url":"http://x","up":false}]}` + "\n" // it did not answer
			if i == watched {
				text = ""
				for s := range 3 {
					text += fmt.Sprintf(`{"schema":"llmops.snapshot/v1","at":%q,"servers":[{"url":"http://x","engine":"vllm","basis":"lifetime","running":%d}]}`+"\n",
						p.start.Add(time.Duration(s+1)*time.Second).Format(time.RFC3339Nano), s+1)
				}
			}
			if i > 0 || watched == 0 { // the first has no file at all
				if err := os.WriteFile(filepath.Join(at, runfolder.Telemetry), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if r := execute(t, "report", "-o", "html", dir); !strings.Contains(r.Out, "Requests in the server") {
			t.Errorf("shard %d watched: no chart of the server: %s", watched+1, r.Err)
		}
	}
}

func TestClientsMerged(t *testing.T) {
	r := whole(t, 60)
	parts := r.shards(3)
	parts[1].facts.Run.Client.SchedP99 = new(30 * time.Millisecond)
	parts[2].facts.Run.Duration = time.Minute
	parts[2].facts.Run.StartedAt = epoch.Add(5 * time.Second)
	dir := t.TempDir()
	for i, p := range parts {
		p.write(t, filepath.Join(dir, fmt.Sprint(i)))
	}
	got, _ := report(t, dir)
	want := []string{
		"shard 2/3: the client waited for a processor, p99 30ms, above 10ms",
		"the shards did not run at the same time: by their clocks they began up to 5s apart, in runs of 1m0s",
	}
	if got.Client.Verdict != loadreport.ClientSuspect || !slices.Equal(got.Client.Reasons, want) || got.DurationS != 60 || *got.Client.SchedP99 != 30_000 {
		t.Errorf("%+v, %v s", got.Client, got.DurationS)
	}
	if share := 0.008333; *got.Client.CPUShare != share { // 3 s of 6 processors in 60 s
		t.Errorf("share of the processors %v, want %v", *got.Client.CPUShare, share)
	}
}

func TestRefused(t *testing.T) {
	r := whole(t, 60)
	shards := r.shards(3)
	tmp := t.TempDir()
	folder := func(name string, p run, change func(*runfolder.Facts)) string {
		if change != nil {
			change(&p.facts)
		}
		return p.write(t, filepath.Join(tmp, name))
	}
	a, b, c := folder("a", shards[0], nil), folder("b", shards[1], nil), folder("c", shards[2], nil)
	again := folder("again", shards[1], nil)
	seed := folder("seed", shards[2], func(f *runfolder.Facts) { f.Run.Load.Seed = 9 })
	target := folder("target", shards[2], func(f *runfolder.Facts) { f.Run.Target.Model = "other" })
	four := folder("four", shards[2], func(f *runfolder.Facts) { f.Run.Load.Shard = "3/4" })
	limits := folder("limits", shards[2], func(f *runfolder.Facts) { f.Objectives = f.Objectives[1:] })
	capped := folder("capped", shards[2], func(f *runfolder.Facts) { f.Run.Load.MaxConcurrency = new(4) })
	old := folder("old", shards[2], nil)
	if err := os.Remove(filepath.Join(old, runfolder.Events)); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(tmp, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{a, c}, "of the run that " + a + " belongs to, shard 2/3 is missing"},
		{[]string{a, b, again, c}, again + " and " + b + " are both shard 2/3"},
		{[]string{a, b, seed}, a + " and " + seed + " are not of one run: load.seed is 1 in the one and 9 in the other"},
		{[]string{a, b, target}, a + " and " + target + ` are not of one run: target.model is "m" in the one and "other" in the other`},
		{[]string{a, b, capped}, a + " and " + capped + ` are not of one run: load.max_concurrency is not set in the one and 4 in the other`},
		{[]string{a, b, four}, four + " is shard 3/4, but " + a + " is one of 3"},
		{[]string{a, b, limits}, a + " and " + limits + " have different objectives, prices or --confidence"},
		{[]string{a, b, old}, old + " holds no events.bin: it can be shown, but not judged again or merged"},
		{[]string{empty}, empty + " is no folder of a load test, and holds nothing to report on"},
		{[]string{filepath.Join(tmp, "nowhere")}, filepath.Join(tmp, "nowhere") + ": there is no such file or folder"},
		{[]string{old, "--slo", "p95_latency_ms < 1"}, old + " holds no events.bin"},
	} {
		if _, res := report(t, x.args...); res.Code != cli.CodeUsage || !strings.HasPrefix(res.Err, "llmops: error: "+x.want) || !strings.Contains(res.Err, "hint: ") {
			t.Errorf("%v\n got %s\nwant %s", x.args, res.Err, x.want)
		}
	}
	// What can be done all the same.
	got, res := report(t, a, c, "--partial")
	if res.Code != cli.CodeNoVerdict || got.Client.Reasons[0] != "shard 2/3 is missing: the load was not the one asked for" || got.Requests.Total != 40 {
		t.Errorf("%s, %d requests, %v", res.Err, got.Requests.Total, got.Client.Reasons)
	}
	if got, res := report(t, a, b, limits, "--slo", "p50_latency_ms < 5000"); res.Code != cli.CodeOK || len(got.SLO) != 1 || got.Requests.Total != 60 {
		t.Errorf("%s %+v", res.Err, got.SLO)
	}
	if got, _ := report(t, a); got.Requests.Total != 20 || got.Load.Shard != "1/3" {
		t.Errorf("one shard: %+v", got.Load)
	}
	if got, res := report(t, old); got.Requests.Total != 20 || !strings.Contains(res.Err, "holds no events.bin: charts have no gaps") {
		t.Errorf("%+v %s", got.Requests, res.Err)
	}
}

// A load test that was killed leaves what it had measured.
func TestKilled(t *testing.T) {
	r := whole(t, 200)
	dir := r.write(t, filepath.Join(t.TempDir(), "run"))
	if err := os.Remove(filepath.Join(dir, runfolder.Summary)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, runfolder.Events)
	events, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The facts of the beginning are all there is, and some events are lost.
	if err := os.WriteFile(path, events[:len(events)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	got, res := report(t, dir, "--slo", "p50_latency_ms < 5000")
	const killed = "the load test was killed before it ended: the figures are of what was measured until then"
	if res.Code != cli.CodeNoVerdict || got.Requests.Total != 200 || !slices.Contains(got.Client.Reasons, killed) || !strings.Contains(res.Err, "ends before requests.jsonl does") {
		t.Errorf("%d requests, %v\n%s", got.Requests.Total, got.Client.Reasons, res.Err)
	}
	if want := r.summary().Metrics; got.Metrics.ITL.Count == 0 || got.Metrics.ITL.Count >= want.ITL.Count || got.Metrics.Latency.Count != want.Latency.Count {
		t.Errorf("%d gaps of %d", got.Metrics.ITL.Count, want.ITL.Count)
	}
}

// One that was broken off opens no gate, whatever it had measured.
func TestInterrupted(t *testing.T) {
	r := whole(t, 60)
	r.facts.Run.Interrupted, r.facts.Objectives = true, nil
	got, res := report(t, r.write(t, filepath.Join(t.TempDir(), "run")))
	if res.Code != cli.CodeNoVerdict || got.Verdict != loadreport.Pass || !strings.Contains(res.Err, "the load test was interrupted") {
		t.Errorf("exit %d, %s: %s", res.Code, got.Verdict, res.Err)
	}
}

func TestFormats(t *testing.T) {
	dir := whole(t, 60).write(t, filepath.Join(t.TempDir(), "run"))
	for name, want := range map[string]string{"r.html": "<!DOCTYPE html>", "r.md": "| latency_ms |", "r.json": `"schema": "llmops.loadtest/v1"`, "r.xml": "<testsuites", "r.csv": "metric,value", "r.yaml": "schema: llmops.loadtest/v1", "r.txt": "verdict: "} {
		file := filepath.Join(t.TempDir(), name)
		execute(t, "report", dir, "--output", file) // its verdict is not what this is about
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, no %q in %.200s", name, err, want, text)
		}
	}
}

// Real runs: two shards of one schedule send together what the whole run sends.
func TestShardsOfARealRun(t *testing.T) {
	srv, err := sim.New(sim.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, ln) }()
	defer func() { cancel(); <-served }()
	dir := t.TempDir()
	load := func(name string, more ...string) string {
		out := filepath.Join(dir, name)
		args := append([]string{"loadtest", "http://" + ln.Addr().String() + "/v1", "--rate", "100", "--arrivals", "gamma", "--burstiness", "0.5", "--requests", "40", "--warmup", "7",
			"--prompt-tokens", "uniform:8,40", "--output-tokens", "uniform:2,9", "--seed", "7", "--telemetry=false", "--quiet", "--out", out}, more...)
		execute(t, args...) // a busy machine makes the client invalid
		return out
	}
	one := load("whole")
	parts := []string{load("p1", "--shard", "1/2"), load("p2", "--shard", "2/2")}
	sent := func(dirs ...string) map[int64]string {
		out := map[int64]string{}
		for _, dir := range dirs {
			f, err := runfolder.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Read(epoch, func(time.Time) {}, func(loadreport.Checked) {}, func(r *request.Record) error {
				out[r.ID] = fmt.Sprintf("due %v, ok %v, %d and %d tokens", r.ScheduledAt.Sub(epoch), r.OK, *r.PromptTokens, *r.CompletionTokens)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	want, got := sent(one), sent(parts...)
	if len(want) != 40 || !maps.Equal(want, got) {
		t.Errorf("the shards sent other requests than the whole run:\n%s", cmp.Diff(want, got))
	}
	whole, _ := report(t, one)
	merged, _ := report(t, parts...)
	if *whole.Tokens.Prompt != *merged.Tokens.Prompt || *whole.Tokens.Completion != *merged.Tokens.Completion || whole.Requests != merged.Requests || whole.Load.WarmupRequests != merged.Load.WarmupRequests || merged.Load.Shard != "" {
		t.Errorf("%+v %+v %+v\n%+v %+v %+v", whole.Tokens, whole.Requests, whole.Load, merged.Tokens, merged.Requests, merged.Load)
	}
	var asked [2]int64
	for i, s := range []loadreport.Summary{whole, merged} {
		for _, a := range s.Arrivals {
			asked[i] += a.Asked
		}
	}
	if asked != [2]int64{40, 40} {
		t.Errorf("arrivals asked for: %v", asked)
	}
	// Shards of other prompts.
	prompts := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	refused := func(want string, dirs ...string) {
		t.Helper()
		if _, res := report(t, dirs...); res.Code != cli.CodeUsage || !strings.Contains(res.Err, want) || !strings.Contains(res.Err, "hint: ") {
			t.Errorf("%s", res.Err)
		}
	}
	refused("are not of one run: --prompt-tokens is uniform:8,40 in the one and 9 in the other", parts[0], load("p3", "--shard", "2/2", "--prompt-tokens", "9"))
	refused("are not of one run: --output-tokens is uniform:2,9 in the one and 3 in the other", parts[0], load("p4", "--shard", "2/2", "--output-tokens", "3"))
	data := []string{"loadtest", "http://" + ln.Addr().String() + "/v1", "-n", "6", "--rate", "100", "--telemetry=false", "--quiet"}
	dataset := func(name, file, shard string) string {
		out := filepath.Join(dir, name)
		execute(t, append(slices.Clone(data), "--dataset", file, "--shard", shard, "--out", out)...)
		return out
	}
	a := dataset("d1", prompts("a.jsonl", `{"prompt":"one"}`+"\n"+`{"prompt":"two"}`), "1/2")
	if _, res := report(t, a, dataset("d2", prompts("copy.jsonl", `{"prompt":"one"}`+"\n"+`{"prompt":"two"}`+"\n"), "2/2")); strings.Contains(res.Err, "not of one run") {
		t.Errorf("%s", res.Err)
	}
	refused("are not of one run: --dataset is 2 prompts", a, dataset("d3", prompts("b.jsonl", `{"prompt":"one"}`+"\n"+`{"prompt":"three"}`), "2/2"))
}
