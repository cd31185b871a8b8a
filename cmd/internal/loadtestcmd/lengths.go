package loadtestcmd

import (
	"llmops/analysis/loadreport"
	"llmops/probes/load"
	"llmops/probes/load/trace"
	"llmops/probes/request"
)

// sized are prompts of known lengths.
type sized interface {
	Size(id int64) (prompt, limit int)
}

// lengths compares what requests ask for with what the server counts.
type lengths struct {
	prompts sized
	loadreport.LengthCounter
}

// lengthsOf is nil where the lengths are not known beforehand: the turns of
// generated sessions hold all that was said before.
func lengthsOf(cfg load.Config) *lengths {
	s, ok := cfg.Prompts.(sized)
	if _, planned := cfg.Prompts.(*trace.Plan); !ok || cfg.Sessions != nil && !planned {
		return nil
	}
	return &lengths{prompts: s}
}

func (l *lengths) add(r *request.Record) {
	if l != nil {
		prompt, limit := l.prompts.Size(r.ID)
		l.Add(prompt, limit, r)
	}
}

func (l *lengths) summary() *loadreport.Lengths {
	if l == nil {
		return nil
	}
	return l.Lengths()
}

// facts is what the summary needs of a run beside its records.
func (b *bench) facts(m *measurement) loadreport.Run {
	run := b.o.facts(b.app, b.targets, m.result, m.err)
	run.Lengths, run.Prompts = m.lengths.summary(), b.made
	return run
}
