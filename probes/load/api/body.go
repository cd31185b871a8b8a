package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"llmops/probes/load/jsonscan"
)

// Prompt is what one request asks.
type Prompt struct {
	Text      string
	Messages  []Message // nil: Text as the only message of a user
	MaxTokens int       // limit on the output; 0: none is sent
	// More inputs of the same request, for interfaces that take several
	// (embeddings); only their texts and messages count.
	More []Prompt
}

// Message is one turn of a conversation.
type Message struct{ Role, Content string }

// Options are what all requests of a run have in common.
type Options struct {
	Model  string
	Stream bool
	// IgnoreEOS asks for outputs of exactly MaxTokens tokens (vLLM, SGLang);
	// chat and completions only.
	IgnoreEOS bool
	// MaxCompletionTokens sends the limit of chat under its newer name,
	// max_completion_tokens, in place of max_tokens.
	MaxCompletionTokens bool
	// ContinuousUsage asks for a running token count in every chunk (vLLM,
	// SGLang); chat and completions only.
	ContinuousUsage bool
	// Extra members stand at the top of the body and replace the ones of the
	// same name that would be sent otherwise.
	Extra Extra
}

// AppendBody appends the body of a request to dst. The same input gives the
// same bytes, and they are valid JSON whatever the texts hold.
func (a API) AppendBody(dst []byte, p Prompt, o Options) []byte {
	return a.body(dst, p, o)
}

// Extra is a list of members of a JSON object. The zero Extra has none.
type Extra struct{ members []member }

type member struct {
	key   string
	value json.RawMessage
}

// ParseExtra reads a JSON object whose members are to be added to every body,
// such as {"temperature":0}.
func ParseExtra(object []byte) (Extra, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(object, &values); err != nil {
		return Extra{}, fmt.Errorf("extra members of the request body: want a JSON object: %w", err)
	}
	var e Extra
	for _, key := range slices.Sorted(maps.Keys(values)) {
		e.members = append(e.members, member{key, values[key]})
	}
	return e, nil
}

func (e Extra) has(key string) bool {
	return slices.ContainsFunc(e.members, func(m member) bool { return m.key == key })
}

// A builder appends an object member by member, and leaves out those that
// the user's extra members replace.
type builder struct {
	dst   []byte
	extra Extra
	begun bool
}

// open writes the name of a member; false when it is replaced.
func (b *builder) open(key string) bool {
	if b.extra.has(key) {
		return false
	}
	b.name(key)
	return true
}

func (b *builder) name(key string) {
	sep := byte('{')
	if b.begun {
		sep = ','
	}
	b.begun = true
	b.dst = append(jsonscan.AppendString(append(b.dst, sep), key), ':')
}

func (b *builder) str(key, value string) {
	if b.open(key) {
		b.dst = jsonscan.AppendString(b.dst, value)
	}
}

func (b *builder) flag(key string, value bool) {
	if b.open(key) {
		b.dst = strconv.AppendBool(b.dst, value)
	}
}

// limit writes a number unless it is 0.
func (b *builder) limit(key string, n int) {
	if n > 0 && b.open(key) {
		b.dst = strconv.AppendInt(b.dst, int64(n), 10)
	}
}

// raw writes a value that is JSON already.
func (b *builder) raw(key, value string) {
	if b.open(key) {
		b.dst = append(b.dst, value...)
	}
}

// nested writes an object with a number, unless it is 0, and further members.
func (b *builder) nested(key, name string, n int, more ...string) {
	if n <= 0 || !b.open(key) {
		return
	}
	b.dst = append(jsonscan.AppendString(append(b.dst, '{'), name), ':')
	b.dst = strconv.AppendInt(b.dst, int64(n), 10)
	for _, m := range more {
		b.dst = append(append(b.dst, ','), m...)
	}
	b.dst = append(b.dst, '}')
}

// messages writes the conversation, without the roles in skip.
func (b *builder) messages(key string, p Prompt, skip string) {
	if !b.open(key) {
		return
	}
	turns := p.Messages
	if turns == nil {
		turns = []Message{{"user", p.Text}}
	}
	b.dst = append(b.dst, '[')
	sep := ""
	for _, m := range turns {
		if m.Role == skip {
			continue
		}
		b.dst = append(append(b.dst, sep...), `{"role":`...)
		b.dst = append(jsonscan.AppendString(b.dst, m.Role), `,"content":`...)
		b.dst = append(jsonscan.AppendString(b.dst, m.Content), '}')
		sep = ","
	}
	b.dst = append(b.dst, ']')
}

// close writes the extra members and ends the object.
func (b *builder) close() []byte {
	for _, m := range b.extra.members {
		b.name(m.key)
		b.dst = append(b.dst, m.value...)
	}
	if !b.begun {
		b.dst = append(b.dst, '{')
	}
	return append(b.dst, '}')
}

// text is the prompt for interfaces that take no conversation: the contents of
// the messages, one below the other.
func (p Prompt) text() string {
	if p.Messages == nil {
		return p.Text
	}
	return p.join(func(Message) bool { return true })
}

func (p Prompt) join(want func(Message) bool) string {
	var parts []string
	for _, m := range p.Messages {
		if want(m) {
			parts = append(parts, m.Content)
		}
	}
	return strings.Join(parts, "\n")
}
