package api

import (
	"math"
	"math/bits"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"llmops/probes/request"
)

// Count is a number of tokens that may be unknown.
type Count struct {
	N     int64
	Known bool
}

// Ptr is the number, nil when it is unknown.
func (c Count) Ptr() *int64 {
	if !c.Known {
		return nil
	}
	return new(c.N)
}

// Where Outcome.Tokens comes from.
const (
	FromUsage  = "usage"  // the server's count
	FromChunks = "chunks" // the number of token events
)

// Outcome is what became of one reply. Chunks, Bare and Text are the recorder's
// memory, valid until its next Reset; the rest is a copy.
type Outcome struct {
	Class  request.Class // request.OK is success
	Detail string        // what the failure said: one line, at most maxDetail bytes

	Tokens     Count  // of the output, reasoning included
	TokensFrom string // FromUsage or FromChunks; empty while Tokens is unknown
	Prompt     Count
	Reasoning  Count // part of Tokens
	Cached     Count // part of Prompt

	// Timed tells that a token event came. FirstToken, LastToken and Done are
	// times after the request was sent. A document that came in one piece
	// leaves no trace of when its first token was made: it is not Timed.
	Timed                 bool
	FirstToken, LastToken time.Duration
	// FirstAnswer is the first token event that is not reasoning alone, if
	// Answered.
	Answered    bool
	FirstAnswer time.Duration
	Done        time.Duration // terminal event, failure, or end of the body

	Chunks    []request.Chunk // token events in order
	Bare      []time.Duration // times of the events with a choice without output
	Thinking  int             // chunks before the first one with more than reasoning
	Coalesced int             // token events fed together with an earlier one

	Vectors      int // of an embeddings document
	FinishReason string
	Model        string
	Text         []byte // the answer, if Recorder.KeepText asked for it
}

// Outcome is the state of the reply. While nothing has ended it (see Over) its
// class is request.Truncated and Done is 0.
func (r *Recorder) Outcome() Outcome {
	o := Outcome{
		Class: r.class, Detail: r.detail, Done: r.done,
		Prompt: known(r.usage.prompt), Reasoning: known(r.usage.reasoning), Cached: known(r.usage.cached),
		Chunks: r.chunks, Bare: r.bare, Thinking: r.thinking, Coalesced: r.coalesced, Vectors: r.vectors,
		FinishReason: r.finish, Text: r.dec.answer,
	}
	if r.sawModel {
		o.Model = r.model
	}
	if !r.over {
		o.Class = request.Truncated
	}
	switch n := int64(len(r.chunks)); {
	case r.usage.completion >= 0:
		o.Tokens, o.TokensFrom = known(r.usage.completion), FromUsage
	case r.untimed, n == 0 && o.Class != request.OK, r.api.noText:
		// How many tokens a document without usage holds is not known.
	default:
		o.Tokens, o.TokensFrom = known(n), FromChunks
	}
	if len(r.chunks) > 0 {
		o.Timed = true
		o.FirstToken, o.LastToken = r.chunks[0].At, r.chunks[len(r.chunks)-1].At
		o.Answered, o.FirstAnswer = r.answered, r.firstAnswer
		r.share(o.Tokens)
	}
	return o
}

func known(n int64) Count {
	if n < 0 {
		return Count{}
	}
	return Count{N: n, Known: true}
}

// share fills in the tokens of each chunk: one each where the numbers agree,
// else what running usage says, else in proportion to the characters.
func (r *Recorder) share(tokens Count) {
	n := int64(len(r.chunks))
	total := tokens.N
	switch {
	case !tokens.Known || total <= n:
		for i := range r.chunks {
			r.chunks[i].Tokens = 1
		}
		return
	case r.running == len(r.chunks):
		for i := range r.chunks {
			r.chunks[i].Tokens = int32(min(r.sizes[i].tokens, math.MaxInt32))
		}
		return
	}
	var sum uint64
	for _, s := range r.sizes {
		sum += uint64(s.chars)
	}
	// Rounding the running total, not each part, keeps the sum exact. Every
	// chunk gets at least 1 and leaves at least 1 for each that follows.
	var chars, given uint64
	for i := range r.chunks {
		chars += uint64(r.sizes[i].chars)
		hi, lo := bits.Mul64(uint64(total), chars)
		lo, carry := bits.Add64(lo, sum/2, 0)
		upTo, _ := bits.Div64(hi+carry, lo, sum)
		left := uint64(total) - given - uint64(len(r.chunks)-1-i)
		part := uint64(1)
		if upTo > given+1 {
			part = upTo - given
		}
		part = min(part, left)
		given += part
		r.chunks[i].Tokens = int32(min(part, math.MaxInt32))
	}
}

// maxDetail leaves room: the caller takes out secrets before it shortens the
// text, and a secret that is cut in two would not be found.
const maxDetail = 4096

// Sanitize makes one printable line of at most maxDetail bytes out of what a server
// said: blanks and control characters become single spaces, and what is cut
// off is marked.
func Sanitize(text []byte) string {
	const mark = "..."
	var b strings.Builder
	space := false
	for len(text) > 0 {
		ch, size := utf8.DecodeRune(text)
		text = text[size:]
		if ch == utf8.RuneError && size == 1 || !unicode.IsPrint(ch) {
			space = true
			continue
		}
		if unicode.IsSpace(ch) {
			space = true
			continue
		}
		need := utf8.RuneLen(ch) + 1
		if b.Len()+need > maxDetail-len(mark) {
			return b.String() + mark
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(ch)
	}
	return b.String()
}
