package slo

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// readWindow reads timeWindow: a list of one rolling or calendar window.
func readWindow(n *yaml.Node) (time.Duration, *Calendar, error) {
	items, err := sequence(n, "timeWindow")
	if err != nil {
		return 0, nil, err
	}
	if len(items) != 1 {
		return 0, nil, failAt(n, fmt.Sprintf("%d entries in 'timeWindow'", len(items)), "want one, such as - {duration: 30d, isRolling: true}")
	}
	e, err := fields(items[0], "a timeWindow", "duration", "isRolling", "calendar")
	if err != nil {
		return 0, nil, err
	}
	if !e.has("duration") {
		e.fail("duration", "a timeWindow without 'duration'", "write duration: 30d, say")
	}
	window := e.shorthand("duration")
	rolling := e.flag("isRolling", !e.has("calendar"))
	switch {
	case rolling && e.has("calendar"):
		e.fail("calendar", "a window that rolls has no 'calendar'", "remove it, or write isRolling: false")
	case !rolling && !e.has("calendar"):
		e.fail("isRolling", "a window that does not roll, without 'calendar'", "write calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}, or isRolling: true")
	}
	if e.err != nil || rolling {
		return window, nil, e.err
	}
	calendar, err := readCalendar(e.keys["calendar"])
	if err != nil {
		return 0, nil, err
	}
	calendar.Count, calendar.Unit, _ = parseShorthand(e.text("duration")) // shorthand has looked
	return window, calendar, nil
}

// readCalendar reads where a calendar begins.
func readCalendar(n *yaml.Node) (*Calendar, error) {
	e, err := fields(n, "'calendar'", "startTime", "timeZone")
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"startTime", "timeZone"} {
		if !e.has(key) {
			e.fail(key, fmt.Sprintf("a calendar without %q", key), "write startTime: 2026-01-01 00:00:00 and timeZone: Europe/Berlin, say")
		}
	}
	text, name := e.text("startTime"), e.text("timeZone")
	if e.err != nil {
		return nil, e.err
	}
	clock, err := time.Parse(time.DateTime, text)
	if err != nil || clock.Nanosecond() != 0 || clock.Year() < 1 {
		e.fail("startTime", fmt.Sprintf("startTime %q is no date with a time", text), "want 2026-01-31 12:30:00, without a zone: that is timeZone")
		return nil, e.err
	}
	zone, err := time.LoadLocation(name[:min(len(name), 64)])
	if err != nil || name == "Local" {
		e.fail("timeZone", fmt.Sprintf("%q is no time zone", name), "want a name of the IANA database, such as Europe/Berlin or UTC")
		return nil, e.err
	}
	start, ok := onWall(clock, zone)
	if !ok {
		e.fail("startTime", fmt.Sprintf("no clock in %s showed %s: it was put forward then", name, text), "take a time that there was")
	}
	return &Calendar{Start: start}, e.err
}
