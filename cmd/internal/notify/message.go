// Package notify tells people about alerts: it turns a group of alerts into text, sends
// it to chats, mail boxes, pagers and telephones, hands alerts to an Alertmanager, and
// keeps a history of what was told. It must not decide who is told what and when, and no
// secret of a channel may reach an error, a result or the history.
package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Status says whether an alert, or any alert of a group, fires.
type Status string

// The statuses.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// Alert is one alert of a message.
type Alert struct {
	Labels      map[string]string // with alertname; empty values count as absent
	Annotations map[string]string // expanded; summary or description, and runbook_url or runbook, are shown
	Value       *float64          // of the rule's expression; nil: not known
	StartsAt    time.Time         // when it fired
	EndsAt      time.Time         // when it was resolved; zero: it fires
}

// Status tells resolved alerts by their end.
func (a Alert) Status() Status {
	if a.EndsAt.IsZero() {
		return Firing
	}
	return Resolved
}

// Message is what one receiver is told of one group of alerts.
type Message struct {
	GroupKey    string            // identifies the group: an incident that a message opened is closed by the one with the same key
	GroupLabels map[string]string // what the alerts were grouped by
	Note        string            // one line on why this is told now, such as "still firing after 15m"; "": none
	Alerts      []Alert           // none: all that is known is that they fire no longer
}

// Status is firing while one alert of the group fires.
func (m Message) Status() Status {
	if slices.ContainsFunc(m.Alerts, func(a Alert) bool { return a.Status() == Firing }) {
		return Firing
	}
	return Resolved
}

// counted are the alerts of the message's status: those in its title.
func (m Message) counted() []Alert {
	status := m.Status()
	return slices.DeleteFunc(slices.Clone(m.Alerts), func(a Alert) bool { return a.Status() != status })
}

// severities are the known ones, worst first.
func severities() []string { return []string{"critical", "page", "error", "warning", "info", "none"} }

// Severity is the worst of the alerts that the title counts, "" if none has one. One that
// is not known comes after those that are.
func (m Message) Severity() string {
	known := severities()
	rank := func(s string) int {
		if i := slices.Index(known, strings.ToLower(s)); i >= 0 {
			return i
		}
		return len(known)
	}
	worst := ""
	for _, a := range m.counted() {
		s := a.Labels["severity"]
		if s != "" && (worst == "" || cmp.Or(cmp.Compare(rank(s), rank(worst)), cmp.Compare(s, worst)) < 0) {
			worst = s
		}
	}
	return oneLine(worst)
}

// maxNames is how many alert names a title spells out.
const maxNames = 3

// Title is one line such as "[FIRING:2] HighLatency (critical)".
func (m Message) Title() string {
	counted := m.counted()
	count := ""
	if len(counted) > 0 {
		count = fmt.Sprintf(":%d", len(counted))
	}
	title := fmt.Sprintf("[%s%s] %s", strings.ToUpper(string(m.Status())), count, subject(m.GroupLabels, counted))
	if s := m.Severity(); s != "" {
		title += " (" + s + ")"
	}
	return title
}

// subject names the alerts, or else the group.
func subject(group map[string]string, alerts []Alert) string {
	names := map[string]bool{}
	for _, a := range alerts {
		if n := oneLine(a.Labels["alertname"]); n != "" {
			names[n] = true
		}
	}
	list := slices.Sorted(maps.Keys(names))
	switch {
	case len(list) > maxNames:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxNames], ", "), len(list)-maxNames)
	case len(list) > 0:
		return strings.Join(list, ", ")
	case oneLine(group["alertname"]) != "":
		return oneLine(group["alertname"])
	case pairs(group) != "":
		return pairs(group)
	}
	return "alerts"
}

// incident is the key of the group in systems that keep incidents. A hash, because
// group keys may be longer than those systems allow.
func (m Message) incident() string {
	sum := sha256.Sum256([]byte(m.GroupKey))
	return "llmops-" + hex.EncodeToString(sum[:16])
}

// pairs lists labels by name, as name=value.
func pairs(labels map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if v := oneLine(labels[name]); v != "" {
			list = append(list, oneLine(name)+"="+v)
		}
	}
	return strings.Join(list, " ")
}

// oneLine makes a value, which anybody may have written, fit for a line: a line break in
// it would begin a header in a mail.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
}
