package api

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBodies(t *testing.T) {
	extra, err := ParseExtra([]byte(`{"top_p":0.5,"max_tokens":null,"a":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	text := Prompt{Text: "say \"hi\"\n", MaxTokens: 5}
	talk := Prompt{Messages: []Message{{"system", "be short"}, {"user", "hi"}}}
	for _, tt := range []struct {
		api  string
		p    Prompt
		o    Options
		want string
	}{
		{"chat", text, Options{Model: "m", Stream: true}, `{"model":"m","messages":[{"role":"user","content":"say \"hi\"\n"}],"max_tokens":5,"stream":true,"stream_options":{"include_usage":true}}`},
		{"chat", text, Options{Model: "m", MaxCompletionTokens: true, IgnoreEOS: true}, `{"model":"m","messages":[{"role":"user","content":"say \"hi\"\n"}],"max_completion_tokens":5,"stream":false,"ignore_eos":true}`},
		{"chat", talk, Options{Model: "m", Stream: true, ContinuousUsage: true}, `{"model":"m","messages":[{"role":"system","content":"be short"},{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`},
		{"chat", Prompt{Text: "x", MaxTokens: 9}, Options{Model: "m", Extra: extra}, `{"model":"m","messages":[{"role":"user","content":"x"}],"stream":false,"a":"x","max_tokens":null,"top_p":0.5}`},
		{"completions", talk, Options{Model: "m", Stream: true, IgnoreEOS: true}, `{"model":"m","prompt":"be short\nhi","stream":true,"stream_options":{"include_usage":true},"ignore_eos":true}`},
		{"responses", text, Options{Model: "m", Stream: true}, `{"model":"m","input":"say \"hi\"\n","max_output_tokens":5,"stream":true}`},
		{"responses", talk, Options{Model: "m"}, `{"model":"m","input":[{"role":"system","content":"be short"},{"role":"user","content":"hi"}],"stream":false}`},
		{"embeddings", text, Options{Model: "m", Stream: true}, `{"model":"m","input":"say \"hi\"\n"}`},
		{"anthropic", talk, Options{Model: "m", Stream: true}, `{"model":"m","max_tokens":1024,"system":"be short","messages":[{"role":"user","content":"hi"}],"stream":true}`},
		{"ollama", text, Options{Model: "m", Stream: true}, `{"model":"m","messages":[{"role":"user","content":"say \"hi\"\n"}],"stream":true,"options":{"num_predict":5}}`},
		{"tgi", text, Options{Model: "m", Stream: true}, `{"inputs":"say \"hi\"\n","parameters":{"max_new_tokens":5,"details":true}}`},
		{"tgi", talk, Options{}, `{"inputs":"be short\nhi","parameters":{"details":true}}`},
	} {
		a, ok := Lookup(tt.api)
		if !ok {
			t.Fatalf("no interface %q", tt.api)
		}
		got := string(a.AppendBody([]byte("x"), tt.p, tt.o))
		if got != "x"+tt.want {
			t.Errorf("%s:\n got %s\nwant  %s", tt.api, got, tt.want)
		}
	}
	if _, err := ParseExtra([]byte(`[1]`)); err == nil {
		t.Error("an array was taken for members")
	}
}

func TestBodiesAreValid(t *testing.T) {
	hard := "\x00\x1f\"\\/\u2028\xff é😀</script>"
	for _, name := range Names() {
		a, _ := Lookup(name)
		for _, p := range []Prompt{{Text: hard}, {Messages: []Message{{hard, hard}, {"system", hard}}, MaxTokens: 1}, {Messages: []Message{}}} {
			for _, stream := range []bool{true, false} {
				body := a.AppendBody(nil, p, Options{Model: hard, Stream: stream, IgnoreEOS: true})
				var v map[string]any
				if err := json.Unmarshal(body, &v); err != nil {
					t.Errorf("%s: %v in %s", name, err, body)
				}
				if len(p.Messages) != 1 && p.Text != "" && !strings.Contains(string(body), `\u2028`) {
					t.Errorf("%s: the text is missing in %s", name, body)
				}
			}
		}
	}
}

func TestPath(t *testing.T) {
	for _, tt := range []struct {
		api, base string
		stream    bool
		want      string
	}{
		{"chat", "http://h:8000", true, "http://h:8000/v1/chat/completions"},
		{"chat", "http://h:8000/", true, "http://h:8000/v1/chat/completions"},
		{"chat", "http://h/v1", false, "http://h/v1/chat/completions"},
		{"chat", "http://h/v1///", true, "http://h/v1/chat/completions"},
		{"chat", "https://h/openai/d%2Fx/v2?api-version=1&a=b#frag", true, "https://h/openai/d%2Fx/v2/chat/completions?api-version=1&a=b"},
		{"chat", "http://h/x/chat/completions/", true, "http://h/x/chat/completions"},
		{"completions", "http://h/v1/completions?q", true, "http://h/v1/completions?q"},
		{"completions", "http://[::1]:8000", true, "http://[::1]:8000/v1/completions"},
		{"responses", "http://h/v1", true, "http://h/v1/responses"},
		{"embeddings", "http://h", true, "http://h/v1/embeddings"},
		{"anthropic", "http://h", true, "http://h/v1/messages"},
		{"ollama", "http://h:11434", true, "http://h:11434/api/chat"},
		{"ollama", "http://h:11434/api/chat", true, "http://h:11434/api/chat"},
		{"tgi", "http://h", true, "http://h/generate_stream"},
		{"tgi", "http://h/p/", false, "http://h/p/generate"},
		{"tgi", "http://h/generate_stream", true, "http://h/generate_stream"},
		{"tgi", "http://h/generate", true, "http://h/generate_stream"},
	} {
		a, _ := Lookup(tt.api)
		if got, err := a.Path(tt.base, tt.stream); err != nil || got != tt.want {
			t.Errorf("%s %s: %s, %v; want %s", tt.api, tt.base, got, err, tt.want)
		}
	}
	a, _ := Lookup("chat")
	for base, want := range map[string]string{
		"http://h": "http://h/v1/models", "http://h/v1/chat/completions?k=1": "http://h/v1/models?k=1", "http://h/x/": "http://h/x/models",
	} {
		if got, err := a.Models(base); err != nil || got != want {
			t.Errorf("models of %s: %s, %v; want %s", base, got, err, want)
		}
	}
	for _, base := range []string{"", "h:8000", "ftp://h", "http://", "http://h/%zz", "/v1"} {
		if got, err := a.Path(base, true); err == nil {
			t.Errorf("%q: %s, want an error", base, got)
		}
	}
}

func TestHeader(t *testing.T) {
	chat, _ := Lookup("chat")
	if h := chat.Header("k", true); h.Get("Authorization") != "Bearer k" || h.Get("Accept") != "text/event-stream" || h.Get("X-Api-Key") != "" {
		t.Errorf("chat: %v", h)
	}
	if h := chat.Header("", false); h.Get("Authorization") != "" || h.Get("Accept") != "application/json" {
		t.Errorf("chat without key: %v", h)
	}
	anthropic, _ := Lookup("anthropic")
	if h := anthropic.Header("k", true); h.Get("X-Api-Key") != "k" || h.Get("Authorization") != "" || h.Get("Anthropic-Version") == "" {
		t.Errorf("anthropic: %v", h)
	}
	if _, ok := Lookup("nobody"); ok {
		t.Error("found an interface that is none")
	}
}
