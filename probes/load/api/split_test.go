package api

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/probes/request"
)

// bodies are replies that end well, by interface.
var bodies = map[string][]string{
	"chat": {
		"\xef\xbb\xbf: hi\r\nid: 1\r\nevent: message\r\n" + strings.ReplaceAll(sse(role, delta("漢é"), delta(`\ud83d\ude00`), stop, usage9, mark), "\n", "\r\n"),
		"data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"},\ndata: \"finish_reason\":\"stop\"}]}\n\ndata:[DONE]\n\n",
		strings.ReplaceAll(sse(delta("a"), stop, mark), "\n", "\r"),
	},
	"responses": {"event: response.output_text.delta\n" + sse(`{"delta":"a"}`, `{"type":"response.completed","response":{"status":"completed","usage":{"output_tokens":3}}}`)},
	"anthropic": {sse(`{"type":"content_block_delta","delta":{"text":"a"}}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`, `{"type":"message_stop"}`)},
	"ollama":    {`{"message":{"content":"a"},"done":false}` + "\r\n\n" + `{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":1}` + "\n"},
	"tgi":       {sse(`{"token":{"text":"a"},"generated_text":null}`, `{"token":{"text":"b"},"generated_text":"ab","details":{"finish_reason":"length","generated_tokens":2}}`)},
}

// record feeds a body in pieces of size bytes, all at time 0.
func record(name, body string, size int, bodyErr error) Outcome {
	a, _ := Lookup(name)
	var r Recorder
	r.KeepText(1000)
	r.Reset(a, true, "")
	for piece := range slices.Chunk([]byte(body), max(size, 1)) {
		piece = slices.Clone(piece)
		over := r.Feed(0, piece)
		clear(piece) // nothing may be kept of it
		if over {
			break
		}
	}
	r.Close(0, bodyErr)
	o := r.Outcome()
	o.Coalesced = 0 // depends on how the bytes were cut, and must
	return o
}

func TestPiecesDoNotMatter(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(bodies)) {
		for i, body := range append(bodies[name], "<html>\n", ` {"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}`, sse(delta("a"), someErr)) {
			want := record(name, body, len(body), nil)
			if i < len(bodies[name]) && (want.Class != request.OK || !want.Timed) {
				t.Fatalf("%s, body %d: %+v", name, i, want)
			}
			for size := 1; size < len(body); size++ {
				if diff := cmp.Diff(want, record(name, body, size, nil)); diff != "" {
					t.Fatalf("%s, body %d in pieces of %d:\n%s", name, i, size, diff)
				}
			}
		}
	}
}

// Wherever a good reply is cut, cleanly or not, the outcome is a cut: never a
// parse error, and success only once the end was there.
func TestEveryCut(t *testing.T) {
	for name, list := range bodies {
		for i, body := range list {
			for n := range len(body) {
				for _, err := range []error{nil, io.ErrUnexpectedEOF} {
					o := record(name, body[:n], n, err)
					switch o.Class {
					case request.Truncated:
					case request.Empty:
						if strings.Contains(body[:n], "{") {
							t.Errorf("%s, body %d cut at %d: empty", name, i, n)
						}
					case request.OK:
						if o.FinishReason == "" {
							t.Errorf("%s, body %d cut at %d: success without an end", name, i, n)
						}
					default:
						t.Errorf("%s, body %d cut at %d: %s (%s)", name, i, n, o.Class, o.Detail)
					}
				}
			}
		}
	}
}

func FuzzRecorder(f *testing.F) {
	for name, list := range bodies {
		for _, body := range list {
			f.Add(name, body, byte(7), true)
		}
	}
	f.Add("chat", sse(withUsage("a", 3), withUsage("b", 9), total(1<<60), mark), byte(1), false)
	f.Add("embeddings", `{"data":[[]]}`, byte(1), false)
	f.Fuzz(func(t *testing.T, name, body string, size byte, clean bool) {
		if _, ok := Lookup(name); !ok {
			return
		}
		bodyErr := errors.New("reset")
		if clean {
			bodyErr = nil
		}
		o := record(name, body, len(body), bodyErr)
		if diff := cmp.Diff(o, record(name, body, int(size), bodyErr)); diff != "" {
			t.Fatalf("in pieces of %d:\n%s", size, diff)
		}
		switch o.Class {
		case request.OK, request.StreamError, request.ParseError, request.Empty, request.Truncated:
		default:
			t.Fatalf("class %q", o.Class)
		}
		if o.Class == request.OK && o.Detail != "" || len(o.Detail) > maxDetail {
			t.Fatalf("class %q with detail %q", o.Class, o.Detail)
		}
		if o.Tokens.N < 0 || o.Prompt.N < 0 || o.Tokens.Known != (o.TokensFrom != "") || o.Timed != (len(o.Chunks) > 0) {
			t.Fatalf("%+v", o)
		}
		var sum int64
		for _, c := range o.Chunks {
			if c.Tokens < 1 {
				t.Fatalf("%+v", o)
			}
			sum += int64(c.Tokens)
		}
		if o.TokensFrom == FromChunks && sum != o.Tokens.N {
			t.Fatalf("chunks have %d tokens, the reply %d", sum, o.Tokens.N)
		}
	})
}

// FuzzDecode compares what is read from an event of chat with what
// encoding/json finds there.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		role, stop, usage9, someErr, delta("a\\u00e9"),
		`{"choices":[{"delta":{"content":"a","content":"bc","\u0063ontent":"def","reasoning":"x"},"text":5}],"choices":[{"text":"y"}]}`,
		`{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"ab"}},{"function":{"arguments":"c"}}],"function_call":{"arguments":"d"},"refusal":"e"}}]}`,
		`{"choices":[{"delta":{"thinking":"abc","reasoning_content":"ab"}}]}`, `{"choices":[{"delta":{"thinking":{"a":1},"reasoning":"ab"}}]}`,
		`{"error":{"message":5},"error":null,"usage":{"completion_tokens":-1}}`, `[]`, ``, `{"choices":{}}`,
	} {
		f.Add([]byte(s))
	}
	a, _ := Lookup("chat")
	f.Fuzz(func(t *testing.T, data []byte) {
		var d decoder
		err := d.decode(a.read, data, nil, false)
		var top map[string]any
		if want := json.Unmarshal(data, &top); (err == nil) != (want == nil && top != nil) {
			if err != nil && strings.Contains(err.Error(), "deep") {
				return
			}
			t.Fatalf("%q: %v, encoding/json: %v", data, err, want)
		}
		if err != nil {
			return
		}
		chars, finish := oracle(top)
		if d.chars != chars {
			t.Fatalf("%q: %d characters, want %d", data, d.chars, chars)
		}
		if finish != "" && d.finish == "" {
			t.Fatalf("%q: no finish reason, want %q", data, finish)
		}
		if failed := top["error"] != nil || top["object"] == "error" || top["type"] == "error" || finish == "error" || finish == "abort"; d.failed != failed {
			t.Fatalf("%q: failed %v, want %v", data, d.failed, failed)
		}
	})
}

// A message of Ollama has the members of its own.
func TestOllamaMessages(t *testing.T) {
	a, _ := Lookup("ollama")
	for text, want := range map[string][2]int{ // characters, and those of reasoning
		`{"message":{"role":"assistant","content":"abc"},"done":false}`:                                                                      {3, 0},
		`{"message":{"content":"","thinking":"hmm\u00e9"},"done":false}`:                                                                     {4, 4},
		`{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}},{"function":{"arguments":{}}}]},"done":false}`: {len(`{"a":1}`), 0},
		`{"response":"ab","thinking":"h","done":false}`:                                                                                      {3, 1},
		`{"message":"no object","done":false}`:                                                                                               {0, 0},
	} {
		var d decoder
		if err := d.decode(a.read, []byte(text), nil, false); err != nil || d.chars != want[0] || d.reasoning != want[1] {
			t.Errorf("%s: %d characters, %d of them reasoning, %v, want %v", text, d.chars, d.reasoning, err, want)
		}
	}
}

// oracle finds the characters of output and the finish reason the slow way.
func oracle(top map[string]any) (chars int, finish string) {
	text := func(v any) int { s, _ := v.(string); return len([]rune(s)) }
	object := func(v any) map[string]any { m, _ := v.(map[string]any); return m }
	arguments := func(v any) int { return text(object(v)["arguments"]) }
	choices, _ := top["choices"].([]any)
	for _, c := range choices {
		choice := object(c)
		chars += text(choice["text"])
		delta, ok := choice["delta"].(map[string]any)
		if !ok {
			delta = object(choice["message"])
		}
		chars += text(delta["content"]) + text(delta["refusal"]) + arguments(delta["function_call"])
		chars += max(text(delta["reasoning"]), text(delta["reasoning_content"]), text(delta["thinking"]))
		calls, _ := delta["tool_calls"].([]any)
		for _, call := range calls {
			chars += arguments(object(call)["function"])
		}
		if s, _ := choice["finish_reason"].(string); s != "" && finish != "error" && finish != "abort" {
			finish = s
		}
	}
	return chars, finish
}
