package request

import "time"

// Derive fills TTFTms, TPOTms, LatencyMs and QueueMs from the time anchors and
// the chunks. Definitions (docs/metrics.md):
//
//	ttft    = first token - scheduled
//	latency = done - scheduled
//	queue   = sent - scheduled
//	tpot    = (last token - first token) / (tokens - tokens of the first chunk)
//
// tpot is absent when one chunk carried everything, or all came at the same
// moment: nothing was timed then.
func (r *Record) Derive() {
	r.TTFTms = between(r.ScheduledAt, r.FirstTokenAt)
	r.LatencyMs = between(r.ScheduledAt, r.DoneAt)
	r.QueueMs = between(r.ScheduledAt, r.SentAt)
	r.TPOTms = nil
	if n := len(r.Chunks); r.CompletionTokens == nil || n < 2 || r.Chunks[n-1].At == r.Chunks[0].At {
		return
	}
	if rest := *r.CompletionTokens - int64(r.Chunks[0].Tokens); rest > 0 {
		r.TPOTms = new(Ms(r.LastTokenAt.Sub(r.FirstTokenAt)) / float64(rest))
	}
}

func between(from, to time.Time) *float64 {
	if from.IsZero() || to.IsZero() {
		return nil
	}
	return new(Ms(to.Sub(from)))
}

// Ms is d in milliseconds.
func Ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
