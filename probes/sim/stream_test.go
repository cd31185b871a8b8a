package sim_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// chunk is one event of a stream, decoded by the standard library only.
type chunk struct {
	ID, Object, Model string
	Created           int64
	Choices           []struct {
		Index        int
		Text         *string
		Delta        *struct{ Role, Content *string }
		FinishReason *string `json:"finish_reason"`
	}
	Usage  *usage
	Llmops *struct {
		Due  int64 `json:"due_ns"`
		Sent int64 `json:"sent_ns"`
	}
	Error *struct{ Message, Type string }
	at    time.Time
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

// read parses a stream strictly: "data: " lines, each followed by an empty
// one. done tells whether [DONE] came, as the last event.
func read(t *testing.T, body io.Reader) (chunks []chunk, done bool, err error) {
	t.Helper()
	sc := bufio.NewScanner(body)
	for sc.Scan() {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		if !ok || done {
			t.Fatalf("line %q after %d events (done %v)", sc.Text(), len(chunks), done)
		}
		at := time.Now()
		if !sc.Scan() {
			break
		}
		if sc.Text() != "" {
			t.Fatalf("an event of two lines: %q", sc.Text())
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		c := chunk{at: at}
		dec := json.NewDecoder(strings.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&c); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		chunks = append(chunks, c)
	}
	return chunks, done, sc.Err()
}

const hello = `"messages":[{"role":"user","content":"say  hello\nto me"}]`

func TestChatStream(t *testing.T) {
	_, url := start(t, quick())
	r := post(t, url+"/v1/chat/completions", `{"model":"sim","stream":true,"max_tokens":4,"stream_options":{"include_usage":true},`+hello+`}`)
	if ct := r.Header.Get("Content-Type"); r.StatusCode != 200 || !strings.HasPrefix(ct, "text/event-stream") {
		t.Fatalf("status %d, content type %q", r.StatusCode, ct)
	}
	chunks, done, err := read(t, r.Body)
	if err != nil || !done || len(chunks) != 6 {
		t.Fatalf("%d chunks, done %v, %v; want role, 4 tokens, usage and [DONE]", len(chunks), done, err)
	}
	for i, c := range chunks {
		if c.ID != chunks[0].ID || c.ID == "" || c.Object != "chat.completion.chunk" || c.Model != "sim" || c.Llmops != nil {
			t.Errorf("chunk %d: %+v", i, c)
		}
		if i == 5 {
			break
		}
		d := c.Choices[0].Delta
		if role := d.Role != nil; role != (i == 0) || (*d.Content == "") != (i == 0) || c.Usage != nil {
			t.Errorf("chunk %d: role %v, content %q, usage %v", i, role, *d.Content, c.Usage)
		}
		if f := c.Choices[0].FinishReason; (f != nil) != (i == 4) || f != nil && *f != "length" {
			t.Errorf("chunk %d: finish reason %v", i, f)
		}
	}
	if u := chunks[5].Usage; len(chunks[5].Choices) != 0 || u == nil || u.Prompt != 4 || u.Completion != 4 || u.Total != 8 {
		t.Errorf("usage chunk %+v, usage %+v", chunks[5], u)
	}
}

func TestCompletionsStream(t *testing.T) {
	cfg := quick()
	cfg.Output.Set("3")
	_, url := start(t, cfg)
	r := post(t, url+"/v1/completions", `{"stream":true,"max_tokens":9,"prompt":[5,6,7],"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`)
	chunks, done, err := read(t, r.Body)
	if err != nil || !done || len(chunks) != 4 {
		t.Fatalf("%d chunks, done %v, %v", len(chunks), done, err)
	}
	for i, c := range chunks[:3] {
		if c.Object != "text_completion" || c.Choices[0].Delta != nil || *c.Choices[0].Text == "" || c.Usage.Completion != i+1 || c.Usage.Prompt != 3 {
			t.Errorf("chunk %d: %+v", i, c)
		}
	}
	if f := chunks[2].Choices[0].FinishReason; f == nil || *f != "stop" {
		t.Errorf("finish reason %v, want stop: the drawn length is below the limit", f)
	}
}

// The whole reply has the text of the stream of the same number.
func TestWholeReplyAndStreamAgree(t *testing.T) {
	text := func(stream string) (s string, prompt int) {
		_, url := start(t, quick())
		r := post(t, url+"/v1/chat/completions", `{`+stream+`"max_completion_tokens":5,"ignore_eos":true,`+hello+`}`)
		if stream == "" {
			var whole struct {
				Object  string
				Choices []struct {
					Message      struct{ Role, Content string }
					FinishReason string `json:"finish_reason"`
				}
				Usage usage
			}
			if err := json.NewDecoder(r.Body).Decode(&whole); err != nil {
				t.Fatal(err)
			}
			if whole.Object != "chat.completion" || whole.Choices[0].FinishReason != "length" || whole.Usage.Completion != 5 || whole.Usage.Prompt != 4 {
				t.Errorf("%+v", whole)
			}
			return whole.Choices[0].Message.Content, whole.Usage.Prompt
		}
		chunks, _, _ := read(t, r.Body)
		for _, c := range chunks {
			s += *c.Choices[0].Delta.Content
		}
		return s, 4
	}
	whole, _ := text("")
	streamed, _ := text(`"stream":true,`)
	if whole != streamed || len(strings.Fields(whole)) != 5 {
		t.Errorf("whole %q, streamed %q, want the same five words", whole, streamed)
	}
}

// Stamps are the model's due times: gaps between them are exact, nothing is
// sent early, and lateness does not add up.
func TestTiming(t *testing.T) {
	cfg := quick()
	cfg.DecodeBase, cfg.DecodePerSequence, cfg.Stamp = 3*time.Millisecond, time.Millisecond, true
	_, url := start(t, cfg)
	punctual(t, func(t *testing.T) (tardy string) {
		r := post(t, url+"/v1/completions", `{"stream":true,"max_tokens":30,"prompt":"x"}`)
		chunks, done, err := read(t, r.Body)
		if !done || err != nil || len(chunks) != 30 {
			t.Fatalf("%d chunks, done %v, %v", len(chunks), done, err)
		}
		for i, c := range chunks {
			if i > 0 && c.Llmops.Due-chunks[i-1].Llmops.Due != int64(4*time.Millisecond) {
				t.Errorf("token %d is due %d ns after the one before, want 4 ms", i, c.Llmops.Due-chunks[i-1].Llmops.Due)
			}
			switch late := time.Duration(c.Llmops.Sent - c.Llmops.Due); {
			case late < 0:
				t.Errorf("token %d was sent %v before it was due", i, -late)
			case late > 20*time.Millisecond:
				tardy = fmt.Sprintf("token %d was sent %v after it was due", i, late)
			}
			if c.at.UnixNano() < c.Llmops.Sent-int64(time.Millisecond) {
				t.Errorf("token %d came before it was sent", i)
			}
		}
		return tardy
	})
}
