// Package noise says what alerts cost the people who are told: how many there
// were, who was told how often and when, which of them flap, which belong
// together, and which rules never fired. It is pure, and judges no rule.
package noise

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"llmops/analysis/alerting/dispatch"
	"llmops/rules/alert/routing"
)

// Rule is a rule that was evaluated over the period.
type Rule struct {
	Name     string `json:"alertname"`
	Group    string `json:"group,omitempty"`
	Severity string `json:"severity,omitempty"`
}

// Options of Measure.
type Options struct {
	Start, End int64            // of the period, Unix ms
	Rest       routing.Interval // when people should not be disturbed; without periods it is Night(nil)
}

// Night is from 22:00 to 07:00 in a zone; nil is UTC.
func Night(zone *time.Location) routing.Interval {
	return routing.Interval{Name: "night", Periods: []routing.Period{{
		Times: []routing.Range{{Begin: 22 * 60, End: 24 * 60}, {Begin: 0, End: 7 * 60}}, Location: zone,
	}}}
}

// Report is about one period.
type Report struct {
	Days          float64    `json:"days"`                     // the length of the period
	Alerts        int        `json:"alerts"`                   // how often one fired
	AlertsPerDay  *float64   `json:"alerts_per_day,omitempty"` // absent for a period without length, as all rates
	Notifications int        `json:"notifications"`            // messages, of every reason
	PerDay        *float64   `json:"notifications_per_day,omitempty"`
	AtRest        int        `json:"notifications_at_rest"` // of them within Options.Rest
	Receivers     []Receiver `json:"receivers"`             // the most often told first
	Rules         []Noise    `json:"rules"`                 // those that fired, what cost most sleep first
	NeverFired    []Rule     `json:"never_fired"`           // in the order given
	Flapping      []Flap     `json:"flapping"`              // by how often they fired
	Causes        []Cause    `json:"causes"`                // of two alerts and more, the most alerts first
}

// Receiver is how often one was told.
type Receiver struct {
	Name          string   `json:"receiver"`
	Notifications int      `json:"notifications"`
	PerDay        *float64 `json:"notifications_per_day,omitempty"`
	AtRest        int      `json:"notifications_at_rest"`
}

// Noise is what the alerts of one name and severity cost. A message counts for
// every rule of which it lists a firing alert.
type Noise struct {
	Name          string  `json:"alertname"`
	Severity      string  `json:"severity,omitempty"`
	Fired         int     `json:"fired"`
	Notifications int     `json:"notifications"`
	AtRest        int     `json:"notifications_at_rest"`
	FiringS       float64 `json:"firing_s"`  // in sum, up to the end of the period
	LongestS      float64 `json:"longest_s"` // the longest time without a break
	Quiet         int     `json:"quiet"`     // how often it fired and nobody was told so
}

// An alert, told from others by its labels, flaps if it fired FlapTimes times
// within FlapWindow, or began to fire again within Refire of being resolved.
const (
	FlapTimes  = 3
	FlapWindow = time.Hour
	Refire     = 5 * time.Minute
)

// Flap is an alert that flaps.
type Flap struct {
	Labels map[string]string `json:"labels"`
	Fired  int               `json:"fired"`
	Most   int               `json:"most_in_an_hour"`            // how often it fired within FlapWindow
	Gap    *float64          `json:"shortest_break_s,omitempty"` // between the end and the next beginning; absent if it fired once
}

// Measure counts alerts and what the plan told of them. rules are all that were
// evaluated, for those that never fired. Rates are per day of the period, whatever
// its length.
func Measure(alerts []dispatch.Alert, plan dispatch.Plan, rules []Rule, o Options) Report {
	if len(o.Rest.Periods) == 0 {
		o.Rest = Night(nil)
	}
	days := float64(max(o.End-o.Start, 0)) / float64(24*time.Hour/time.Millisecond)
	r := Report{Days: days, Alerts: len(alerts), Notifications: len(plan.Notifications)}
	alerts = slices.SortedStableFunc(slices.Values(alerts), func(a, b dispatch.Alert) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.ID, b.ID))
	})
	r.AlertsPerDay, r.PerDay = perDay(r.Alerts, days), perDay(r.Notifications, days)
	r.Receivers, r.AtRest = receivers(plan.Notifications, days, o.Rest)
	r.Rules = byRule(alerts, plan, o)
	r.NeverFired = neverFired(alerts, rules)
	r.Flapping = flapping(alerts)
	r.Causes = causes(alerts, plan)
	return r
}

func perDay(n int, days float64) *float64 {
	if days <= 0 {
		return nil
	}
	return new(float64(n) / days)
}

func receivers(ns []dispatch.Notification, days float64, rest routing.Interval) (out []Receiver, atRest int) {
	by := map[string]*Receiver{}
	for _, n := range ns {
		if by[n.Receiver] == nil {
			by[n.Receiver] = &Receiver{Name: n.Receiver}
		}
		by[n.Receiver].Notifications++
		if rest.Contains(time.UnixMilli(n.At)) {
			by[n.Receiver].AtRest++
			atRest++
		}
	}
	out = []Receiver{}
	for _, v := range by {
		v.PerDay = perDay(v.Notifications, days)
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b Receiver) int {
		return cmp.Or(cmp.Compare(b.Notifications, a.Notifications), cmp.Compare(a.Name, b.Name))
	})
	return out, atRest
}

type ruleKey struct{ name, severity string }

func keyOf(a dispatch.Alert) ruleKey { return ruleKey{a.Labels["alertname"], a.Labels["severity"]} }

func byRule(alerts []dispatch.Alert, plan dispatch.Plan, o Options) []Noise {
	by, rule := map[ruleKey]*Noise{}, map[int]ruleKey{}
	for _, a := range alerts {
		key := keyOf(a)
		rule[a.ID] = key
		if by[key] == nil {
			by[key] = &Noise{Name: key.name, Severity: key.severity}
		}
		v := by[key]
		v.Fired++
		to := a.To
		if to == 0 {
			to = o.End
		}
		seconds := float64(max(to-a.From, 0)) / 1000
		v.FiringS += seconds
		v.LongestS = max(v.LongestS, seconds)
		if len(plan.Receivers[a.ID]) == 0 {
			v.Quiet++
		}
	}
	for _, n := range plan.Notifications {
		listed := map[ruleKey]bool{}
		for _, id := range n.Firing {
			listed[rule[id]] = true
		}
		for key := range listed {
			if v := by[key]; v != nil {
				v.Notifications++
				if o.Rest.Contains(time.UnixMilli(n.At)) {
					v.AtRest++
				}
			}
		}
	}
	out := []Noise{}
	for _, v := range by {
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b Noise) int {
		return cmp.Or(cmp.Compare(b.AtRest, a.AtRest), cmp.Compare(b.Notifications, a.Notifications), cmp.Compare(b.Fired, a.Fired),
			cmp.Compare(b.FiringS, a.FiringS), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Severity, b.Severity))
	})
	return out
}

// neverFired goes by name: the severity of a rule may come from a template.
func neverFired(alerts []dispatch.Alert, rules []Rule) []Rule {
	fired := map[string]map[string]bool{}
	for _, a := range alerts {
		if fired[a.Labels["alertname"]] == nil {
			fired[a.Labels["alertname"]] = map[string]bool{}
		}
		fired[a.Labels["alertname"]][a.Labels["severity"]] = true
	}
	alone := map[string]int{}
	for _, r := range rules {
		alone[r.Name]++
	}
	out := []Rule{}
	for _, r := range rules {
		// Of several rules with one name the severity tells which one fired, unless it is a template.
		if len(fired[r.Name]) == 0 || alone[r.Name] > 1 && !fired[r.Name][r.Severity] && !strings.Contains(r.Severity, "{{") {
			out = append(out, r)
		}
	}
	return out
}

func flapping(alerts []dispatch.Alert) []Flap {
	by := map[string][]dispatch.Alert{}
	for _, a := range alerts {
		print := dispatch.Fingerprint(a.Labels)
		by[print] = append(by[print], a)
	}
	out := []Flap{}
	for _, print := range slices.Sorted(maps.Keys(by)) {
		times := by[print]
		f := Flap{Labels: times[0].Labels, Fired: len(times)}
		first := 0
		for i, a := range times {
			for a.From-times[first].From >= FlapWindow.Milliseconds() {
				first++
			}
			f.Most = max(f.Most, i-first+1)
			if i == 0 || times[i-1].To == 0 {
				continue
			}
			if gap := float64(a.From-times[i-1].To) / 1000; f.Gap == nil || gap < *f.Gap {
				f.Gap = &gap
			}
		}
		if f.Most >= FlapTimes || f.Gap != nil && *f.Gap <= Refire.Seconds() {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b Flap) int { return cmp.Compare(b.Fired, a.Fired) })
	return out
}
