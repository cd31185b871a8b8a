package loadtestcmd

import (
	"llmops/cmd/internal/cli"
	"llmops/probes/load"
	"llmops/probes/load/prompt"
)

// scripted shortens sessions to what the dataset has for each.
type scripted struct {
	load.Sessions
	dataset *prompt.Dataset
}

func (s scripted) Session(number int64) load.Session {
	out := s.Sessions.Session(number)
	out.Think = out.Think[:min(len(out.Think), s.dataset.Turns(number))]
	return out
}

// converse fits sessions and prompts to each other, puts before all prompts what they
// share, and several into one request.
func (o *options) converse(cfg *load.Config) {
	if d, ok := cfg.Prompts.(*prompt.Dataset); ok && cfg.Sessions != nil {
		cfg.Sessions = scripted{cfg.Sessions, d}
	}
	if o.sharedPrefix > 0 {
		cfg.Prompts = prompt.Prefixed{Source: cfg.Prompts, Seed: o.seed, Words: o.sharedPrefix}
	}
	if o.batch > 1 {
		cfg.Prompts = batch{cfg.Prompts, int64(o.batch)}
	}
}

// checkTalks wants a dataset to have the turns that are asked for.
func (o *options) checkTalks(d *prompt.Dataset) error {
	if o.people.turns.IsZero() || d.Talks() > 0 {
		return nil
	}
	return cli.WithHint(cli.Usagef("--turns: no entry of %s is a conversation of several turns", o.dataset), "they are read from ShareGPT files; without --dataset turns are made up")
}
