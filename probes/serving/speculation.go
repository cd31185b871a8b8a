package serving

import "llmops/probes/snapshot"

// speculation tells what became of drafted tokens; nil where the engine says nothing
// of them, and where its gauges stand at zero: it does not draft, or has not yet.
func (e *engine) speculation(now, counted page) *snapshot.Speculation {
	x := &snapshot.Speculation{
		DraftsTotal: e.sum(now, e.drafts), DraftTokensTotal: e.sum(now, e.drafted), AcceptedTokensTotal: e.sum(now, e.accepted),
		AcceptanceRate: ratio(e.sum(counted, e.accepted), e.sum(counted, e.drafted)),
	}
	// The model itself adds a token to those that it accepts.
	if steps, accepted := e.sum(counted, e.drafts), e.sum(counted, e.accepted); steps != nil && accepted != nil && *steps > 0 {
		x.AcceptanceLength = finite(1 + *accepted / *steps)
	}
	if length := e.fullest(now, e.acceptLength); length != nil && *length > 0 {
		x.AcceptanceRate, x.AcceptanceLength = share(e.fullest(now, e.acceptRate)), length
	}
	if *x == (snapshot.Speculation{}) {
		return nil
	}
	return x
}
