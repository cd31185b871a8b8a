package routing

import (
	"slices"
	"time"
)

// Interval is a named set of times, such as working hours.
type Interval struct {
	Name     string
	Periods  []Period // any of them; none: never
	Position Position
}

// Contains tells whether t lies in one of the periods.
func (v Interval) Contains(t time.Time) bool {
	return slices.ContainsFunc(v.Periods, func(p Period) bool { return p.Contains(t) })
}

// Period is the times at which each of its conditions holds; one that is empty
// always does.
type Period struct {
	Times       []Range // minutes of the day, without End; 24:00 is 1440
	Weekdays    []Range // 0 is Sunday; both ends count, as in the next three
	DaysOfMonth []Range // from 1, or from -1, the last day, downwards
	Months      []Range // 1 is January
	Years       []Range
	Location    *time.Location // nil: UTC
}

// Range is from Begin to End.
type Range struct{ Begin, End int }

func (r Range) has(n int) bool { return r.Begin <= n && n <= r.End }

// Contains tells whether t lies in the period.
func (p Period) Contains(t time.Time) bool {
	t = t.UTC()
	if p.Location != nil {
		t = t.In(p.Location)
	}
	minute := t.Hour()*60 + t.Minute()
	last := time.Date(t.Year(), t.Month()+1, 0, 12, 0, 0, 0, time.UTC).Day()
	return anyRange(p.Times, func(r Range) bool { return r.Begin <= minute && minute < r.End }) &&
		anyRange(p.Weekdays, func(r Range) bool { return r.has(int(t.Weekday())) }) &&
		anyRange(p.DaysOfMonth, func(r Range) bool { return r.inMonth(last).has(t.Day()) }) &&
		anyRange(p.Months, func(r Range) bool { return r.has(int(t.Month())) }) &&
		anyRange(p.Years, func(r Range) bool { return r.has(t.Year()) })
}

func anyRange(ranges []Range, holds func(Range) bool) bool {
	return len(ranges) == 0 || slices.ContainsFunc(ranges, holds)
}

// inMonth counts days from the end of a month with so many from its beginning.
func (r Range) inMonth(last int) Range {
	if r.Begin < 0 {
		r.Begin += last + 1
	}
	if r.End < 0 {
		r.End += last + 1
	}
	return r
}
