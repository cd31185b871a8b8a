package api

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/request"
)

const ms = time.Millisecond

// play feeds pieces 10 ms apart, the first at 10 ms, and closes the body with
// the last of them.
func play(t testing.TB, name string, bodyErr error, pieces ...string) Outcome {
	t.Helper()
	a, ok := Lookup(name)
	if !ok {
		t.Fatalf("no interface %q", name)
	}
	var r Recorder
	r.KeepText(1000)
	r.Reset(a, true, "text/event-stream")
	at := time.Duration(0)
	for _, p := range pieces {
		at += 10 * ms
		if r.Feed(at, []byte(p)) {
			break
		}
	}
	r.Close(at, bodyErr)
	if !r.Over() {
		t.Fatal("not over after Close")
	}
	return r.Outcome()
}

func sse(data ...string) string { return "data: " + strings.Join(data, "\n\ndata: ") + "\n\n" }

func delta(text string) string {
	return `{"model":"m","choices":[{"index":0,"delta":{"content":"` + text + `"},"finish_reason":null}]}`
}

const (
	stop    = `{"choices":[{"delta":{},"finish_reason":"stop"}]}`
	usage0  = `{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":0}}`
	usage9  = `{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9}}`
	role    = `{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
	mark    = `[DONE]`
	someErr = `{"error":{"message":"out of memory","code":500}}`
)

func TestClasses(t *testing.T) {
	reset := errors.New("connection reset by peer")
	for _, tt := range []struct {
		name, api string
		err       error
		body      string
		want      request.Class
	}{
		{"done", "chat", nil, sse(delta("a"), stop, mark), request.OK},
		{"done, no finish", "chat", nil, sse(delta("a"), mark), request.OK},
		{"finish, no done", "chat", io.EOF, sse(delta("a"), stop), request.OK},
		{"finish, unclean", "chat", reset, sse(delta("a"), stop), request.OK},
		{"finish, usage cut", "chat", reset, sse(delta("a"), stop) + `data: {"choi`, request.OK},
		{"finish, done cut", "chat", nil, sse(delta("a"), stop) + `data: [DO`, request.OK},
		{"role, done", "chat", nil, sse(role, mark), request.Empty},
		{"only done", "chat", nil, sse(mark), request.Empty},
		{"role, finish", "chat", nil, sse(role, stop, mark), request.OK},
		{"usage 0, done", "chat", nil, sse(role, usage0, mark), request.OK},
		{"usage 9 without text", "chat", nil, sse(role, usage9, mark), request.Empty},
		{"nothing", "chat", nil, "", request.Empty},
		{"blank", "chat", nil, "\n\r\n  ", request.Empty},
		{"comments", "chat", nil, ": hello\n\n:\n", request.Empty},
		{"id only", "chat", nil, "id: 1\n\n", request.Empty},
		{"reset before all", "chat", reset, "", request.Empty},
		{"tokens, end", "chat", nil, sse(delta("a")), request.Truncated},
		{"role, reset", "chat", reset, sse(role), request.Truncated},
		{"cut in data", "chat", nil, `data: {"choices":[{"delta":{"content":"a`, request.Truncated},
		{"cut in done", "chat", nil, sse(delta("a")) + "data: [DON", request.Truncated},
		{"cut in field", "chat", nil, "dat", request.Truncated},
		{"cut before data", "chat", nil, "data: ", request.Truncated},
		{"last without blank line", "chat", nil, "data: " + delta("a") + "\n\ndata: " + mark, request.OK},
		{"html", "chat", nil, "<html>\n<body></body></html>", request.ParseError},
		{"text", "chat", nil, "upstream error", request.ParseError},
		{"array", "chat", nil, `[{"error":"x"}]`, request.ParseError},
		{"bad json", "chat", nil, sse(delta("a"), `{"choices":[}`, mark), request.ParseError},
		{"array event", "chat", nil, sse(`[1]`), request.ParseError},
		{"number event", "chat", nil, sse(`5`), request.ParseError},
		{"null event", "chat", nil, sse(`null`), request.ParseError},
		{"empty event", "chat", nil, "data:\n\n", request.ParseError},
		{"two objects in one event", "chat", nil, sse(delta("a") + delta("b")), request.ParseError},
		{"half an event with its blank line", "chat", nil, sse(`{"choices":[`), request.ParseError},
		{"error", "chat", nil, sse(delta("a"), someErr, mark), request.StreamError},
		{"error is text", "chat", nil, sse(`{"error":"boom"}`), request.StreamError},
		{"error null", "chat", nil, sse(`{"error":null,"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`), request.OK},
		{"object error", "chat", nil, sse(`{"object":"error","message":"boom","code":400}`), request.StreamError},
		{"event error", "chat", nil, "event: error\n" + sse(`{"message":"boom"}`), request.StreamError},
		{"event error, text", "chat", nil, "event: error\n" + sse(`boom`), request.StreamError},
		{"event error, done", "chat", nil, "event: error\n" + sse(mark), request.StreamError},
		{"finish error", "chat", nil, sse(delta("a"), strings.Replace(stop, "stop", "error", 1), mark), request.StreamError},
		{"finish abort", "chat", nil, sse(delta("a"), strings.Replace(stop, "stop", "abort", 1), mark), request.StreamError},
		{"failure of the second choice", "chat", nil, sse(`{"choices":[{"finish_reason":"error"},{"finish_reason":"stop"}]}`), request.StreamError},
		{"error after done", "chat", nil, sse(delta("a"), mark, someErr), request.OK},

		{"document", "chat", nil, ` {"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}`, request.OK},
		{"document with mark", "chat", nil, "\xef\xbb\xbf\n{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}\n", request.OK},
		{"document cut", "chat", nil, `{"choices":[{"message":{"content":"hi"`, request.Truncated},
		{"document and more", "chat", nil, `{"choices":[{"message":{"content":"hi"}}]} x`, request.ParseError},
		{"error document", "chat", nil, someErr, request.StreamError},
		{"other document", "chat", nil, `{"detail":"Not Found"}`, request.ParseError},
		{"no choices", "chat", nil, `{"choices":[]}`, request.ParseError},
		{"empty message that finished", "chat", nil, `{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}`, request.OK},
		{"message event", "chat", nil, sse(`{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}`), request.OK},

		{"completed alone", "responses", nil, sse(`{"type":"response.completed","response":{"status":"completed"}}`), request.Empty},
		{"completed with usage 0", "responses", nil, sse(`{"type":"response.completed","response":{"usage":{"output_tokens":0}}}`), request.OK},
		{"completed with text", "responses", nil, sse(`{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}}`), request.OK},
		{"incomplete", "responses", nil, sse(`{"type":"response.output_text.delta","delta":"a"}`, `{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}`), request.OK},
		{"failed", "responses", nil, sse(`{"type":"response.failed","response":{"error":{"message":"x"}}}`), request.StreamError},
		{"error event", "responses", nil, sse(`{"type":"error","code":"x","message":"y"}`), request.StreamError},
		{"no end", "responses", nil, sse(`{"type":"response.output_text.delta","delta":"a"}`), request.Truncated},
		{"document", "responses", nil, `{"object":"response","status":"completed","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}`, request.OK},
		{"failed document", "responses", nil, `{"object":"response","status":"failed","error":{"message":"x"},"output":[]}`, request.StreamError},

		{"type error", "anthropic", nil, sse(`{"type":"error","error":{"type":"overloaded_error","message":"x"}}`), request.StreamError},
		{"stop alone", "anthropic", nil, sse(`{"type":"message_stop"}`), request.Empty},
		{"stop reason without stop", "anthropic", nil, sse(`{"type":"content_block_delta","delta":{"text":"a"}}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`), request.Truncated},
		{"document", "anthropic", nil, `{"type":"message","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}`, request.OK},

		{"line", "ollama", nil, `{"message":{"content":"a"},"done":false}` + "\n" + `{"done":true,"done_reason":"stop"}`, request.OK},
		{"no done", "ollama", nil, `{"message":{"content":"a"},"done":false}` + "\n", request.Truncated},
		{"cut", "ollama", nil, `{"message":{"cont`, request.Truncated},
		{"nothing", "ollama", nil, "\n", request.Empty},
		{"error", "ollama", nil, `{"error":"model not found"}` + "\n", request.StreamError},
		{"html", "ollama", nil, `<html></html>`, request.ParseError},
		{"done is no line", "ollama", nil, "[DONE]\n", request.ParseError},

		{"end with text", "tgi", nil, sse(`{"token":{"text":"a"},"generated_text":"a"}`), request.OK},
		{"text with the end only", "tgi", nil, sse(`{"generated_text":"a"}`), request.OK},
		{"error", "tgi", nil, sse(`{"error":"x","error_type":"overloaded"}`), request.StreamError},
		{"document", "tgi", nil, `{"generated_text":"hi","details":{"finish_reason":"length","generated_tokens":2}}`, request.OK},

		{"vectors", "embeddings", nil, `{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`, request.OK},
		{"no vectors", "embeddings", nil, `{"object":"list","data":[]}`, request.ParseError},
		{"stream for vectors", "embeddings", nil, sse(delta("a")), request.ParseError},
	} {
		o := play(t, tt.api, tt.err, tt.body)
		if o.Class != tt.want {
			t.Errorf("%s, %s: class %q, want %q (%s)", tt.api, tt.name, o.Class, tt.want, o.Detail)
		}
		if (o.Class == request.OK) != (o.Detail == "") {
			t.Errorf("%s, %s: class %q with detail %q", tt.api, tt.name, o.Class, o.Detail)
		}
	}
}

func TestOutcome(t *testing.T) {
	o := play(t, "chat", nil,
		sse(role),
		sse(`{"model":"m","choices":[{"delta":{"reasoning_content":"hm"}}]}`),
		sse(delta("a"), delta("bc")),
		sse(stop, `{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`),
		sse(mark), sse(delta("not counted")))
	// Two, one and two characters share six tokens: up to 2.4, 3.6 and 6 of
	// them, rounded 2, 4 and 6.
	want := Outcome{
		Tokens: Count{6, true}, TokensFrom: FromUsage, Prompt: Count{7, true}, Reasoning: Count{2, true}, Cached: Count{4, true},
		Timed: true, FirstToken: 20 * ms, LastToken: 30 * ms, Answered: true, FirstAnswer: 30 * ms, Done: 50 * ms,
		Chunks: []request.Chunk{{At: 20 * ms, Tokens: 2}, {At: 30 * ms, Tokens: 2}, {At: 30 * ms, Tokens: 2, Joined: true}},
		Bare:   []time.Duration{10 * ms, 40 * ms}, Thinking: 1,
		Coalesced: 1, FinishReason: "stop", Model: "m", Text: []byte("abc"),
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}

func TestFailureKeepsWhatCame(t *testing.T) {
	o := play(t, "chat", nil, sse(delta("a")), sse(delta("b"), someErr, delta("c")), sse(mark))
	if o.Class != request.StreamError || o.Detail != "out of memory" || o.Done != 20*ms || len(o.Chunks) != 2 || o.FirstToken != 10*ms {
		t.Errorf("%+v", o)
	}
}

func TestAnthropicCounts(t *testing.T) {
	o := play(t, "anthropic", nil, sse(
		`{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"cache_read_input_tokens":2,"cache_creation_input_tokens":1,"output_tokens":1}}}`,
		`{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}`,
		`{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":5}}`,
		`{"type":"message_stop"}`))
	if o.Prompt.N != 6 || o.Cached.N != 2 || o.Tokens.N != 5 || o.FinishReason != "max_tokens" || o.Model != "m" || string(o.Text) != "a" {
		t.Errorf("%+v", o)
	}
	o = play(t, "anthropic", nil, sse(
		`{"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}`,
		`{"type":"content_block_delta","delta":{"text":"a"}}`, `{"type":"content_block_delta","delta":{"text":"b"}}`, `{"type":"message_stop"}`))
	if o.Tokens.N != 2 || o.TokensFrom != FromChunks {
		t.Errorf("without a final count: %+v", o)
	}
}

// A document has tokens only where the server counts them, and no first token.
func TestDocumentIsNotTimed(t *testing.T) {
	o := play(t, "chat", nil, `{"choices":[{"message":{"content":"one two"},"finish_reason":"stop"}]}`)
	if o.Class != request.OK || o.Timed || o.Tokens.Known || o.TokensFrom != "" || string(o.Text) != "one two" {
		t.Errorf("%+v", o)
	}
}

func TestFail(t *testing.T) {
	a, _ := Lookup("chat")
	var r Recorder
	r.Reset(a, true, "")
	r.Feed(5*ms, []byte(sse(delta("a"))))
	if !r.Started() || r.Over() || r.Outcome().Class != request.Truncated {
		t.Errorf("open: %+v", r.Outcome())
	}
	r.Fail(9*ms, request.TimeoutIdle, "no byte for 4ms\n")
	r.Close(20*ms, nil)
	if o := r.Outcome(); o.Class != request.TimeoutIdle || o.Done != 9*ms || o.Detail != "no byte for 4ms" || o.Tokens.N != 1 {
		t.Errorf("%+v", o)
	}
	// The next reply knows nothing of this one.
	r.Reset(a, true, "")
	r.Close(ms, nil)
	if o := r.Outcome(); o.Class != request.Empty || o.Timed || o.Model != "" || len(o.Chunks) != 0 {
		t.Errorf("after Reset: %+v", o)
	}
}

func TestSanitize(t *testing.T) {
	for in, want := range map[string]string{
		"a\n\tb  c": "a b c", " \x1b[31mred\x00": "[31mred", "é\xff!": "é !", "": "",
	} {
		if got := Sanitize([]byte(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if long := Sanitize([]byte(strings.Repeat("é", maxDetail))); len(long) > maxDetail || !strings.HasSuffix(long, "...") {
		t.Errorf("%d bytes: %s", len(long), long)
	}
}

// The answer is the text that a user would see, once, whichever way it comes.
func TestAnswerText(t *testing.T) {
	const output = `{"type":"message","content":[{"type":"output_text","text":"ab"}]}`
	for _, tc := range []struct{ name, api, body, want string }{
		{"deltas, then all of it", "responses", sse(`{"type":"response.output_text.delta","delta":"a"}`, `{"type":"response.output_text.delta","delta":"b"}`,
			`{"type":"response.completed","response":{"status":"completed","output":[`+output+`]}}`), "ab"},
		{"with the end only", "responses", sse(`{"type":"response.completed","response":{"status":"completed","output":[` + output + `]}}`), "ab"},
		{"reasoning with content", "responses", `{"object":"response","status":"completed","output":[` +
			`{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},{"content":[{"type":"reasoning_text","text":"so"}],"type":"reasoning"},` + output + `]}`, "ab"},
		{"tokens, then all of it", "tgi", sse(`{"token":{"text":"a"}}`, `{"token":{"text":"b"},"generated_text":"ab"}`), "ab"},
		{"one token and all of it", "tgi", sse(`{"generated_text":"ab","token":{"text":"ab"}}`), "ab"},
		{"with the end only", "tgi", sse(`{"generated_text":"ab"}`), "ab"},
	} {
		var r Recorder
		r.KeepText(100)
		for range 2 { // a recorder is used again
			a, _ := Lookup(tc.api)
			r.Reset(a, tc.body[0] != '{', "")
			r.Feed(1, []byte(tc.body))
			r.Close(2, nil)
			if o := r.Outcome(); o.Class != request.OK || string(o.Text) != tc.want {
				t.Errorf("%s, %s: class %q, text %q, want %q", tc.api, tc.name, o.Class, o.Text, tc.want)
			}
		}
	}
}
