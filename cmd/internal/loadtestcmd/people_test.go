package loadtestcmd

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/api"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/sim"
)

func summaryOf(t *testing.T, env map[string]string, args ...string) (s loadreport.Summary) {
	t.Helper()
	r := loadtest(t, env, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(r.Out), &s); err != nil {
		t.Fatalf("%v in %s%s", err, r.Out, r.Err)
	}
	return s
}

func simulator(t *testing.T) (*sim.Server, string) {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.PrefillPerToken, cfg.DecodeBase = time.Millisecond, 0, 4*time.Millisecond
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return s, h.URL + "/v1"
}

func TestFlagsThatSayNothing(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"--emit-image i", "--emit-image needs --emit"},
		{"--emit-name n --shard 1/1", "--emit-name needs --emit"},
		{"--cancel 5%:after=2tok --no-stream", "counts token events"},
		{"--cancel 5%:after=2tok --api embeddings", "counts token events"},
	} {
		want(t, loadtest(t, nil, append(strings.Fields(c.args), "http://127.0.0.1:1/v1")...), cli.CodeUsage, c.says)
	}
}

func TestShardFlag(t *testing.T) {
	env := func(v string) func(string) (string, bool) {
		return func(name string) (string, bool) { return v, name == indexVariable && v != "" }
	}
	for text, want := range map[string]load.Shard{
		"":          {},
		"1/1":       {Index: 0, Count: 1},
		"1/4":       {Index: 0, Count: 4},
		"4/4":       {Index: 3, Count: 4},
		"index/4":   {Index: 2, Count: 4},
		"index/2":   {Index: -1},
		"0/4":       {Index: -1},
		"5/4":       {Index: -1},
		"1":         {Index: -1},
		"/":         {Index: -1},
		"1/0":       {Index: -1},
		"1/-1":      {Index: -1},
		"a/4":       {Index: -1},
		"1/9999999": {Index: -1},
	} {
		s, err := readShard(text, env("2"))
		if (err != nil) != (want.Index < 0) || err == nil && s != want {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
		if err != nil && cli.CodeOf(err) != cli.CodeUsage {
			t.Errorf("%q: exit code %d", text, cli.CodeOf(err))
		}
	}
	for _, v := range []string{"", "x", "-1", "4"} {
		if _, err := readShard("index/4", env(v)); err == nil || !strings.Contains(err.Error(), indexVariable) {
			t.Errorf("index %q: %v", v, err)
		}
	}
}

// Two shards have between them the requests of the run, each of its own.
func TestShardsOfACommand(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(srv.Close)
	args := []string{srv.URL + "/v1", "-n", "21", "--concurrency", "3", "--shard"}
	a := summaryOf(t, nil, append(args, "1/2")...)
	b := summaryOf(t, map[string]string{indexVariable: "1"}, append(args, "index/2")...)
	if a.Requests.Succeeded != 11 || b.Requests.Succeeded != 10 || a.Load.Shard != "1/2" || b.Load.Shard != "2/2" || *a.Load.Requests != 21 || *b.Load.Concurrency != 3 {
		t.Errorf("%+v %+v\n%+v %+v", a.Requests, a.Load, b.Requests, b.Load)
	}
	want(t, loadtest(t, nil, srv.URL+"/v1", "--concurrency", "3", "--shard", "1/4"), cli.CodeUsage, "--concurrency 3 is less than the 4 shards")
	want(t, loadtest(t, nil, srv.URL+"/v1", "--rate", "9", "--max-concurrency", "2", "--shard", "1/4"), cli.CodeUsage, "--max-concurrency 2 is less")
}

// A server that does not list its models, as while it restarts, is asked for that of the
// others.
func TestModelOfSeveralURLs(t *testing.T) {
	_, url := simulator(t)
	var asked atomic.Value
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		asked.Store(string(body))
		answer(w, r)
	}))
	t.Cleanup(silent.Close)
	s := summaryOf(t, nil, silent.URL+"/v1", url, "--telemetry=false")
	if text, _ := asked.Load().(string); !strings.Contains(text, `"model":"sim"`) || s.Target.Model != "sim" {
		t.Errorf("model %q, in %.80s", s.Target.Model, text)
	}
	if s := summaryOf(t, nil, silent.URL+"/v1", "--telemetry=false"); s.Target.Model != fallbackModel {
		t.Errorf("model %q", s.Target.Model)
	}
}

func TestSeveralURLs(t *testing.T) {
	good := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(good.Close)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such key: "+r.URL.RawQuery, http.StatusForbidden)
	}))
	t.Cleanup(bad.Close)
	dir := t.TempDir()
	urls := []string{good.URL + "/v1", bad.URL + "/v1?key=secret-of-mine"}
	s := summaryOf(t, nil, append(urls, "--preflight=false", "-n", "20", "--out", dir)...)
	if len(s.ByURL) != 2 || s.ByURL[0].Requests.Failed != 10 || s.ByURL[0].Errors["http_403"] != 10 || s.ByURL[1].Requests.Succeeded != 10 ||
		s.ByURL[1].Metrics.Latency.Count != 10 || s.ByURL[1].URL != urls[0] {
		t.Errorf("%+v", s.ByURL)
	}
	for _, name := range []string{"summary.json", "requests.jsonl", "report.html"} {
		text := read(t, filepath.Join(dir, name))
		if strings.Contains(text, "secret-of-mine") || !strings.Contains(text, "key=redacted") && name != "report.html" {
			t.Errorf("%s shows a secret, or not whom it is about", name)
		}
	}
	r := loadtest(t, nil, append(urls, "--preflight=false", "-n", "20")...)
	want(t, r, cli.CodeOK, "by URL, worst first", "http_403 10")
	if i, j := strings.Index(r.Out, bad.URL+"/v1?key=redacted  "), strings.Index(r.Out, good.URL+"/v1  "); i < 0 || i > j {
		t.Errorf("the worst is not the first: %s", r.Out)
	}
	for _, format := range []string{"markdown", "csv"} {
		if out := loadtest(t, nil, append(urls, "--preflight=false", "-o", format)...).Out; strings.Contains(out, "secret-of-mine") ||
			format == "markdown" && !strings.Contains(out, "| http_403 2 |") {
			t.Errorf("%s: %s", format, out)
		}
	}
	want(t, loadtest(t, nil, urls[0], urls[0]), cli.CodeUsage, "is given twice")
	want(t, loadtest(t, nil, urls[0], "--embedded"), cli.CodeUsage, "leave out the URL")
}

// The server sees each cancellation, and the report counts as many.
func TestCancelFlag(t *testing.T) {
	srv, url := simulator(t)
	// Long answers: a client that is held up cancels late, and not when all has been sent.
	s := summaryOf(t, nil, url, "-n", "36", "--concurrency", "12", "--output-tokens", "300", "--cancel", "25%:after=5tok", "--slo", "error_rate < 50%")
	r := s.Requests
	if r.ByPlan < 3 || r.ByPlan > 20 || r.Cancelled != r.ByPlan || r.Succeeded != 36-r.ByPlan || s.Load.Cancel != "25%:after=5tok" || *s.Tokens.Completion != 300*r.Succeeded {
		t.Errorf("%+v, %+v", r, s.Tokens)
	}
	for wait := time.Now(); srv.State().Ended["abort"] != r.ByPlan; time.Sleep(time.Millisecond) {
		if time.Since(wait) > 30*time.Second {
			t.Fatalf("the server saw %v, the client cancelled %d", srv.State().Ended, r.ByPlan)
		}
	}
	want(t, loadtest(t, nil, url, "--output-tokens", "3000", "--cancel", "100%:after=2ms"), cli.CodeNoVerdict, "4 of 4 were cancelled by plan")
	want(t, loadtest(t, nil, url, "--cancel", "5"), cli.CodeUsage, "--cancel")
}

func TestTurnsFlag(t *testing.T) {
	srv, url := simulator(t)
	dir := t.TempDir()
	s := summaryOf(t, nil, url, "-n", "18", "--rate", "50", "--prompt-tokens", "40", "--output-tokens", "4", "--turns", "3", "--think-time", "10ms", "--out", dir)
	if s.Requests.Succeeded != 18 || s.Load.Sessions == nil || s.Load.Sessions.Turns != "3" || s.Load.Sessions.ThinkTime != "10ms" {
		t.Errorf("%+v %+v", s.Requests, s.Load.Sessions)
	}
	// Turns of 40, 84 and 128 words: each with the questions and answers before it,
	// which the server finds in its prefix cache but for the last, partial block.
	if st := srv.State(); st.PromptTokens != 6*(40+84+128) || st.PrefixHits < 6*(32+80) {
		t.Errorf("the server counts %d tokens, %d of them from its cache", st.PromptTokens, st.PrefixHits)
	}
	sessions := map[string]int{}
	for line := range strings.Lines(read(t, filepath.Join(dir, "requests.jsonl"))) {
		var rec struct{ Session string }
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		sessions[rec.Session]++
	}
	if len(sessions) != 6 || sessions["5"] != 3 {
		t.Errorf("%v", sessions)
	}
	want(t, loadtest(t, nil, url, "--think-time", "1s"), cli.CodeUsage, "--think-time needs --turns")
	want(t, loadtest(t, nil, url, "--turns", "2", "--think-time", "1"), cli.CodeUsage, "distribution of times")
}

func TestEmbeddingsCommand(t *testing.T) {
	_, url := simulator(t)
	s := summaryOf(t, nil, url, "-n", "20", "--api", "embeddings", "--embedding-batch", "5", "--prompt-tokens", "7", "--slo", "p95_latency_ms < 5000")
	if *s.Tokens.Prompt != 20*5*7 || s.Tokens.Completion != nil || s.Metrics.TTFT.Count+s.Metrics.TPOT.Count+s.Metrics.ITL.Count != 0 ||
		s.Throughput.InputsPerSecond == nil || s.Throughput.TokensPerSecond != nil || s.SLO[0].Verdict == loadreport.Fail {
		t.Errorf("%+v %+v %+v", s.Tokens, s.Throughput, s.SLO)
	}
	s = summaryOf(t, nil, url, "-n", "20", "--api", "embeddings", "--embedding-batch", "5", "--prompt-tokens", "7", "--shared-prefix-tokens", "30")
	if *s.Tokens.Prompt != 20*5*37 || s.Lengths == nil || s.Lengths.Prompt.Asked != 5*37 {
		t.Errorf("not each input has what all begin with: %+v %+v", s.Tokens, s.Lengths)
	}
	r := loadtest(t, nil, url, "--api", "embeddings", "--embedding-batch", "5", "--telemetry=false")
	want(t, r, cli.CodeOK, "inputs/s", "prompt tokens/s")
	if strings.Contains(r.Out, "ttft") || strings.Contains(r.Out, "output tokens") {
		t.Errorf("the report has what was not measured: %s", r.Out)
	}
	want(t, loadtest(t, nil, url, "--embedding-batch", "5"), cli.CodeUsage, "needs --api embeddings")
	want(t, loadtest(t, nil, url, "--api", "embeddings", "--embedding-batch", "0"), cli.CodeUsage, "outside 1 to")
}

// Each prompt is in one batch, in the warm-up too.
func TestBatch(t *testing.T) {
	source := prompt.Synthetic{Input: length.Constant(6)}
	b := batch{source, 3}
	var got, want []string
	for _, i := range []int64{-2, -1, 0, 1} {
		p := b.Prompt(i)
		for _, one := range append([]api.Prompt{p}, p.More...) {
			got = append(got, one.Text)
		}
	}
	for _, i := range []int64{-4, -5, -6, -1, -2, -3, 0, 1, 2, 3, 4, 5} {
		want = append(want, source.Prompt(i).Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if words, limit := b.Size(1); words != 18 || limit != 0 {
		t.Errorf("%d words, limit %d", words, limit)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
