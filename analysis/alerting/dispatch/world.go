package dispatch

import (
	"cmp"
	"fmt"
	"slices"

	"llmops/rules/alert/routing"
)

// world is what is known before anything is told: alerts, by From and ID, and when
// each of them is quiet.
type world struct {
	config              routing.Config
	alerts              []Alert
	prints              []string // fingerprints
	inhibited, silenced [][]span
	quiet               [][]span // both
	mutes               map[*routing.Route][]span
	order               map[*routing.Route]int
	reach               map[reach]int64             // see reached; never where it is not
	sends               map[string]routing.Receiver // those with a channel
	from, to            int64
}

// observe leaves out what was resolved before from, or begins after to.
func observe(c routing.Config, alerts []Alert, from, to int64) *world {
	w := &world{
		config: c, mutes: map[*routing.Route][]span{}, order: map[*routing.Route]int{}, reach: map[reach]int64{},
		sends: map[string]routing.Receiver{}, from: from, to: to,
	}
	for _, a := range alerts {
		if a.From <= to && end(a) > max(from, a.From) {
			a.From = max(a.From, from)
			w.alerts = append(w.alerts, a)
		}
	}
	slices.SortStableFunc(w.alerts, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID))
	})
	w.from = to // mutes before the first alert matter to nobody
	if len(w.alerts) > 0 {
		w.from = w.alerts[0].From
	}
	w.prints = make([]string, len(w.alerts))
	for i, a := range w.alerts {
		w.prints[i] = Fingerprint(a.Labels)
	}
	w.inhibited, w.silenced = inhibited(c.Inhibit, w.alerts), silenced(c.Silences, w.alerts)
	w.quiet = make([][]span, len(w.alerts))
	for i := range w.quiet {
		w.quiet[i] = union(slices.Concat(w.inhibited[i], w.silenced[i]))
	}
	known := map[string][]span{} // by the names of the intervals, which many routes share
	c.Walk(func(r *routing.Route) {
		w.order[r] = len(w.order)
		key := fmt.Sprintf("%q %q", r.MuteTimeIntervals, r.ActiveTimeIntervals)
		spans, ok := known[key]
		if !ok {
			spans = muted(c, r, w.from, to)
			known[key] = spans
		}
		w.mutes[r] = spans
	})
	for _, r := range c.Receivers {
		if r.Sends() {
			w.sends[r.Name] = r
		}
	}
	return w
}

type reach struct {
	alert int
	route *routing.Route
	after int64
}

// reached is when an alert has fired for the time of a step without being quiet
// in between; ok is false where it never does.
func (w *world) reached(i int, r *routing.Route, after int64) (t int64, ok bool) {
	key := reach{i, r, after}
	t, known := w.reach[key]
	if !known {
		a := w.alerts[i]
		quiet := union(slices.Concat(clip(w.quiet[i], a.From, end(a)), clip(w.mutes[r], a.From, end(a))))
		t = never
		free := a.From
		for _, s := range append(quiet, span{end(a), never, ""}) {
			if s.from-free > after {
				t = free + after
				break
			}
			free = s.to
		}
		w.reach[key] = t
	}
	return t, t != never
}

// suppressions are the times within which alerts fired quietly.
func (w *world) suppressions() []Suppression {
	var out []Suppression
	for i, a := range w.alerts {
		add := func(spans []span, why Why, route string) {
			for _, s := range clip(spans, a.From, min(end(a), w.to+1)) {
				if s.to > w.to {
					s.to = 0
				}
				out = append(out, Suppression{a.ID, s.from, s.to, why, s.by, route})
			}
		}
		add(w.inhibited[i], Inhibited, "")
		add(w.silenced[i], Silenced, "")
		for _, r := range w.config.Match(a.Labels) {
			add(w.mutes[r], Muted, r.Key)
		}
	}
	slices.SortStableFunc(out, func(a, b Suppression) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.From, b.From))
	})
	return out
}

// grouping is the labels of the group of an alert in a route.
func grouping(r *routing.Route, labels map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range labels {
		if r.GroupByAll || slices.Contains(r.GroupBy, name) {
			out[name] = value
		}
	}
	return out
}

func groupKey(r *routing.Route, labels map[string]string) string {
	return r.Key + ":" + labelSet(labels).String()
}

// ids are those of alerts by their indices, which go by From.
func (w *world) ids(indices []int) []int {
	out := make([]int, len(indices))
	for n, i := range indices {
		out[n] = w.alerts[i].ID
	}
	return out
}
