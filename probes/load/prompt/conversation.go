package prompt

import (
	"math/rand/v2"

	"llmops/probes/load/api"
)

// Turn is what a user says and what is answered.
type Turn struct {
	User   string
	Answer string // ""; not known
}

// history is the conversation up to and with the last of turns. The answers in it
// are those of the script, never those of the server under test: the same seed
// gives the same bodies, however the server answers.
func history(turns []Turn) []api.Message {
	messages := make([]api.Message, 0, 2*len(turns)-1)
	for i, t := range turns {
		messages = append(messages, api.Message{Role: "user", Content: t.User})
		if t.Answer != "" && i+1 < len(turns) {
			messages = append(messages, api.Message{Role: "assistant", Content: t.Answer})
		}
	}
	return messages
}

// SessionPrompt is turn number turn of session s, from 0, with all before it: words
// of the lengths that are drawn for each turn, in the answers too. A session of one
// turn is Prompt(s).
func (s Synthetic) SessionPrompt(session int64, turn int) api.Prompt {
	if turn == 0 {
		return s.Prompt(session)
	}
	turns, limit := make([]Turn, turn+1), 0
	for k := range turns {
		// The numbers of turn 0 are those of Prompt.
		rng := rand.New(rand.NewPCG(s.Seed^seedStream^uint64(k)<<32, uint64(session)))
		n := s.Input.Draw(rng)
		limit = s.Output.Draw(rng)
		turns[k].User = string(appendWords(nil, rng, n))
		if k < turn {
			turns[k].Answer = string(appendWords(nil, rng, limit))
		}
	}
	return api.Prompt{Messages: history(turns), MaxTokens: limit}
}

// Size is the length of prompt i in words, and its token limit.
func (s Synthetic) Size(i int64) (words, limit int) {
	rng := rand.New(rand.NewPCG(s.Seed^seedStream, uint64(i)))
	words = s.Input.Draw(rng)
	return words, s.Output.Draw(rng)
}

// Turns is the number of turns that the dataset has for session s, at least 1.
func (d *Dataset) Turns(session int64) int { return max(1, len(d.at(session).Turns)) }

// Talks is the number of entries with several turns.
func (d *Dataset) Talks() (n int) {
	for i := range d.Prompts {
		if len(d.Prompts[i].Turns) > 1 {
			n++
		}
	}
	return n
}

// SessionPrompt is turn number turn of session s, which is the conversation of
// entry s, with all before it. Beyond its end it is the last turn.
func (d *Dataset) SessionPrompt(session int64, turn int) api.Prompt {
	p := d.Prompt(session)
	e := d.at(session)
	if turn = min(turn, len(e.Turns)-1); turn < 1 {
		return p
	}
	p.Text, p.Messages = "", history(e.Turns[:turn+1])
	return p
}

// Prefixed puts the same words, as what a system is told, before all prompts of a
// Source, as a service's own instructions stand before what its users ask.
type Prefixed struct {
	Source
	Seed  uint64
	Words int
}

// conversations are Sources that know the turns before.
type conversations interface {
	SessionPrompt(session int64, turn int) api.Prompt
}

// Prompt implements Source.
func (p Prefixed) Prompt(i int64) api.Prompt { return p.put(p.Source.Prompt(i)) }

// SessionPrompt is that of the Source; one that knows no sessions gives each a
// prompt of its own.
func (p Prefixed) SessionPrompt(session int64, turn int) api.Prompt {
	if c, ok := p.Source.(conversations); ok {
		return p.put(c.SessionPrompt(session, turn))
	}
	return p.Prompt(session)
}

// Size is that of the Source with the words before.
func (p Prefixed) Size(i int64) (words, limit int) {
	s, ok := p.Source.(interface{ Size(int64) (int, int) })
	if !ok {
		return 0, 0
	}
	words, limit = s.Size(i)
	return p.Words + words, limit
}

// sharedStream keeps the words apart from those of the prompts.
const sharedStream = 0x73686172_65647072

func (p Prefixed) put(in api.Prompt) api.Prompt {
	shared := string(AppendWords(nil, p.Seed^sharedStream, 0, p.Words))
	messages := in.Messages
	if len(messages) == 0 {
		messages = []api.Message{{Role: "user", Content: in.Text}}
	}
	// Chat templates take one message of a system, the first.
	if messages[0].Role == "system" {
		shared += "\n" + messages[0].Content
		messages = messages[1:]
	}
	in.Text, in.Messages = "", append([]api.Message{{Role: "system", Content: shared}}, messages...)
	return in
}
