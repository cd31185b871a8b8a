package slo

import (
	"time"

	// Zones must be known on machines that carry no list of them.
	_ "time/tzdata"
)

// CalendarUnit is the unit of a calendar period, by its OpenSLO letter.
type CalendarUnit string

// The units, in the case-sensitive letters of OpenSLO.
const (
	Minutes  CalendarUnit = "m"
	Hours    CalendarUnit = "h"
	Days     CalendarUnit = "d"
	Weeks    CalendarUnit = "w"
	Months   CalendarUnit = "M"
	Quarters CalendarUnit = "Q"
	Years    CalendarUnit = "Y"
)

// Calendar cuts time into periods of Count units each, without gaps, of which
// one begins at Start. They reach into the past of Start too.
//
// Days and longer units go by the clock on the wall of Start's zone: a day has
// 23, 24 or 25 h where the clock is changed, a month 28 to 31 days. Minutes and
// hours are elapsed time.
type Calendar struct {
	Start time.Time // in the zone of the calendar, whole seconds
	Count int       // from 1
	Unit  CalendarUnit
}

// Period is the period [from, to) that holds t, in the calendar's zone.
//
// A period that would begin on a day its month does not have begins on the last
// day of that month; one that would begin while the clock skips forward, at the
// skip; one whose time of day comes twice, the first time.
func (c Calendar) Period(t time.Time) (from, to time.Time) {
	k := c.about(t)
	from = c.begin(k)
	for from.After(t) {
		k--
		from = c.begin(k)
	}
	to = c.begin(k + 1)
	for !to.After(t) {
		k++
		from, to = to, c.begin(k+1)
	}
	return from, to
}

// about is the number of the period that holds t, or that of one near it.
func (c Calendar) about(t time.Time) int64 {
	n := int64(c.Count)
	local := t.In(c.Start.Location())
	switch c.Unit {
	case Minutes, Hours:
		return floorDiv(t.Unix()-c.Start.Unix(), n*int64(nominal(c.Unit)/time.Second))
	case Days, Weeks:
		return floorDiv(civilDay(local)-civilDay(c.Start), n*int64(nominal(c.Unit)/nominal(Days)))
	}
	months := int64(local.Year()-c.Start.Year())*12 + int64(local.Month()-c.Start.Month())
	return floorDiv(months, n*c.months())
}

// months is the length of a unit of months.
func (c Calendar) months() int64 {
	switch c.Unit {
	case Quarters:
		return 3
	case Years:
		return 12
	}
	return 1
}

// begin is where period k begins.
func (c Calendar) begin(k int64) time.Time {
	k *= int64(c.Count)
	year, month, day := c.Start.Date()
	switch c.Unit {
	case Minutes, Hours:
		return time.Unix(c.Start.Unix()+k*int64(nominal(c.Unit)/time.Second), 0).In(c.Start.Location())
	case Weeks:
		day += int(k) * 7
	case Days:
		day += int(k)
	default:
		first := time.Date(year, month+time.Month(k*c.months()), 1, 0, 0, 0, 0, time.UTC)
		year, month = first.Year(), first.Month()
		day = min(day, time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day())
	}
	hour, minute, second := c.Start.Clock()
	at, _ := onWall(time.Date(year, month, day, hour, minute, second, 0, time.UTC), c.Start.Location())
	return at
}

// onWall is the instant at which a clock in the zone shows what clock shows. A
// time that comes twice is the first one. One that is skipped is the moment of
// the skip, and false. (time.Date promises neither.)
func onWall(clock time.Time, zone *time.Location) (time.Time, bool) {
	year, month, day := clock.Date()
	hour, minute, second := clock.Clock()
	at := time.Date(year, month, day, hour, minute, second, 0, zone)
	from, to := at.ZoneBounds()
	_, offset := at.Zone()
	switch shown := at.Unix() + int64(offset); {
	case shown > clock.Unix():
		return from, false
	case shown < clock.Unix():
		return to, false
	}
	if from.IsZero() {
		return at, true
	}
	_, before := from.Add(-time.Second).Zone()
	if first := time.Unix(clock.Unix()-int64(before), 0).In(zone); first.Before(from) {
		return first, true
	}
	return at, true
}

// civilDay numbers the days on the wall.
func civilDay(t time.Time) int64 {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// nominal is the length of a unit where no calendar says it: a month is 30
// days, a quarter 90, a year 365.
func nominal(u CalendarUnit) time.Duration {
	const day = 24 * time.Hour
	switch u {
	case Minutes:
		return time.Minute
	case Hours:
		return time.Hour
	case Days:
		return day
	case Weeks:
		return 7 * day
	case Months:
		return 30 * day
	case Quarters:
		return 90 * day
	}
	return 365 * day
}
