package alertscmd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"llmops/analysis/alerting/dispatch"
	"llmops/cmd/internal/render"
)

// alertTable has a row for each alert; with a time line if that is wide.
func (r *report) alertTable(list []streak, style render.Style, wide bool) *render.Table {
	again := slices.ContainsFunc(list, func(s streak) bool { return s.times > 1 })
	header := []string{"STATE", "SEVERITY", "ALERT", "WHERE", "SINCE", ">FIRING"}
	if again {
		header = append(header, ">TIMES")
	}
	header = append(header, ">VALUE")
	if wide {
		header = append(header, "OVER TIME")
	}
	t := &render.Table{Columns: render.Columns(header...)}
	var alerts []labelled
	for _, s := range list {
		alerts = append(alerts, labelled{s.Name, s.Labels, r.result.Rules[s.Rule].Labels})
	}
	where := apart(alerts)
	for i, s := range list {
		since, firing := r.when(s.ActiveAt), "-"
		if fired(s.Alert) {
			since, firing = r.when(s.FiredAt), span(s.total)
		}
		value := "-"
		if s.Value != nil {
			value = render.Number(*s.Value)
		}
		row := []string{colour(string(s.State), style), colour(short(s.Severity), style), short(s.Name), short(where[i]), since, firing}
		if again {
			row = append(row, strconv.Itoa(s.times))
		}
		row = append(row, value)
		if wide {
			row = append(row, r.bar(s))
		}
		t.Add(row...)
	}
	return t
}

// noticeTable has a row for each message, to all who get the same at the same time.
func (r *report) noticeTable() *render.Table {
	t := &render.Table{Columns: render.Columns("AT", "WHY", "ALERTS", "RECEIVERS")}
	var last *dispatch.Notification
	for i := range r.plan.Notifications {
		n := &r.plan.Notifications[i]
		if last != nil && last.At == n.At && last.GroupKey == n.GroupKey && last.Reason == n.Reason && slices.Equal(last.Firing, n.Firing) && slices.Equal(last.Resolved, n.Resolved) {
			row := t.Rows[len(t.Rows)-1]
			row[3] += ", " + render.Clean(n.Receiver)
			continue
		}
		last = n
		why := string(n.Reason)
		if n.After > 0 {
			why += " after " + span(n.After)
		}
		t.Add(r.when(n.At), why, r.what(*n), render.Clean(n.Receiver))
	}
	return t
}

// what names the alerts of a message.
func (r *report) what(n dispatch.Notification) string {
	names := func(ids []int) string {
		count := map[string]int{}
		for _, id := range ids {
			count[r.result.Alerts[id].Name]++
		}
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(count)) {
			if count[name] > 1 {
				name = fmt.Sprintf("%s (%d)", name, count[name])
			}
			parts = append(parts, name)
		}
		return short(render.List(parts, 3))
	}
	var parts []string
	if len(n.Firing) > 0 {
		parts = append(parts, names(n.Firing)+" firing")
	}
	if len(n.Resolved) > 0 {
		parts = append(parts, names(n.Resolved)+" resolved")
	}
	return strings.Join(parts, "; ")
}

// quietTable has a row for each reason that kept alerts of a name quiet.
func (r *report) quietTable() *render.Table {
	t := &render.Table{Columns: render.Columns("ALERT", "WHY", "BY", ">TIMES", ">FOR")}
	type key struct{ name, why, by string }
	times, length := map[key]int{}, map[key]int64{}
	var keys []key
	for _, s := range r.plan.Suppressed {
		k := key{r.result.Alerts[s.ID].Name, string(s.Why), s.By}
		if times[k] == 0 {
			keys = append(keys, k)
		}
		times[k]++
		length[k] += s.To - s.From
	}
	for _, k := range keys {
		t.Add(short(k.name), k.why, short(k.by), strconv.Itoa(times[k]), span(length[k]))
	}
	return t
}

// remarks are sentences about the rules as a whole.
func (r *report) remarks() (lines []string) {
	var never, blind []string
	for _, o := range r.result.Rules {
		switch {
		case o.Rule.Alert == "" || o.Fired > 0:
		case len(o.Missing) > 0:
			blind = append(blind, o.Rule.Name())
		default:
			never = append(never, o.Rule.Name())
		}
	}
	if len(never) > 0 {
		lines = append(lines, fmt.Sprintf("never fired: %s: %s\n", render.Plural(len(never), "rule"), render.Clean(render.List(never, 5))))
	}
	if len(blind) > 0 {
		lines = append(lines, fmt.Sprintf("not measured here, so they could not fire: %s: %s\n", render.Plural(len(blind), "rule"), render.Clean(render.List(blind, 5))))
	}
	return lines
}

// flat has one row each time an alert fired, and for those pending at the end, in the
// words of the JSON document.
func (r *report) flat() *render.Table {
	t := &render.Table{Columns: render.Columns("alertname", "severity", "group", "labels", "state", "active_at", "fired_at", "resolved_at", "value", "receivers")}
	at := func(there bool, ms int64) string {
		if !there {
			return ""
		}
		text, _ := moment(ms).MarshalText()
		return string(text)
	}
	for i, a := range r.result.Alerts {
		value := ""
		if a.Value != nil {
			value = strconv.FormatFloat(*a.Value, 'g', -1, 64)
		}
		t.Add(a.Name, a.Severity, a.Group, labelText(a.Labels), string(a.State), at(true, a.ActiveAt), at(fired(a), a.FiredAt), at(resolved(a), a.ResolvedAt), value, strings.Join(r.told(i), " "))
	}
	return t
}
