package dispatch

import (
	"maps"
	"slices"
	"time"

	"llmops/rules/alert/routing"
)

// entry is what a receiver was told last of a group.
type entry struct {
	at               int64
	firing, resolved map[string]bool // fingerprints
}

// forgotten is how long an entry lives after 2 repeat intervals at most:
// Alertmanager's default of --data.retention.
const forgotten = 120 * time.Hour

func ms(d time.Duration) int64 { return d.Milliseconds() }

// expires is when Alertmanager forgets the entry.
func (e *entry) expires(r *routing.Route) int64 {
	return e.at + min(2*ms(r.RepeatInterval), ms(forgotten))
}

// decide says whether a receiver is told, and why: what Alertmanager does with
// its notification log.
func decide(e *entry, firing, resolved map[string]bool, sendResolved bool, repeat time.Duration, now int64) (Reason, bool) {
	switch {
	case e == nil:
		return New, len(firing) > 0
	case !subset(firing, e.firing):
		if len(e.firing) == 0 {
			return New, true
		}
		return Changed, true
	case len(firing) == 0:
		return Resolved, len(e.firing) > 0
	case sendResolved && !subset(resolved, e.resolved):
		return Changed, true
	default:
		return Repeat, now-e.at >= ms(repeat)
	}
}

func subset(a, of map[string]bool) bool {
	for p := range a {
		if !of[p] {
			return false
		}
	}
	return true
}

func (w *world) printSet(indices []int) map[string]bool {
	set := make(map[string]bool, len(indices))
	for _, i := range indices {
		set[w.prints[i]] = true
	}
	return set
}

// told is a message about alerts of a group, by their indices.
type told struct {
	at               int64
	route            *routing.Route
	key              string
	labels           map[string]string
	receiver         routing.Receiver
	step             *routing.Escalation // nil: the receivers of the route
	firing, resolved []int
	reason           Reason
}

func (w *world) notification(m told) Notification {
	n := Notification{
		At: m.at, Receiver: m.receiver.Name, GroupKey: m.key, GroupLabels: maps.Clone(m.labels),
		Firing: w.ids(m.firing), Resolved: []int{}, Reason: m.reason,
		Sent: Sent{At: m.at, Firing: slices.Sorted(maps.Keys(w.printSet(m.firing)))},
	}
	if m.receiver.SendResolved {
		n.Resolved = w.ids(m.resolved)
	}
	if m.step != nil {
		n.After = ms(m.step.After)
	}
	return n
}
