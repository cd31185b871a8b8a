package prompt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"llmops/probes/load/api"
	"llmops/probes/load/length"
)

// MaxDataset is the largest dataset that is read, in bytes.
const MaxDataset = 1 << 30

// Dataset cycles through the prompts of a file in the file's order.
type Dataset struct {
	Prompts []api.Prompt
	Seed    uint64
	Output  length.Dist // replaces the token limits of the file unless zero
}

// Prompt implements Source.
func (d *Dataset) Prompt(i int64) api.Prompt {
	n := int64(len(d.Prompts))
	p := d.Prompts[((i%n)+n)%n]
	if !d.Output.IsZero() {
		p.MaxTokens = d.Output.Draw(rand.New(rand.NewPCG(d.Seed^seedStream, uint64(i))))
	}
	return p
}

// FileError is a fault in a dataset, with its place.
type FileError struct {
	File string
	Line int
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }
func (e *FileError) Unwrap() error { return e.Err }

// LoadFile reads a dataset: JSON Lines with one object a line
//
//	{"prompt":"…"} or {"messages":[{"role":"user","content":"…"}]}, optional "max_tokens"
//
// or a JSON array in the ShareGPT form, of which the first human turn counts:
//
//	[{"conversations":[{"from":"human","value":"…"},…]},…]
//
// Entries of either form may stand in either frame. Blank lines and
// conversations without a human turn are skipped; other keys are ignored. Faults come as *FileError.
func LoadFile(path string) ([]api.Prompt, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxDataset+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxDataset {
		return nil, fmt.Errorf("%s: larger than %d MiB", path, MaxDataset>>20)
	}
	return Parse(path, data)
}

// Parse is LoadFile on bytes; name stands in the errors.
func Parse(name string, data []byte) ([]api.Prompt, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if rest := bytes.TrimLeft(data, " \t\r\n"); len(rest) > 0 && rest[0] == '[' {
		return parseArray(name, data)
	}
	var prompts []api.Prompt
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		p, err := parseEntry(text)
		if errors.Is(err, errNoTurn) {
			continue
		}
		if err != nil {
			return nil, &FileError{name, line, err}
		}
		prompts = append(prompts, p)
	}
	if len(prompts) == 0 {
		return nil, &FileError{name, max(line, 1), errors.New("no prompt in the file")}
	}
	return prompts, nil
}

func parseArray(name string, data []byte) ([]api.Prompt, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	lineAt := func(off int64) int { return 1 + bytes.Count(data[:min(off, int64(len(data)))], []byte("\n")) }
	fail := func(err error) ([]api.Prompt, error) {
		off := dec.InputOffset()
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			off = max(off, se.Offset)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			off, err = int64(len(data)), errors.New("the file ends in the middle of the array")
		}
		return nil, &FileError{name, lineAt(off), err}
	}
	if _, err := dec.Token(); err != nil {
		return fail(err)
	}
	var prompts []api.Prompt
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fail(err)
		}
		p, err := parseEntry(raw)
		if errors.Is(err, errNoTurn) {
			continue
		}
		if err != nil {
			return nil, &FileError{name, lineAt(dec.InputOffset() - int64(len(raw))), err}
		}
		prompts = append(prompts, p)
	}
	if _, err := dec.Token(); err != nil {
		return fail(err)
	}
	if rest := data[dec.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, &FileError{name, lineAt(dec.InputOffset()), errors.New("more text behind the array")}
	}
	if len(prompts) == 0 {
		return nil, &FileError{name, 1, errors.New("no prompt in the file")}
	}
	return prompts, nil
}

// entry is the union of the forms.
type entry struct {
	Prompt        *string       `json:"prompt"`
	Messages      []api.Message `json:"messages"`
	MaxTokens     int           `json:"max_tokens"`
	Conversations []struct {
		From  string `json:"from"`
		Value string `json:"value"`
	} `json:"conversations"`
}

// errNoTurn marks a conversation in which no human speaks. Public ShareGPT
// files hold some, and every reader of them leaves them out.
var errNoTurn = errors.New("no human turn")

func parseEntry(text []byte) (api.Prompt, error) {
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			if te.Field == "" {
				return api.Prompt{}, fmt.Errorf("want a JSON object, found %s", te.Value)
			}
			return api.Prompt{}, fmt.Errorf("key %q: want %s, found %s", te.Field, kindOf(te), te.Value)
		}
		return api.Prompt{}, fmt.Errorf("not a JSON object: %w", err)
	}
	if e.MaxTokens < 0 || e.MaxTokens > length.Max {
		return api.Prompt{}, fmt.Errorf("max_tokens %d is outside 0 to %d", e.MaxTokens, length.Max)
	}
	p := api.Prompt{MaxTokens: e.MaxTokens}
	switch {
	case e.Prompt != nil:
		p.Text = *e.Prompt
	case len(e.Messages) > 0:
		p.Messages = e.Messages
		for i, m := range e.Messages {
			if m.Role == "" {
				return api.Prompt{}, fmt.Errorf("message %d has no role", i+1)
			}
		}
		return p, nil
	case e.Conversations != nil:
		for _, turn := range e.Conversations {
			if (turn.From == "human" || turn.From == "user") && turn.Value != "" {
				p.Text = turn.Value
				return p, nil
			}
		}
		return api.Prompt{}, errNoTurn
	}
	if p.Text == "" {
		return api.Prompt{}, errors.New(`no prompt: want "prompt", "messages" or a human turn in "conversations"`)
	}
	return p, nil
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
