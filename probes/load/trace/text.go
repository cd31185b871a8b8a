package trace

import (
	"math/rand/v2"

	"llmops/probes/load/prompt"
)

// What words are drawn for; it keeps their random numbers apart.
const (
	streamRow     = 0x74726163_65726f77
	streamBlock   = 0x74726163_65626c6b
	streamSession = 0x74726163_65736573
	streamLength  = 0x74726163_656c656e
)

// size is the length of row i's prompt, at least 1, and its limit on the output.
func (p *Plan) size(i int) (input, output int) {
	r := p.trace.rows[i]
	input, output = int(r.input), int(r.output)
	if input < 0 || output < 0 {
		rng := rand.New(rand.NewPCG(p.o.Seed^streamLength, uint64(i)))
		in, out := p.o.Input.Draw(rng), p.o.Output.Draw(rng)
		if input < 0 {
			input = in
		}
		if output < 0 {
			return max(input, 1), out
		}
	}
	// A request for nothing is none: the row still asked for its prompt to be read.
	return max(input, 1), max(output, 1)
}

// text is n words for row i.
func (p *Plan) text(i, n int) string {
	t := p.trace
	dst := make([]byte, 0, n*6)
	if t.chain != nil {
		for _, way := range t.chain[i] {
			k := min(n, t.block)
			dst = prompt.AppendWords(dst, p.o.Seed^streamBlock, way, k)
			n -= k
		}
	}
	// A session without blocks goes on with its own words, so that each turn holds
	// the history of those before it.
	if t.chain == nil && t.session != nil && t.session[i] > 0 {
		return string(prompt.AppendWords(dst, p.o.Seed^streamSession, uint64(t.session[i]), n))
	}
	return string(prompt.AppendWords(dst, p.o.Seed^streamRow, uint64(i), n))
}
