package dispatch

import (
	"container/heap"
	"maps"
	"slices"

	"llmops/rules/alert/routing"
)

// Simulate tells who would have been told when, from start to end, both included,
// in Unix ms; start 0 is the first alert. An alert that began before start counts
// from there.
//
// The rules are Alertmanager's. The first alert of a group opens it; the receivers
// of the route are told after group_wait of what fires then, and every
// group_interval after that if alerts were added or resolved, or if
// repeat_interval has passed since they were told last. A group ends with the
// first of these times at which all its alerts are resolved. What is quiet at such
// a time is left out of it, and not made up for if it was resolved by then.
//
// A step of an escalation tells its receivers of the alerts, and only of those,
// that have fired for its time without being quiet: the first one of a group at
// once, those after it at the times of the group. Before the receivers of the
// route are told, no step is.
func Simulate(c routing.Config, alerts []Alert, start, end int64) Plan {
	w := observe(c, alerts, start, end)
	s := &simulation{world: w, sent: map[sentKey]*entry{}, groups: map[groupID]*group{}, twins: map[string][]int{}}
	c.Walk(func(r *routing.Route) { s.twins[r.Key] = append(s.twins[r.Key], w.order[r]) })
	plan := Plan{Receivers: map[int][]string{}}
	for next := 0; ; {
		t := never
		if next < len(w.alerts) {
			t = w.alerts[next].From
		}
		if len(s.queue) > 0 {
			t = min(t, s.queue[0].at)
		}
		if t > end {
			break
		}
		for ; next < len(w.alerts) && w.alerts[next].From == t; next++ {
			s.arrive(next, t)
		}
		for len(s.queue) > 0 && s.queue[0].at == t {
			s.wake(s.queue[0], t)
		}
	}
	for _, m := range s.told {
		plan.Notifications = append(plan.Notifications, w.notification(m))
		for _, i := range m.firing {
			id := w.alerts[i].ID
			if !slices.Contains(plan.Receivers[id], m.receiver.Name) {
				plan.Receivers[id] = append(plan.Receivers[id], m.receiver.Name)
			}
		}
	}
	plan.Suppressed = w.suppressions()
	return plan
}

type sentKey struct{ group, receiver string }

type groupID struct {
	route int // its number
	key   string
}

type simulation struct {
	*world
	sent   map[sentKey]*entry
	groups map[groupID]*group
	twins  map[string][]int // the numbers of the routes that share a key
	queue  queue
	told   []told
}

// group is the alerts of a route that have the same labels to group by.
type group struct {
	route   *routing.Route
	number  int // of the route
	key     string
	labels  map[string]string
	members map[string]*member // by fingerprint
	base    int64              // the last time of the group; before the first one the time that is to be the first
	begun   bool               // the first time has passed
	tick    int64              // the next time at which something may have changed
	at      int64              // of what is next, a step of an escalation or the time of the group
	index   int                // in the queue
}

type member struct {
	alert int  // the latest with these labels
	seen  bool // at a time of the group
}

func (s *simulation) arrive(i int, t int64) {
	for _, r := range s.config.Match(s.alerts[i].Labels) {
		labels := grouping(r, s.alerts[i].Labels)
		key := groupKey(r, labels)
		id := groupID{s.order[r], key}
		g := s.groups[id]
		if g == nil {
			first := t + ms(r.GroupWait)
			g = &group{route: r, number: s.order[r], key: key, labels: labels, members: map[string]*member{}, base: first, tick: first, at: first}
			s.groups[id] = g
			heap.Push(&s.queue, g)
		}
		g.members[s.prints[i]] = &member{alert: i}
		if g.begun {
			g.tick = min(g.tick, g.tickFrom(t))
			s.schedule(g, t-1) // what is due at t is still to come
		}
	}
}

// tickFrom is the first time of the group, after its last one, that is not before t.
func (g *group) tickFrom(t int64) int64 {
	if t == never {
		return never
	}
	every := ms(g.route.GroupInterval)
	n := max(1, (t-g.base+every-1)/every)
	return g.base + n*every
}

// wake does what is due for the group at t.
func (s *simulation) wake(g *group, t int64) {
	if g.tick != t {
		s.steps(g, t, true)
		g.tick = min(g.tick, g.tickFrom(s.change(g, t)))
		s.schedule(g, t)
		return
	}
	g.begun, g.base = true, t
	for _, m := range g.members {
		m.seen = true
	}
	firing, resolved := s.audible(g, t, func(*member) bool { return true })
	if len(firing)+len(resolved) > 0 {
		for _, name := range g.route.Receivers {
			s.tell(g, name, nil, firing, resolved, t)
		}
	}
	s.steps(g, t, false)
	maps.DeleteFunc(g.members, func(_ string, m *member) bool { return end(s.alerts[m.alert]) <= t })
	if len(g.members) == 0 {
		delete(s.groups, groupID{g.number, g.key})
		heap.Remove(&s.queue, g.index)
		return
	}
	g.tick = g.tickFrom(s.change(g, t))
	s.schedule(g, t)
}

// audible are the members that are not quiet at t, those that fire and those that
// are resolved, by From.
func (s *simulation) audible(g *group, t int64, which func(*member) bool) (firing, resolved []int) {
	if covers(s.mutes[g.route], t) {
		return nil, nil
	}
	for _, m := range g.members {
		switch {
		case !which(m) || covers(s.quiet[m.alert], t):
		case end(s.alerts[m.alert]) <= t:
			resolved = append(resolved, m.alert)
		default:
			firing = append(firing, m.alert)
		}
	}
	slices.Sort(firing)
	slices.Sort(resolved)
	return firing, resolved
}

// steps tells the receivers of escalations; only those who know of no firing
// alert of the group yet if idle.
func (s *simulation) steps(g *group, t int64, idle bool) {
	for n := range g.route.Escalation {
		step := &g.route.Escalation[n]
		firing, resolved := s.audible(g, t, func(m *member) bool {
			reached, ok := s.reached(m.alert, g.route, ms(step.After))
			return m.seen && ok && reached <= t
		})
		if len(firing)+len(resolved) == 0 {
			continue
		}
		for _, name := range step.Receivers {
			if !idle || s.idle(g, name) {
				s.tell(g, name, step, firing, resolved, t)
			}
		}
	}
}

func (s *simulation) idle(g *group, name string) bool {
	e := s.sent[sentKey{g.key, name}]
	return e == nil || len(e.firing) == 0
}

func (s *simulation) tell(g *group, name string, step *routing.Escalation, firing, resolved []int, t int64) {
	receiver, ok := s.sends[name]
	if !ok {
		return
	}
	key := sentKey{g.key, name}
	e := s.sent[key]
	if e != nil && t >= e.expires(g.route) {
		e = nil
	}
	now := entry{t, s.printSet(firing), s.printSet(resolved)}
	reason, ok := decide(e, now.firing, now.resolved, receiver.SendResolved, g.route.RepeatInterval, t)
	if !ok {
		return
	}
	if step != nil && (e == nil || !subset(now.firing, e.firing)) {
		reason = Escalation
	}
	s.sent[key] = &now
	s.nudge(g, t)
	if len(firing) > 0 || receiver.SendResolved {
		s.told = append(s.told, told{t, g.route, g.key, g.labels, receiver, step, firing, resolved, reason})
	}
}
