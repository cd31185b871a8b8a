package prompt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"llmops/probes/load/api"
	"llmops/probes/load/length"
)

// entry is the union of the forms.
type entry struct {
	Prompt        *string         `json:"prompt"`
	Messages      []api.Message   `json:"messages"`
	MaxTokens     int             `json:"max_tokens"`
	Checks        json.RawMessage `json:"checks"`
	Conversations []saying        `json:"conversations"`
}

// saying is what one side of a ShareGPT conversation says.
type saying struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// turnsOf makes turns of a conversation; nil: no human speaks. What others say
// before the first human is left out, as is what has no text.
func turnsOf(said []saying) (turns []Turn) {
	for _, s := range said {
		switch {
		case s.Value == "":
		case s.From == "human" || s.From == "user":
			turns = append(turns, Turn{User: s.Value})
		case len(turns) > 0 && (s.From == "gpt" || s.From == "assistant" || s.From == "chatgpt" || s.From == "bing" || s.From == "bard"):
			last := &turns[len(turns)-1]
			if last.Answer != "" {
				last.Answer += "\n"
			}
			last.Answer += s.Value
		}
	}
	return turns
}

// errNoTurn marks a conversation in which no human speaks. Public ShareGPT
// files hold some, and every reader of them leaves them out.
var errNoTurn = errors.New("no human turn")

// parseEntry reads one entry; its checks are left as they stand there.
func parseEntry(text []byte) (p Entry, checks []byte, err error) {
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			if te.Field == "" {
				return p, nil, fmt.Errorf("want a JSON object, found %s", te.Value)
			}
			return p, nil, fmt.Errorf("key %q: want %s, found %s", te.Field, kindOf(te), te.Value)
		}
		return p, nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if err := misspelt(text); err != nil {
		return p, nil, err
	}
	if e.MaxTokens < 0 || e.MaxTokens > length.Max {
		return p, nil, fmt.Errorf("max_tokens %d is outside 0 to %d", e.MaxTokens, length.Max)
	}
	p.MaxTokens = e.MaxTokens
	switch {
	case e.Prompt != nil && len(e.Messages) > 0:
		return p, nil, errors.New(`"prompt" and "messages" in one entry: only one of them can be sent`)
	case e.Prompt != nil:
		p.Text = *e.Prompt
	case len(e.Messages) > 0:
		p.Messages = e.Messages
		for i, m := range e.Messages {
			if m.Role == "" {
				return p, nil, fmt.Errorf("message %d has no role", i+1)
			}
		}
		return p, e.Checks, nil
	case e.Conversations != nil:
		if p.Turns = turnsOf(e.Conversations); p.Turns == nil {
			return p, nil, errNoTurn
		}
		p.Text = p.Turns[0].User
		return p, e.Checks, nil
	}
	if p.Text == "" {
		return p, nil, errors.New(`no prompt: want "prompt", "messages" or a human turn in "conversations"`)
	}
	return p, e.Checks, nil
}

func kindOf(te *json.UnmarshalTypeError) string {
	switch te.Type.Kind().String() {
	case "string":
		return "a string"
	case "int":
		return "a whole number"
	case "slice":
		return "an array"
	}
	return "an object"
}

// valueAt is where the value of a key stands in an object; of several the last,
// which is the one that counts.
func valueAt(object []byte, key string) (at int) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return 0
	}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return at
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return at
		}
		if name, ok := k.(string); ok && strings.EqualFold(name, key) {
			at = int(dec.InputOffset()) - len(value)
		}
	}
	return at
}
