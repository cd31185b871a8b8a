package notify

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	timeLayout = "2006-01-02 15:04:05 UTC"
	maxLine    = 500 // runes of one line
	maxSMS     = 320 // characters of a short message: two parts of 160
)

// Body is the text below the title, at most limit bytes long: the note, what all alerts
// share, then a line for each alert with what sets it apart, those that fire first.
// Alerts that do not fit are counted. It depends on the message alone.
func (m Message) Body(limit int) string {
	var firing, resolved []Alert
	for _, a := range sorted(m.Alerts) {
		if a.Status() == Firing {
			firing = append(firing, a)
		} else {
			resolved = append(resolved, a)
		}
	}
	common := shared(m.Alerts, func(a Alert) map[string]string { return a.Labels })
	says := shared(m.Alerts, said)

	if len(m.Alerts) == 0 {
		return cutBytes(strings.TrimSpace(oneLine(m.Note)+"\nno alert of this group fires any longer"), limit)
	}
	var head, tail []string
	add := func(to *[]string, s string) {
		if s = oneLine(s); s != "" {
			*to = append(*to, cut(s, maxLine))
		}
	}
	add(&head, m.Note)
	add(&head, says["summary"])
	named := maps.Clone(common)
	delete(named, "alertname") // the title has these two
	delete(named, "severity")
	add(&head, pairs(named))
	if r := says["runbook"]; r != "" {
		add(&tail, "runbook: "+r)
	}

	room := limit - size(head) - size(tail)
	var lines []string
	for _, part := range []struct {
		title  string
		alerts []Alert
	}{{"", firing}, {"resolved:", resolved}} {
		if len(part.alerts) == 0 {
			continue
		}
		if part.title != "" && len(firing) > 0 {
			lines = append(lines, part.title)
			room -= len(part.title) + 1
		}
		for i, a := range part.alerts {
			line := cut(alertLine(a, common, says), maxLine)
			more := fmt.Sprintf("… and %d more %s", len(part.alerts)-i, a.Status())
			if len(line)+1+len(more)+1 > room { // a line fits only if the count of what is left out would, too
				lines, room = append(lines, more), room-len(more)-1
				break
			}
			lines, room = append(lines, line), room-len(line)-1
		}
	}
	return cutBytes(strings.Join(slices.Concat(head, lines, tail), "\n"), limit)
}

// Short is title and summary for a telephone: at most 320 characters, cut on a word.
func (m Message) Short() string {
	text := m.Title()
	if m.Note != "" {
		text += " " + oneLine(m.Note) + "."
	}
	counted := sorted(m.counted())
	says := shared(counted, said)
	if says["summary"] != "" {
		text += " " + oneLine(says["summary"])
	} else if len(counted) > 0 {
		text += " " + strings.TrimPrefix(alertLine(counted[0], m.GroupLabels, nil), "- ")
	}
	if r := says["runbook"]; r != "" && utf8.RuneCountInString(text)+1+utf8.RuneCountInString(oneLine(r)) <= maxSMS {
		text += " " + oneLine(r) // whole or not at all: half an address leads nowhere
	}
	return cut(text, maxSMS)
}

// alertLine is what sets an alert apart from what its group shares.
func alertLine(a Alert, common, says map[string]string) string {
	own := map[string]string{}
	for name, value := range a.Labels {
		if _, ok := common[name]; !ok {
			own[name] = value
		}
	}
	var parts []string
	mine := said(a)
	if s := oneLine(mine["summary"]); s != "" && says["summary"] == "" {
		parts = append(parts, s)
	}
	if a.Value != nil {
		parts = append(parts, "value "+strconv.FormatFloat(*a.Value, 'g', 6, 64))
	}
	if a.Status() == Resolved {
		parts = append(parts, fmt.Sprintf("from %s for %s", clock(a.StartsAt), a.EndsAt.Sub(a.StartsAt).Round(time.Second)))
	} else {
		parts = append(parts, "since "+clock(a.StartsAt))
	}
	if r := oneLine(mine["runbook"]); r != "" && says["runbook"] == "" {
		parts = append(parts, "runbook "+r)
	}
	line := strings.Join(parts, ", ")
	if who := pairs(own); who != "" {
		line = who + ": " + line
	}
	return "- " + line
}

func clock(t time.Time) string { return t.UTC().Format(timeLayout) }

// said are the annotations that are shown, under one name each.
func said(a Alert) map[string]string {
	first := func(names ...string) string {
		for _, n := range names {
			if s := strings.TrimSpace(a.Annotations[n]); s != "" {
				return s
			}
		}
		return ""
	}
	return map[string]string{"summary": first("summary", "description"), "runbook": first("runbook_url", "runbook")}
}

// shared is what all alerts have in common.
func shared(alerts []Alert, of func(Alert) map[string]string) map[string]string {
	if len(alerts) == 0 {
		return nil
	}
	common := maps.Clone(of(alerts[0]))
	for _, a := range alerts[1:] {
		theirs := of(a)
		maps.DeleteFunc(common, func(name, value string) bool { return theirs[name] != value })
	}
	return common
}

// sorted is by start, then by labels.
func sorted(alerts []Alert) []Alert {
	return slices.SortedStableFunc(slices.Values(alerts), func(a, b Alert) int {
		if c := a.StartsAt.Compare(b.StartsAt); c != 0 {
			return c
		}
		return strings.Compare(pairs(a.Labels), pairs(b.Labels))
	})
}

func size(lines []string) (n int) {
	for _, l := range lines {
		n += len(l) + 1
	}
	return n
}

// cut shortens s to so many characters, on a word where there is one in the last third.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)[:most-1]
	for i := len(runes) - 1; i > most*2/3; i-- {
		if runes[i] == ' ' {
			runes = runes[:i]
			break
		}
	}
	return strings.TrimRight(string(runes), " ,:;") + "…"
}

// cutBytes shortens s to so many bytes, on a character.
func cutBytes(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := max(most-len("…"), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
