package loadtestcmd

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmops/cmd/internal/cli"
	"llmops/cmd/internal/cli/clitest"
	"llmops/probes/load"
	"llmops/probes/load/length"
	"llmops/probes/load/prompt"
	"llmops/probes/load/trace"
	"llmops/probes/request"
	"llmops/probes/sim"
)

const traces = "../../../fixtures/traces/"

// quick is a simulated server with room for every prompt, and little time for any.
func quick(t *testing.T, change func(*sim.Config)) string {
	t.Helper()
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.PrefillPerToken, cfg.DecodeBase, cfg.DecodePerSequence = time.Millisecond, 0, 10*time.Microsecond, 0
	cfg.KVBlocks, cfg.MaxModelLen = 1<<16, 1<<15
	if change != nil {
		change(&cfg)
	}
	s, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, s.Handler()).URL
}

// kept are the records of a run folder, by number.
func kept(t *testing.T, dir string) (list []request.Record) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, requestsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r request.Record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b request.Record) int { return int(a.ID - b.ID) })
	return list
}

// offsets are the scheduled times since the first, in whole microseconds.
func offsets(list []request.Record) (out []time.Duration) {
	for _, r := range list {
		out = append(out, r.ScheduledAt.Sub(list[0].ScheduledAt).Round(time.Microsecond))
	}
	return out
}

// What the trace has is what the server gets: times, lengths, and the prompts that
// begin alike, which its prefix cache finds.
func TestTraceWithPrefixes(t *testing.T) {
	const rows, scale = 100, 30
	s, r, dir := tested(t, quick(t, nil), "--trace", traces+"mooncake.jsonl", "--limit", "100", "--time-scale", "30")
	tr, err := trace.Load(t.Context(), traces+"mooncake.jsonl", trace.Options{Limit: rows})
	if err != nil {
		t.Fatal(err)
	}
	list := kept(t, dir)
	if r.Code != cli.CodeOK && r.Code != cli.CodeNoVerdict || len(list) != rows || s.Requests.Succeeded != rows {
		t.Fatalf("exit %d, %d records, %+v\n%s", r.Code, len(list), s.Requests, r.Err)
	}
	at := offsets(list)
	prompts, outputs := 0, 0
	for i, rec := range list {
		row := tr.Row(i)
		// The schedule's own rounding and that of the record.
		if d := (at[i] - row.At/scale).Abs(); d > 2*time.Microsecond {
			t.Errorf("row %d is due after %v, the trace has %v", i, at[i], row.At/scale)
		}
		if *rec.PromptTokens != int64(*row.Input) || *rec.CompletionTokens != int64(*row.Output) {
			t.Errorf("row %d has %d and %d tokens, the trace %d and %d", i, *rec.PromptTokens, *rec.CompletionTokens, *row.Input, *row.Output)
		}
		prompts, outputs = prompts+*row.Input, outputs+*row.Output
	}
	// The cache counts tokens and keeps 16 in a block, the trace 512; and two prompts
	// at the same time do not find each other.
	share, reuse := float64(*s.Tokens.Cached)/float64(prompts), *s.Load.Trace.PrefixReuse
	if reuse < 0.2 || math.Abs(share-reuse) > 0.05 {
		t.Errorf("the server's cache had %.3f of the prompts, the trace has %.3f", share, reuse)
	}
	want, _ := tr.Reuse(rows, 0)
	if l := s.Load; *l.Arrivals != "trace" || l.Trace.Format != "mooncake" || l.Trace.Name != "mooncake.jsonl" || l.Trace.Played != rows || l.Trace.TimeScale != scale || reuse != want {
		t.Errorf("%+v", l.Trace)
	}
	if l := s.Lengths; l.Prompt.Asked != l.Prompt.Measured || l.Output.Measured != float64(outputs)/rows {
		t.Errorf("%+v, %+v", l.Prompt, l.Output)
	}
	asked, sent := int64(0), int64(0)
	for _, a := range s.Arrivals {
		asked, sent = asked+a.Asked, sent+a.Sent
	}
	if asked != rows || sent != rows {
		t.Errorf("%d asked for and %d sent over time", asked, sent)
	}
}

func TestTraceWithThinkTimes(t *testing.T) {
	s, r, dir := tested(t, quick(t, nil), "--trace", traces+"burstgpt-sessions.csv", "--limit", "60", "--time-scale", "40", "--trace-think")
	sessions := map[string][]request.Record{}
	for _, rec := range kept(t, dir) {
		sessions[rec.Session] = append(sessions[rec.Session], rec)
	}
	if s.Requests.Succeeded != 60 || len(sessions) != s.Load.Trace.Sessions || !s.Load.Trace.Think {
		t.Fatalf("%+v in %d sessions of %+v\n%s", s.Requests, len(sessions), s.Load.Trace, r.Err)
	}
	later, cached := 0, int64(0)
	for name, turns := range sessions {
		for i := 1; i < len(turns); i++ {
			if turns[i].ScheduledAt.Before(turns[i-1].DoneAt) {
				t.Errorf("session %s: turn %d was due before the end of the one before", name, i)
			}
			later++
			if turns[i].CachedTokens != nil {
				cached += *turns[i].CachedTokens
			}
		}
	}
	if later < 20 || cached == 0 {
		t.Errorf("%d later turns, %d tokens of them cached: a turn holds those before it", later, cached)
	}
}

// A run plays again what it recorded: arrivals, lengths, and who gave up.
// Answers to what is to be cancelled never come, so that how fast this machine is does
// not matter. In the run before they are told by their words, in the replay by their
// lengths: it has the default one where the record has none.
func TestReplayOfARun(t *testing.T) {
	const plan, words, other = "25%:after=20ms", 8, 64
	quitters, err := load.ParseQuitters(plan)
	if err != nil {
		t.Fatal(err)
	}
	quitters.Seed = 1
	prompts := prompt.Synthetic{Seed: 1, Input: length.Constant(words)}
	hangs := map[string]bool{}
	for i := range int64(60) {
		if quitters.Cancel(i) != (load.Cancellation{}) {
			hangs[prompts.Prompt(i).Text] = true
		}
	}
	cfg := sim.DefaultConfig()
	cfg.PrefillBase, cfg.DecodeBase = time.Millisecond, time.Millisecond
	engine, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var asked struct{ Messages []struct{ Content string } }
		if json.Unmarshal(body, &asked) == nil && len(asked.Messages) == 1 {
			if text := asked.Messages[0].Content; hangs[text] || len(strings.Fields(text)) == other {
				<-r.Context().Done()
				return
			}
		}
		engine.Handler().ServeHTTP(w, r)
	})).URL
	_, r, first := tested(t, url, "--rate", "80", "--arrivals", "poisson", "--requests", "60", "--cancel", plan)
	before := kept(t, first)
	s, r2, second := tested(t, url, "--trace", filepath.Join(first, requestsFile), "--prompt-tokens", strconv.Itoa(other))
	after := kept(t, second)
	if len(before) != 60 || len(after) != 60 || s.Requests.Cancelled < 5 || int(s.Requests.Cancelled) != len(hangs) || s.Requests.Failed > 0 {
		t.Fatalf("%d and %d records, %+v\n%s%s", len(before), len(after), s.Requests, r.Err, r2.Err)
	}
	a, b := offsets(before), offsets(after)
	for i := range before {
		if (a[i] - b[i]).Abs() > 2*time.Microsecond {
			t.Errorf("request %d was due after %v and is after %v", i, a[i], b[i])
		}
		if before[i].Error != after[i].Error || before[i].OK && (*before[i].PromptTokens != *after[i].PromptTokens || *before[i].CompletionTokens != *after[i].CompletionTokens) {
			t.Errorf("request %d was %+v and is %+v", i, before[i], after[i])
		}
		// It counts from when the request was handed over, which on a busy machine is before it was sent.
		was, is := before[i].DoneAt.Sub(before[i].SentAt), after[i].DoneAt.Sub(after[i].ScheduledAt)
		if before[i].Error == request.Cancelled && is < was-time.Millisecond {
			t.Errorf("request %d was cancelled after %v and is after %v", i, was, is)
		}
	}
}

func TestTraceAtARate(t *testing.T) {
	s, r, dir := tested(t, quick(t, nil), "--trace", traces+"azure-2024.csv", "--limit", "101", "--rate", "200", "--warmup", "1")
	list := kept(t, dir)
	if len(list) != 100 {
		t.Fatalf("%d records\n%s", len(list), r.Err)
	}
	if span := s.Load.Trace.SpanS; math.Abs(100/span-200) > 0.1 || *s.Load.Rate != 200 || s.Load.Trace.Played != 101 || s.Load.WarmupRequests != 1 {
		t.Errorf("101 rows within %v s, %+v", span, s.Load)
	}
}

func TestContextOfTheModel(t *testing.T) {
	url := quick(t, func(c *sim.Config) { c.MaxModelLen = 2000 })
	s, r, _ := tested(t, url, "--trace", traces+"azure-2024.csv", "--limit", "40", "--time-scale", "100")
	if !strings.Contains(r.Err, "of 40 requests of the trace need more than the 2000 tokens of the model's context") || s.Errors["http_400"] == 0 {
		t.Errorf("%v\n%s", s.Errors, r.Err)
	}
	s, r, _ = tested(t, url, "--trace", traces+"azure-2024.csv", "--limit", "40", "--time-scale", "100", "--max-prompt-tokens", "500")
	if s.Load.Trace.Clipped == 0 || s.Requests.Failed > 0 || !strings.Contains(r.Err, "of 40 prompts are longer than --max-prompt-tokens 500: they are clipped") {
		t.Errorf("%+v, %+v\n%s", s.Load.Trace, s.Errors, r.Err)
	}
}

func TestFailedRowsAreLeftOut(t *testing.T) {
	s, r, _ := tested(t, quick(t, nil), "--trace", traces+"burstgpt.csv", "--duration", "500ms", "--time-scale", "60")
	if s.Load.Trace.LeftOut != 20 || s.Load.Trace.Rows != 580 || !strings.Contains(r.Err, "20 rows of "+traces+"burstgpt.csv are of requests that failed") {
		t.Errorf("%+v\n%s", s.Load.Trace, r.Err)
	}
	if s.Requests.Total != int64(s.Load.Trace.Played) || s.Load.Trace.Played < 5 || s.Load.Trace.Played > 100 {
		t.Errorf("%d requests, %d rows within the run", s.Requests.Total, s.Load.Trace.Played)
	}
}

func TestSharedPrefix(t *testing.T) {
	s, r, _ := tested(t, quick(t, nil), "--requests", "21", "--shared-prefix-tokens", "320")
	// Of 328 words in blocks of 16, all requests but the first find the 320.
	if s.Tokens.Cached == nil || *s.Tokens.Prompt != 21*328 || *s.Tokens.Cached != 20*320 {
		t.Errorf("%+v\n%s", s.Tokens, r.Err)
	}
}

func TestConversationsOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sharegpt.json")
	talk := `[{"id":"a","conversations":[{"from":"human","value":"one two three"},{"from":"gpt","value":"four five"},{"from":"human","value":"six"},{"from":"gpt","value":"seven"}]},
		{"id":"b","conversations":[{"from":"human","value":"eight"}]}]`
	if err := os.WriteFile(file, []byte(talk), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) clitest.Result {
		return clitest.Run(t, &cli.App{}, []cli.Verb{New}, append([]string{"loadtest"}, args...)...)
	}
	dir := filepath.Join(t.TempDir(), "run")
	r := run(quick(t, nil), "--dataset", file, "--turns", "5", "--requests", "6", "--output-tokens", "2", "--out", dir)
	var got []string
	for _, rec := range kept(t, dir) {
		got = append(got, rec.Session+":"+string(rune('0'+*rec.PromptTokens)))
	}
	// Two turns of the first, with what was said before, and one of the second.
	if want := []string{"0:3", "0:6", "1:1", "2:3", "2:6", "3:1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v\n%s", got, want, r.Err)
	}
	for _, tc := range []struct{ args, says, hint string }{
		{"--trace " + file, "conversations without times of arrival", "--dataset FILE --turns"},
		{"--trace nowhere.csv", "no such file", "docs/traces.md"},
		{"--limit 3", "--limit needs --trace", ""},
		{"--trace x --arrivals poisson", "the trace says when requests arrive", "--time-scale"},
		{"--trace x --concurrency 3", "exclude each other", ""},
		{"--trace x --turns 3", "exclude each other", ""},
		{"--trace x --api embeddings --embedding-batch 2", "exclude each other", ""},
		{"--trace x --time-scale 0", "must be above 0", ""},
		{"--trace " + traces + "azure-2024.csv --rate 0", "--rate: 0 requests a second", ""},
		{"--trace " + traces + "azure-2024.csv --rate=-2", "--rate: -2 requests a second", ""},
		{"--trace x --trace-columns when=a", `"when=a" does not name a column`, "time, input, output, session, took"},
		{"--trace " + traces + "azure-2024.csv --trace-think", "no sessions", ""},
		{"--trace " + traces + "azure-2024.csv --trace-format mooncake", "azure-2024.csv:1:1: want a JSON object", "docs/traces.md"},
		{"--trace " + traces + "azure-2024.csv --limit 4 --warmup 4", "nothing is left to measure", "4 requests over"},
	} {
		r := run(append([]string{"http://127.0.0.1:1/v1"}, strings.Fields(tc.args)...)...)
		if r.Code != cli.CodeUsage || !strings.Contains(r.Err, tc.says) || !strings.Contains(r.Err, tc.hint) {
			t.Errorf("%s: exit %d, want %q and %q in:\n%s", tc.args, r.Code, tc.says, tc.hint, r.Err)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain.jsonl")
	if err := os.WriteFile(plain, []byte(`{"prompt":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run("http://127.0.0.1:1/v1", "--dataset", plain, "--turns", "2"); r.Code != cli.CodeUsage || !strings.Contains(r.Err, "no entry of") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}

// A table whose lengths stand under names that are not known here is no reason to send
// other lengths without a word.
func TestTraceWithoutLengthsSaysSo(t *testing.T) {
	url := quick(t, nil) + "/v1"
	for _, c := range []struct {
		text string
		args []string
		want []string
	}{
		{"TIMESTAMP,ContextTokens\n2023-11-16 18:17:03.97,10\n", nil, []string{"length of any prompt", "length of any answer"}},
		{"time,input,answer\n1,10,5\n", nil, []string{"length of any answer"}},
		{"time,input,answer\n1,10,5\n", []string{"--trace-columns", "output=answer"}, nil},
		{"time,input\n1,10\n", []string{"--output-tokens", "3"}, nil},
	} {
		name := filepath.Join(t.TempDir(), "trace.csv")
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := clitest.Run(t, &cli.App{}, []cli.Verb{New}, append([]string{"loadtest", url, "--trace", name}, c.args...)...)
		if got := strings.Count(r.Err, "does not say the length"); r.Code != cli.CodeOK || got != len(c.want) {
			t.Errorf("%q %v: exit %d, %d warnings\n%s", c.text, c.args, r.Code, got, r.Err)
		}
		for _, want := range c.want {
			if !strings.Contains(r.Err, want) {
				t.Errorf("%q %v: %q is not said\n%s", c.text, c.args, want, r.Err)
			}
		}
	}
}
