package alertscmd

import (
	"slices"
	"strconv"

	"llmops/analysis/alerting"
	"llmops/cmd/internal/render"
)

// changes are what other rules make of the same metrics.
type changes struct {
	Only  []changed `json:"only_now"`     // alerts that fire with the rules and not with those of --against
	Gone  []changed `json:"only_against"` // the other way round
	Moved []changed `json:"changed"`      // that fire with both, at other times or as often
	Same  int       `json:"same"`         // alerts that are the same with both
}

type changed struct {
	ref
	Times        int     `json:"fired"`
	FiringS      float64 `json:"firing_s"`
	FirstFired   *moment `json:"first_fired_at"`
	TimesBefore  int     `json:"fired_against"`
	FiringBefore float64 `json:"firing_s_against"`
	FirstBefore  *moment `json:"first_fired_at_against"`
}

// compare holds the alerts that fired against those that fired with other rules: by name
// and labels.
func compare(old, now alerting.Result) *changes {
	type both struct{ old, now []alerting.Alert }
	byKey, keys := map[string]*both{}, []string{}
	add := func(result alerting.Result, put func(*both, alerting.Alert)) {
		for _, a := range result.Alerts {
			if !fired(a) {
				continue
			}
			key := identity(a)
			if byKey[key] == nil {
				byKey[key] = &both{}
				keys = append(keys, key)
			}
			put(byKey[key], a)
		}
	}
	add(old, func(b *both, a alerting.Alert) { b.old = append(b.old, a) })
	add(now, func(b *both, a alerting.Alert) { b.now = append(b.now, a) })
	slices.Sort(keys)
	c := &changes{Only: []changed{}, Gone: []changed{}, Moved: []changed{}}
	for _, key := range keys {
		b := byKey[key]
		x := changed{}
		x.Times, x.FiringS, x.FirstFired = sum(b.now, now.End)
		x.TimesBefore, x.FiringBefore, x.FirstBefore = sum(b.old, old.End)
		any := append(b.now[:len(b.now):len(b.now)], b.old...)[0]
		x.ref = ref{any.Name, some(any.Labels)}
		switch {
		case len(b.old) == 0:
			c.Only = append(c.Only, x)
		case len(b.now) == 0:
			c.Gone = append(c.Gone, x)
		case slices.EqualFunc(b.old, b.now, func(a, b alerting.Alert) bool {
			return a.FiredAt == b.FiredAt && a.State == b.State && a.ResolvedAt == b.ResolvedAt
		}):
			c.Same++
		default:
			c.Moved = append(c.Moved, x)
		}
	}
	return c
}

func sum(alerts []alerting.Alert, end int64) (times int, firing float64, first *moment) {
	var total int64
	for _, a := range alerts {
		to := end
		if resolved(a) {
			to = a.ResolvedAt
		}
		total += to - a.FiredAt
	}
	if len(alerts) > 0 {
		first = new(moment(alerts[0].FiredAt))
	}
	return len(alerts), seconds(total), first
}

func (v *view) changed() {
	c := v.Changes
	if c == nil {
		return
	}
	v.part("what the rules change", c.table(), fewer, "change")
	if len(c.Only)+len(c.Gone)+len(c.Moved) == 0 {
		v.Printf("\nthe rules of --against fire the same alerts at the same times\n")
	}
}

func (c *changes) table() *render.Table {
	t := &render.Table{Columns: render.Columns("CHANGE", "SEVERITY", "ALERT", "WHERE", ">FIRED", ">BEFORE", ">FIRING", ">BEFORE")}
	var alerts []labelled
	for _, x := range slices.Concat(c.Only, c.Gone, c.Moved) {
		alerts = append(alerts, labelled{x.Name, x.Labels, map[string]string{"severity": ""}})
	}
	where := apart(alerts)
	add := func(word string, list []changed) {
		for _, x := range list {
			t.Add(word, short(x.Labels["severity"]), short(x.Name), short(where[len(t.Rows)]), strconv.Itoa(x.Times), strconv.Itoa(x.TimesBefore),
				lasting(x.Times, x.FiringS), lasting(x.TimesBefore, x.FiringBefore))
		}
	}
	add("new", c.Only)
	add("gone", c.Gone)
	add("other times", c.Moved)
	return t
}

// lasting is for how long something fired that did so.
func lasting(times int, seconds float64) string {
	if times == 0 {
		return "-"
	}
	return span(int64(seconds * 1000))
}
