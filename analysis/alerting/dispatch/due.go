package dispatch

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"llmops/rules/alert/routing"
)

// Sent is what a history keeps of a notification, until the next one of its Key.
type Sent struct {
	At     int64    // Unix ms
	Firing []string // the fingerprints of the alerts that fire, as the receiver knows, sorted
}

// Key names what a receiver was told of a group.
type Key struct{ GroupKey, Receiver string }

// History is what was told last.
type History map[Key]Sent

// Due is what is to be told at now, in Unix ms, by a program that runs from time
// to time: it tells what changed since it told last, and does not know how long it
// slept.
//
//   - group_wait is not waited for: what fires is told by the first run that sees it.
//   - A receiver that knows of a firing alert of the group is told of changes if
//     group_interval has passed since it was told last, else by a later run.
//   - A firing group is told again when repeat_interval has passed.
//   - An alert that the receiver knows to fire and that does so no longer is told
//     as resolved, even if alerts has it no more; then no ID stands for it.
//   - A step of an escalation tells of the alerts that have reached it.
//   - What was told after now, by another clock or of newer samples, counts as told as
//     long ago as it is ahead.
//
// ended are the entries whose alerts are all resolved and whose receiver is not
// told so, or that the routes no longer lead to: they are to be forgotten.
func Due(c routing.Config, alerts []Alert, now int64, history History) (due []Notification, ended []Key) {
	d := &duty{world: observe(c, alerts, 0, now), history: history, now: now, visited: map[Key]bool{}}
	for _, g := range d.groups() {
		for _, name := range g.route.Receivers {
			d.consider(g, name, nil)
		}
		for n := range g.route.Escalation {
			for _, name := range g.route.Escalation[n].Receivers {
				d.consider(g, name, &g.route.Escalation[n])
			}
		}
	}
	d.orphans()
	return d.due, d.ended
}

type duty struct {
	*world
	history History
	now     int64
	visited map[Key]bool
	due     []Notification
	ended   []Key
}

// groups are those of all alerts until now, by route and key.
func (d *duty) groups() []*group {
	all := map[groupID]*group{}
	for i, a := range d.alerts {
		for _, r := range d.config.Match(a.Labels) {
			labels := grouping(r, a.Labels)
			id := groupID{d.order[r], groupKey(r, labels)}
			if all[id] == nil {
				all[id] = &group{route: r, number: id.route, key: id.key, labels: labels, members: map[string]*member{}}
			}
			all[id].members[d.prints[i]] = &member{alert: i}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.key, b.key))
	})
}

func (d *duty) consider(g *group, name string, step *routing.Escalation) {
	key := Key{g.key, name}
	receiver, ok := d.sends[name]
	if !ok || d.visited[key] {
		return
	}
	d.visited[key] = true
	if covers(d.mutes[g.route], d.now) {
		return
	}
	last, known := d.history[key]
	if last.At > d.now { // by another clock, or of newer samples: as far off in the past it holds nothing back for ever
		last.At = 2*d.now - last.At
	}
	var firing, resolved []int
	gone, hushed := 0, false // hushed: what the receiver knows to fire still does, quietly
	for _, p := range last.Firing {
		if g.members[p] == nil {
			gone++
		}
	}
	for p, m := range g.members {
		switch {
		case covers(d.quiet[m.alert], d.now):
			hushed = hushed || end(d.alerts[m.alert]) > d.now && slices.Contains(last.Firing, p)
		case end(d.alerts[m.alert]) > d.now:
			if step != nil {
				reached, ok := d.reached(m.alert, g.route, ms(step.After))
				if !slices.Contains(last.Firing, p) && (!ok || reached > d.now) {
					continue
				}
			}
			firing = append(firing, m.alert)
		case slices.Contains(last.Firing, p):
			resolved = append(resolved, m.alert)
		}
	}
	if n := len(firing) + len(resolved); n+gone == 0 || n == 0 && hushed {
		return
	}
	slices.Sort(firing)
	slices.Sort(resolved)

	var e *entry
	if known {
		e = &entry{at: last.At, firing: setOf(last.Firing)}
		if len(last.Firing) > 0 && d.now-last.At < ms(g.route.GroupInterval) {
			return
		}
	}
	fires := d.printSet(firing)
	reason, ok := decide(e, fires, d.printSet(resolved), receiver.SendResolved, g.route.RepeatInterval, d.now)
	if !ok && gone > 0 && receiver.SendResolved {
		reason, ok = Changed, true
	}
	switch {
	case !ok:
	case len(firing) == 0 && !receiver.SendResolved:
		d.ended = append(d.ended, key)
	default:
		if step != nil && (e == nil || !subset(fires, e.firing)) {
			reason = Escalation
		}
		d.due = append(d.due, d.notification(told{d.now, g.route, g.key, g.labels, receiver, step, firing, resolved, reason}))
	}
}

func setOf(prints []string) map[string]bool {
	set := make(map[string]bool, len(prints))
	for _, p := range prints {
		set[p] = true
	}
	return set
}

// orphans are entries of the history of whose group no alert is left. Where one of
// its alerts fires in another group now, the routes were changed, and that is no end.
func (d *duty) orphans() {
	fires := map[string]bool{}
	for i, a := range d.alerts {
		fires[d.prints[i]] = fires[d.prints[i]] || end(a) > d.now
	}
	keys := slices.SortedFunc(maps.Keys(d.history), func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.GroupKey, b.GroupKey), cmp.Compare(a.Receiver, b.Receiver))
	})
	for _, key := range keys {
		last := d.history[key]
		if d.visited[key] || len(last.Firing) == 0 {
			continue
		}
		receiver, ok := d.sends[key.Receiver]
		if !ok || !receiver.SendResolved || slices.ContainsFunc(last.Firing, func(p string) bool { return fires[p] }) {
			d.ended = append(d.ended, key)
			continue
		}
		d.due = append(d.due, Notification{
			At: d.now, Receiver: key.Receiver, GroupKey: key.GroupKey, GroupLabels: labelsOf(key.GroupKey),
			Firing: []int{}, Resolved: []int{}, Reason: Resolved, Sent: Sent{At: d.now, Firing: []string{}},
		})
	}
}

// labelsOf are the labels at the end of a group's key.
func labelsOf(key string) map[string]string {
	labels := map[string]string{}
	for from := 0; ; {
		i := strings.Index(key[from:], "}:{")
		if i < 0 {
			return labels
		}
		from += i + 2
		if ms, err := routing.ParseMatchers(key[from:]); err == nil {
			for _, m := range ms {
				labels[m.Label] = m.Value
			}
			return labels
		}
	}
}
