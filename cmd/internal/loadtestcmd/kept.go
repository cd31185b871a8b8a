package loadtestcmd

import (
	"llmops/cmd/internal/runfolder"
	"llmops/probes/load"
)

// kept is what the run folder keeps of a run beside its requests.
func (b *bench) kept(m *measurement) runfolder.Facts {
	whole := *b.o
	whole.shard = load.Shard{}
	return runfolder.Facts{
		Run: b.facts(m), Load: whole.describe(),
		Objectives: b.objectives, Confidence: b.o.confidence, Price: b.o.price(),
		First: m.first.detail, Exhausted: m.result.Exhausted, Ended: !m.result.Ended.IsZero(),
	}
}
