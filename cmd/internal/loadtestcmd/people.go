package loadtestcmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"llmops/analysis/loadreport"
	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/length"
)

// people are the flags that make requests come as people send them: in
// conversations, and broken off.
type people struct {
	turns      length.Dist
	think      length.Times
	cancelText string

	quitters load.Quitters // read from cancelText
}

func (p *people) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&p.turns, "turns", "requests of a session, one after the other, forms of --prompt-tokens (default 1); --rate and --concurrency then count sessions")
	f.Var(&p.think, "think-time", "how long a session waits between two turns: 5s, uniform:1s,10s, normal:5s,2s, lognormal:5s,0.8")
	f.StringVar(&p.cancelText, "cancel", "", "share of the requests that the client breaks off, and when: `PLAN`, such as 5%:after=2s or 5%:after=20tok (token events)")
	cli.Depends(cmd, "turns", "think-time")
}

func (p *people) check() (err error) {
	if p.think.String() != "" && p.turns.IsZero() {
		return cli.Usagef("--think-time needs --turns: it passes between two turns of a session")
	}
	if p.cancelText != "" {
		if p.quitters, err = load.ParseQuitters(p.cancelText); err != nil {
			return cli.Usage(fmt.Errorf("--cancel: %w", err))
		}
	}
	return nil
}

// describe is what they do in words, to stand behind the load.
func (p *people) describe() string {
	var b strings.Builder
	if !p.turns.IsZero() {
		fmt.Fprintf(&b, "; sessions of %s turns", &p.turns)
		if p.think.String() != "" {
			fmt.Fprintf(&b, ", %s apart", &p.think)
		}
	}
	if p.cancelText != "" {
		fmt.Fprintf(&b, "; cancelled: %s", p.cancelText)
	}
	return b.String()
}

// sessions is what summary.json says of them; nil: each request stands alone.
func (p *people) sessions() *loadreport.Sessions {
	if p.turns.IsZero() {
		return nil
	}
	return &loadreport.Sessions{Turns: p.turns.String(), ThinkTime: p.think.String()}
}

// into puts into a run what people do.
func (p *people) into(cfg *load.Config, seed uint64) {
	if !p.turns.IsZero() {
		cfg.Sessions = load.Dialogues{Seed: seed, Turns: p.turns, Think: p.think}
	}
	if p.cancelText != "" {
		q := p.quitters
		q.Seed = seed
		cfg.Cancel = q.Cancel
	}
}
