package dispatch

import (
	"cmp"
	"container/heap"

	"llmops/rules/alert/routing"
)

// nudge has groups of routes with the same matchers next to each other look again:
// they share what was told, as in Alertmanager.
func (s *simulation) nudge(g *group, t int64) {
	for _, number := range s.twins[g.route.Key] {
		other := s.groups[groupID{number, g.key}]
		if other == nil || other == g || !other.begun {
			continue
		}
		from := t
		if number < g.number { // it has had its turn at t
			from++
		}
		other.tick = min(other.tick, other.tickFrom(from))
		s.schedule(other, from-1)
	}
}

// change is the next time after t at which telling may come out differently.
func (s *simulation) change(g *group, t int64) int64 {
	next := edge(s.mutes[g.route], t)
	for _, m := range g.members {
		next = min(next, edge(s.quiet[m.alert], t))
		if to := end(s.alerts[m.alert]); to > t {
			next = min(next, to)
		}
		for _, step := range g.route.Escalation {
			if reached, ok := s.reached(m.alert, g.route, ms(step.After)); ok && reached > t {
				next = min(next, reached)
			}
		}
	}
	for name := range s.listeners(g.route) {
		if e := s.sent[sentKey{g.key, name}]; e != nil {
			for _, due := range []int64{e.at + ms(g.route.RepeatInterval), e.expires(g.route)} {
				if due <= t { // and yet not told, because what is left is quiet
					continue
				}
				next = min(next, due)
			}
		}
	}
	return next
}

// listeners are all who may be told by a route, with the step, nil for its receivers.
func (s *simulation) listeners(r *routing.Route) map[string]*routing.Escalation {
	out := map[string]*routing.Escalation{}
	for _, name := range r.Receivers {
		out[name] = nil
	}
	for n := range r.Escalation {
		for _, name := range r.Escalation[n].Receivers {
			out[name] = &r.Escalation[n]
		}
	}
	return out
}

// schedule puts the group where it belongs in the queue after t.
func (s *simulation) schedule(g *group, t int64) {
	g.at = g.tick
	for name, step := range s.listeners(g.route) {
		if step == nil || !s.idle(g, name) {
			continue
		}
		for _, m := range g.members {
			if reached, ok := s.reached(m.alert, g.route, ms(step.After)); ok && m.seen && reached > t {
				g.at = min(g.at, reached)
			}
		}
	}
	heap.Fix(&s.queue, g.index)
}

// queue is a heap of groups by what is next, then by route and key.
type queue []*group

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].number, q[j].number), cmp.Compare(q[i].key, q[j].key)) < 0
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	g := x.(*group)
	g.index = len(*q)
	*q = append(*q, g)
}

func (q *queue) Pop() any {
	old := *q
	g := old[len(old)-1]
	*q = old[:len(old)-1]
	return g
}
