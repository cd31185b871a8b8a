package unittest

import (
	"maps"
	"slices"

	"llmops/analysis/alerting"
	"llmops/analysis/alerting/dispatch"
	"llmops/rules/alert/routing"
)

// receivers compares who has been told, by the time of the case, of the alerts that fire
// then. Waits, inhibition, silences and escalation are those of the routes.
func receivers(c AlertCase, t Test, alerts []alerting.Alert, routes routing.Config) []Failure {
	now := t.Start.Add(c.At).UnixMilli()
	var all []dispatch.Alert
	firing := map[int]bool{} // by ID
	for i, a := range alerts {
		if a.State == alerting.Pending || a.FiredAt > now {
			continue
		}
		one := dispatch.Alert{ID: i, Labels: a.SentLabels(t.ExternalLabels), Annotations: a.Annotations, From: a.FiredAt}
		if a.State == alerting.Resolved && a.ResolvedAt <= now {
			one.To = a.ResolvedAt
		}
		firing[i] = one.To == 0 && a.Name == c.Alert
		all = append(all, one)
	}
	told := map[string]bool{}
	for _, n := range dispatch.Simulate(routes, all, t.Start.UnixMilli(), now).Notifications {
		if n.At <= now && slices.ContainsFunc(n.Firing, func(id int) bool { return firing[id] }) {
			told[n.Receiver] = true
		}
	}
	var expected, got []Entry
	for _, name := range slices.Sorted(slices.Values(c.Receivers)) {
		expected = append(expected, Entry{Receiver: name})
	}
	for _, name := range slices.Sorted(maps.Keys(told)) {
		got = append(got, Entry{Receiver: name})
	}
	d := compare(expected, got, false)
	if len(d) == 0 {
		return nil
	}
	// Which receiver stands for which other means nothing.
	var apart []Difference
	for _, x := range d {
		if x.Expected != nil {
			apart = append(apart, Difference{Expected: x.Expected})
		}
		if x.Got != nil {
			apart = append(apart, Difference{Got: x.Got})
		}
	}
	return []Failure{{Kind: Receivers, Position: c.Position, At: c.At, Name: c.Alert, Expected: expected, Got: got, Differences: apart}}
}
