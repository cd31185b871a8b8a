package alertscmd

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"llmops/analysis/alerting"
	"llmops/analysis/alerting/dispatch"
	"llmops/analysis/alerting/noise"
	"llmops/cmd/internal/metricinput"
	"llmops/rules/alert/routing"
)

// report is everything that is shown.
type report struct {
	in     metricinput.Input
	result alerting.Result
	routes routing.Config
	alerts []dispatch.Alert // those of result that fired; the ID is the index there
	plan   dispatch.Plan
	noise  noise.Report

	external map[string]string // labels that a server adds to what it sends

	Changes *changes // with --against
	Sent    *sent    // with --notify or --alertmanager
}

func judge(in metricinput.Input, result alerting.Result, o *options, routes routing.Config) *report {
	r := &report{in: in, result: result, routes: routes, external: o.externalLabels}
	for i, a := range result.Alerts {
		if !fired(a) {
			continue
		}
		r.alerts = append(r.alerts, dispatch.Alert{ID: i, Labels: a.SentLabels(r.external), Annotations: a.Annotations, From: a.FiredAt, To: a.ResolvedAt})
	}
	r.plan = dispatch.Simulate(routes, r.alerts, result.Start, result.End)
	var rules []noise.Rule
	for _, o := range result.Rules {
		if o.Rule.Alert != "" {
			rules = append(rules, noise.Rule{Name: o.Rule.Alert, Group: o.Group, Severity: o.Labels["severity"]})
		}
	}
	r.noise = noise.Measure(r.alerts, r.plan, rules, noise.Options{Start: result.Start, End: result.End, Rest: o.rest})
	if r.noise.Days < 1 { // a rate a day of less would be a guess
		r.noise.AlertsPerDay, r.noise.PerDay = nil, nil
		for i := range r.noise.Receivers {
			r.noise.Receivers[i].PerDay = nil
		}
	}
	return r
}

// fired tells whether an alert was more than pending.
func fired(a alerting.Alert) bool { return a.State != alerting.Pending }

func resolved(a alerting.Alert) bool { return a.State == alerting.Resolved }

// states in order, the worst first, and what the whole is called.
var states = []alerting.State{alerting.Firing, alerting.Pending, alerting.Resolved}

// verdict is the worst state at the end of the range; "ok" without any alert.
func (r *report) verdict() string {
	worst := len(states)
	for _, a := range r.result.Alerts {
		worst = min(worst, slices.Index(states, a.State))
	}
	if worst == len(states) {
		return "ok"
	}
	return string(states[worst])
}

// A streak is all times that one alert was active.
type streak struct {
	alerting.Alert       // the last time
	first          int64 // when it was active first
	times          int   // that it fired
	total          int64 // ms of firing
	all            []int // indices in Result.Alerts
}

// streaks are the alerts by name and labels, the worst first: by state, severity, and
// time.
func (r *report) streaks() []streak {
	byKey := map[string]int{}
	var list []streak
	for i, a := range r.result.Alerts {
		key := a.Group + "\xff" + identity(a)
		k, seen := byKey[key]
		if !seen {
			k = len(list)
			byKey[key] = k
			list = append(list, streak{first: a.ActiveAt})
		}
		s := &list[k]
		s.Alert = a
		s.all = append(s.all, i)
		if fired(a) {
			s.times++
			s.total += r.until(a) - a.FiredAt
		}
	}
	slices.SortStableFunc(list, func(a, b streak) int {
		return cmp.Or(
			cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)),
			cmp.Compare(severityOf(b.Severity), severityOf(a.Severity)),
			cmp.Compare(b.FiredAt, a.FiredAt),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return list
}

// until is when an alert ended, or when the replay did.
func (r *report) until(a alerting.Alert) int64 {
	if resolved(a) {
		return a.ResolvedAt
	}
	return r.result.End
}

// told are the receivers of an alert.
func (r *report) told(i int) []string {
	if list := r.plan.Receivers[i]; list != nil {
		return list
	}
	return []string{}
}

// identity tells alerts apart, whatever stands in their labels.
func identity(a alerting.Alert) string {
	var b strings.Builder
	b.WriteString(a.Name)
	for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
		b.WriteString("\xff" + k + "\xff" + a.Labels[k])
	}
	return b.String()
}

// labelText is what sets an alert apart: its labels without those that are shown
// beside it.
func labelText(labels map[string]string, without ...string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if !slices.Contains(without, k) {
			parts = append(parts, k+"="+labels[k])
		}
	}
	return strings.Join(parts, " ")
}
