package loadreport

import (
	"fmt"
	"sync"

	"llmops/probes/request"
)

// Trace says what recorded traffic was played.
type Trace struct {
	Format    string  `json:"format"`
	Name      string  `json:"name"`   // of the file, without its folder
	Rows      int     `json:"rows"`   // that were read
	Played    int     `json:"played"` // of them within the run, warm-up included
	SpanS     float64 `json:"span_s"` // from the first to the last arrival of those, as played
	TimeScale float64 `json:"time_scale"`
	Sessions  int     `json:"sessions,omitempty"`
	Think     bool    `json:"think,omitempty"`    // turns wait for the one before and its think time
	LeftOut   int     `json:"left_out,omitempty"` // rows of requests that had failed
	Unsorted  int     `json:"unsorted,omitempty"` // rows that stood behind a later one
	Clipped   int     `json:"clipped,omitempty"`  // requests whose prompt was made shorter
	// PrefixReuse is the share of the prompt blocks of what was sent that came
	// before: the hit rate of a prefix cache without end.
	PrefixReuse *float64 `json:"prefix_reuse,omitempty"`
}

// Lengths compares the lengths that succeeded requests asked for with those that
// the server counted.
type Lengths struct {
	Prompt *Length `json:"prompt,omitempty"`
	Output *Length `json:"output,omitempty"`
}

// Length is over the requests of which both are known.
type Length struct {
	Requests int64   `json:"requests"`
	Asked    float64 `json:"asked"`    // mean, tokens; of an output the limit
	Measured float64 `json:"measured"` // mean, tokens
}

// lengthSlack is by how much of what was asked the mean may be off before it is
// worth a warning: words are not tokens, and chat templates add some.
const lengthSlack = 0.10

// Ratio is Measured over Asked.
func (l Length) Ratio() float64 { return l.Measured / l.Asked }

// off tells that the mean is off by more than the slack.
func (l *Length) off() bool {
	return l != nil && (l.Ratio() > 1+lengthSlack || l.Ratio() < 1-lengthSlack)
}

// LengthCounter sums lengths up. It is safe for concurrent use.
type LengthCounter struct {
	mu             sync.Mutex
	prompt, output lengthSum
}

type lengthSum struct{ n, asked, measured int64 }

func (s *lengthSum) add(asked int, measured *int64) {
	if asked > 0 && measured != nil {
		s.n++
		s.asked += int64(asked)
		s.measured += *measured
	}
}

func (s lengthSum) length() *Length {
	if s.n == 0 {
		return nil
	}
	return &Length{Requests: s.n, Asked: round6(float64(s.asked) / float64(s.n)), Measured: round6(float64(s.measured) / float64(s.n))}
}

// Add counts a request that asked for a prompt of so many tokens and at most so
// many of output; 0: not known.
func (c *LengthCounter) Add(prompt, output int, r *request.Record) {
	if !r.OK {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prompt.add(prompt, r.PromptTokens)
	c.output.add(output, r.CompletionTokens)
}

// Lengths is nil when nothing was counted.
func (c *LengthCounter) Lengths() *Lengths {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &Lengths{Prompt: c.prompt.length(), Output: c.output.length()}
	if *l == (Lengths{}) {
		return nil
	}
	return l
}

// warnings say where the lengths are off. Outputs are compared only where each
// should be as long as its limit.
func (l *Lengths) warnings(exact bool) (out []string) {
	if l == nil {
		return nil
	}
	if p := l.Prompt; p.off() {
		out = append(out, fmt.Sprintf("prompts have %.4g tokens on average by the server's count where %.4g were asked for (%+.0f%%): its tokenizer or its chat template makes more or fewer than one of a word",
			p.Measured, p.Asked, 100*(p.Ratio()-1)))
	}
	if o := l.Output; exact && o.off() {
		out = append(out, fmt.Sprintf("answers have %.4g tokens on average where the trace has %.4g (%+.0f%%): add --ignore-eos if the server knows it (vLLM, SGLang)",
			o.Measured, o.Asked, 100*(o.Ratio()-1)))
	}
	return out
}
