package load

import (
	"math/rand/v2"
	"time"

	"llmops/probes/load/length"
)

// Dialogues are sessions of random length whose people think for random times.
type Dialogues struct {
	Seed  uint64
	Turns length.Dist
	Think length.Times
}

// dialogueStream keeps their random numbers apart from those of prompts and arrivals.
const dialogueStream = 0x7475726e_73000000

// Session implements Sessions.
func (d Dialogues) Session(s int64) Session {
	rng := rand.New(rand.NewPCG(d.Seed^dialogueStream, uint64(s)))
	think := make([]time.Duration, max(1, d.Turns.Draw(rng)))
	for i := range think[1:] {
		think[1+i] = d.Think.Draw(rng)
	}
	return Session{Think: think}
}
