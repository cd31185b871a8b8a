package load

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmops/probes/load/api"
	"llmops/probes/load/arrival"
	"llmops/probes/load/check"
	"llmops/probes/load/prompt"
	"llmops/probes/request"
)

// checks parses the checks of one prompt.
func checks(t testing.TB, text string) check.Set {
	t.Helper()
	var p check.Parser
	set, err := p.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// runGraded runs cfg with the same checks for each prompt and returns what came
// of them, by the number of the request.
func runGraded(t *testing.T, cfg Config, text string) ([]request.Record, []Graded) {
	t.Helper()
	set := checks(t, text)
	cfg.Checks = func(int64) check.Set { return set }
	var all []Graded
	cfg.Graded = func(g Graded) { all = append(all, g) }
	records, _ := runAll(t, cfg)
	slices.SortFunc(records, func(a, b request.Record) int { return int(a.ID - b.ID) })
	slices.SortFunc(all, func(a, b Graded) int { return int(a.ID - b.ID) })
	return records, all
}

// Replies of each interface that say "Oslo 42", whole and in pieces; the
// reasoning beside it is no part of the answer.
func TestEveryInterfaceIsChecked(t *testing.T) {
	event := func(parts ...string) string {
		return "data: " + strings.Join(parts, "\n\ndata: ") + "\n\n"
	}
	replies := map[string]struct{ whole, stream string }{
		"chat": {`{"choices":[{"message":{"content":"Oslo 42","reasoning_content":"hm"},"finish_reason":"stop"}]}`,
			event(`{"choices":[{"delta":{"reasoning_content":"hm"}}]}`, `{"choices":[{"delta":{"content":"Oslo"}}]}`, `{"choices":[{"delta":{"content":" 42"},"finish_reason":"stop"}]}`, `[DONE]`)},
		"completions": {`{"choices":[{"text":"Oslo 42","finish_reason":"stop"}]}`,
			event(`{"choices":[{"text":"Oslo"}]}`, `{"choices":[{"text":" 42","finish_reason":"stop"}]}`, `[DONE]`)},
		"responses": {`{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Oslo 42"}]}]}`,
			event(`{"type":"response.output_text.delta","delta":"Oslo"}`, `{"type":"response.output_text.delta","delta":" 42"}`,
				`{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Oslo 42"}]}]}}`)},
		"anthropic": {`{"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Oslo 42"}],"stop_reason":"end_turn"}`,
			event(`{"type":"content_block_delta","delta":{"type":"text_delta","text":"Oslo"}}`, `{"type":"content_block_delta","delta":{"type":"text_delta","text":" 42"}}`, `{"type":"message_stop"}`)},
		"ollama": {`{"message":{"content":"Oslo 42","thinking":"hm"},"done":true,"done_reason":"stop"}`,
			"{\"message\":{\"content\":\"Oslo\"},\"done\":false}\n{\"message\":{\"content\":\" 42\"},\"done\":true,\"done_reason\":\"stop\"}\n"},
		"tgi": {`{"generated_text":"Oslo 42","details":{"finish_reason":"stop","generated_tokens":2}}`,
			event(`{"token":{"text":"Oslo"}}`, `{"token":{"text":" 42"},"generated_text":"Oslo 42"}`)},
		"embeddings": {`{"object":"list","data":[{"embedding":[0.1]}]}`, ""},
	}
	for _, name := range api.Names() {
		reply, ok := replies[name]
		if !ok {
			t.Errorf("no reply for %s", name)
		}
		for _, stream := range []bool{false, true} {
			text := reply.whole
			if stream {
				text = reply.stream
			}
			a, _ := api.Lookup(name)
			target := func(base string) Target {
				url, err := a.Path(base, stream)
				if err != nil {
					t.Fatal(err)
				}
				return Target{URL: url, API: a, Header: a.Header("", stream), Body: api.Options{Model: "m", Stream: stream}}
			}
			t.Run(fmt.Sprintf("%s/stream=%v", name, stream), func(t *testing.T) {
				url := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
				if !a.Streams() {
					cfg := Config{Targets: []Target{target(url)}, Prompts: prompt.Synthetic{}, Concurrency: 1, Requests: 1, Checks: func(int64) check.Set { return nil }}
					if _, err := Run(t.Context(), cfg, nil); err == nil || !strings.Contains(err.Error(), "no text that could be checked") {
						t.Errorf("error %v", err)
					}
					return
				}
				records, graded := runGraded(t, Config{Targets: []Target{target(url)}, Concurrency: 1, Requests: 2},
					`[{"exact":"Oslo 42"},{"contains":["hm","OsloOslo"],"not":true},{"regex":"^\\w+ \\d\\d$"},{"exact":"Bergen"}]`)
				for i, g := range graded {
					if q := records[i].Quality; q == nil || *q != 0.75 || g.Answer != "Oslo 42" || g.NotChecked != "" || len(g.Results) != 4 || g.Results[3].Passed {
						t.Errorf("request %d (%q %s): quality %v, %+v", i, records[i].Error, records[i].Detail, q, g)
					}
				}
				if len(graded) != 2 {
					t.Errorf("%d of 2 requests are graded", len(graded))
				}
			})
		}
	}
}

// answers replies with the text, as one event.
func answers(text func(n int) string) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		s := text(n)
		n++
		mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		for len(s) > 0 { // an event has its limits
			part := s[:min(len(s), 64<<10)]
			s = s[len(part):]
			quoted, _ := json.Marshal(part) // every string has a JSON form
			fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%s}}]}\n\n", quoted)
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":1}}\n\ndata: [DONE]\n\n")
	}
}

// An answer that just fits is checked, one that is a byte longer is not, and
// the next one is again. Failed requests have no quality, and neither has the
// warm-up.
func TestLongAnswersAreNotChecked(t *testing.T) {
	sizes := []int{7, check.MaxAnswer, check.MaxAnswer + 1, 3, 0}
	url := server(t, func() http.HandlerFunc {
		ok := answers(func(n int) string { return strings.Repeat("x", sizes[max(n-1, 0)]) })
		n := 0
		return func(w http.ResponseWriter, r *http.Request) {
			if n++; n > len(sizes)+1 {
				http.Error(w, "no", http.StatusServiceUnavailable)
				return
			}
			ok(w, r)
		}
	}())
	records, graded := runGraded(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 1, Requests: 6, WarmupRequests: 1}, `{"regex":"^x*$"}`)
	for i, want := range []Unchecked{"", "", TooLong, "", ""} {
		if g := graded[i]; g.ID != int64(i) || g.NotChecked != want || (records[i].Quality == nil) != (want != "") || want == "" && *records[i].Quality != 1 {
			t.Errorf("answer of %d bytes: quality %v, %+v", sizes[i], records[i].Quality, g)
		}
	}
	if len(graded) != 5 || records[5].OK || records[5].Quality != nil {
		t.Errorf("%d graded; %+v", len(graded), records[5])
	}
}

func TestWhatAFailedCheckShows(t *testing.T) {
	const secret = "sk-0123456789abcdef"
	answer := "key\x1b[31m " + secret + "\r\nis\u202e " + strings.Repeat("y", 70<<10) + secret
	url := server(t, answers(func(int) string { return answer }))
	target := chatTarget(t, url)
	target.Secrets = []string{secret}
	_, graded := runGraded(t, Config{Targets: []Target{target}, Concurrency: 1, Requests: 1},
		`[{"json_schema":true},{"exact":"a"},{"contains":"key"}]`)
	g := graded[0]
	if !strings.HasPrefix(g.Answer, "key [31m [redacted] is y") || len(g.Answer) > maxDetail+len("…") || strings.Contains(g.Answer, secret[:4]) {
		t.Errorf("answer %q", g.Answer)
	}
	if g.Results[0].Why == "" || g.Results[1].Why != "" || !g.Results[2].Passed {
		t.Errorf("%+v", g.Results)
	}
	url = server(t, answers(func(int) string { return `{"` + secret + `":"` + "\x1b]0;x\a" + `"}` }))
	target.URL = chatTarget(t, url).URL
	_, graded = runGraded(t, Config{Targets: []Target{target}, Concurrency: 1, Requests: 1}, `{"json_schema":{"additionalProperties":false}}`)
	if why := graded[0].Results[0].Why; strings.ContainsAny(why, "\x1b\a") || strings.Contains(why, secret) || why == "" {
		t.Errorf("why %q", why)
	}
}

// Checks that are slower than the requests must not make the client late.
func TestSlowChecksDoNotHoldTheRun(t *testing.T) {
	const slow = `{"regex":"(x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?x?){40}y"}`
	text := strings.Repeat("x", 2<<10)
	set, start := checks(t, slow), time.Now()
	_, _, _ = set.Score(t.Context(), []byte(text))
	one := time.Since(start)
	if one > 300*time.Millisecond {
		t.Skipf("a check takes %v here", one) // the race detector
	}
	url := server(t, answers(func(int) string { return text }))
	const n = 40
	cfg := Config{Targets: []Target{chatTarget(t, url)}, Requests: n, MaxConcurrency: 1, Arrivals: &arrival.Process{Kind: arrival.Constant, Rate: 400}}
	records, graded := runGraded(t, cfg, slow)
	var sent time.Time
	for _, r := range records {
		if !r.OK || r.Quality == nil || *r.Quality != 0 {
			t.Fatalf("request %d: %q, quality %v", r.ID, r.Detail, r.Quality)
		}
		if r.SentAt.After(sent) {
			sent = r.SentAt
		}
	}
	// Due within 100 ms. One after the other with their checks they would take n
	// times as long as a check.
	span := sent.Sub(records[0].SentAt)
	t.Logf("%d requests went out within %v, a check takes %v", n, span, one)
	if span > 100*time.Millisecond+n*one/2 || len(graded) != n {
		t.Errorf("%d requests went out within %v, with checks of %v; %d graded", n, span, one, len(graded))
	}
}

// An answer that would take a schema too long has no score, and holds nothing up.
func TestComplexAnswersAreNotChecked(t *testing.T) {
	const branching = `[{"json_schema":{"$defs":{"n":{"anyOf":[{"type":"object","properties":{"k":{"$ref":"#/$defs/n"}}},
		{"type":"object","properties":{"k":{"$ref":"#/$defs/n"}}},{"type":"string"}]}},"$ref":"#/$defs/n"}},{"contains":"k"}]`
	depths := []int{2, 40, 3}
	url := server(t, answers(func(n int) string {
		return strings.Repeat(`{"k":`, depths[n]) + `1` + strings.Repeat("}", depths[n])
	}))
	records, graded := runGraded(t, Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 1, Requests: 3}, branching)
	for i, want := range []Unchecked{"", TooComplex, ""} {
		if g := graded[i]; g.NotChecked != want || (len(g.Results) == 0) != (want != "") || (records[i].Quality == nil) != (want != "") || want == "" && *records[i].Quality != 0.5 {
			t.Errorf("answer of %d levels: quality %v, %+v", depths[i], records[i].Quality, g)
		}
	}
}

// The end of the run does not wait for a check that takes seconds.
func TestAnInterruptedRunDoesNotWaitForItsChecks(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const n = 6
	done := make(chan *call, n)
	g := newGrader(ctx, &client{redact: strings.NewReplacer()}, done)
	set := checks(t, `{"regex":"(x?){900}y"}`) // seconds for an answer of 1 MiB
	for range n {
		g.take(&call{checks: set, text: []byte(strings.Repeat("x", check.MaxAnswer))})
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	g.finish()
	if d := time.Since(start); d > 3*time.Second || len(done) != n {
		t.Errorf("%d of %d answers after %v", len(done), n, d)
	}
	for range n {
		if c := <-done; c.graded.NotChecked != Interrupted || c.rec.Quality != nil {
			t.Errorf("%+v", c.graded)
		}
	}
}

// With more waiting than may wait, answers go unchecked and none is lost.
func TestAnswersThatCannotWait(t *testing.T) {
	done := make(chan *call, 2*waitingAnswers)
	g := &grader{client: &client{redact: strings.NewReplacer()}, queue: make(chan *call, waitingAnswers), done: done}
	set := checks(t, `{"exact":"x"}`)
	text := []byte(strings.Repeat("x", check.MaxAnswer))
	for range 70 { // nobody takes them: 64 of 1 MiB may wait
		g.take(&call{checks: set, text: text})
	}
	if len(g.queue) != 64 || len(done) != 6 || g.waiting.Load() != waitingBytes {
		t.Fatalf("%d wait with %d bytes, %d went on", len(g.queue), g.waiting.Load(), len(done))
	}
	for range waitingAnswers {
		g.take(&call{checks: set})
	}
	if len(g.queue) != waitingAnswers || len(done) != 6+64 {
		t.Fatalf("%d wait, %d went on", len(g.queue), len(done))
	}
	for range len(done) {
		if c := <-done; c.graded.NotChecked != Behind || c.rec.Quality != nil {
			t.Fatalf("%+v", c.graded)
		}
	}
}

// Memory does not grow with the number of checked answers.
func TestCheckedAnswersAreNotKept(t *testing.T) {
	text := strings.Repeat("word ", 20<<10)
	url := server(t, answers(func(int) string { return text }))
	set := checks(t, `{"contains":"other"}`)
	var before, after runtime.MemStats
	cfg := Config{Targets: []Target{chatTarget(t, url)}, Concurrency: 2, Requests: 200, Checks: func(int64) check.Set { return set },
		Prompts: sourceFunc(func(int64) api.Prompt { return api.Prompt{Text: "x"} })}
	n := 0
	_, err := Run(t.Context(), cfg, func(r *request.Record) error {
		if n++; n == 20 || n == 200 {
			runtime.GC()
			runtime.ReadMemStats(map[int]*runtime.MemStats{20: &before, 200: &after}[n])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// 180 answers of 100 KiB would be 18 MB.
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes over 180 answers of %d", grown, len(text))
	}
}
