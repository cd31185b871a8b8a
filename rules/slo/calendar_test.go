package slo

import (
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		zone, start string
		count       int
		unit        CalendarUnit
		at          string // RFC 3339
		from, to    string // the clock on the wall
		hours       float64
	}{
		// Days with and without a change of the clock.
		{"Europe/Berlin", "2026-01-01 00:00:00", 1, Days, "2026-03-28T12:00:00Z", "2026-03-28 00:00:00", "2026-03-29 00:00:00", 24},
		{"Europe/Berlin", "2026-01-01 00:00:00", 1, Days, "2026-03-29T12:00:00Z", "2026-03-29 00:00:00", "2026-03-30 00:00:00", 23},
		{"Europe/Berlin", "2026-01-01 00:00:00", 1, Days, "2026-10-25T12:00:00Z", "2026-10-25 00:00:00", "2026-10-26 00:00:00", 25},
		{"America/New_York", "2026-01-01 00:00:00", 1, Days, "2026-03-08T12:00:00Z", "2026-03-08 00:00:00", "2026-03-09 00:00:00", 23},
		{"America/New_York", "2026-01-01 00:00:00", 1, Days, "2026-11-01T12:00:00Z", "2026-11-01 00:00:00", "2026-11-02 00:00:00", 25},
		{"Australia/Lord_Howe", "2026-01-01 00:00:00", 1, Days, "2026-04-04T20:00:00Z", "2026-04-05 00:00:00", "2026-04-06 00:00:00", 24.5},
		{"Australia/Lord_Howe", "2026-01-01 00:00:00", 1, Days, "2026-10-03T20:00:00Z", "2026-10-04 00:00:00", "2026-10-05 00:00:00", 23.5},
		// A start that the clock skips, one that comes twice, a midnight that is skipped, a day that is.
		{"Europe/Berlin", "2026-01-01 02:30:00", 1, Days, "2026-03-29T12:00:00Z", "2026-03-29 03:00:00", "2026-03-30 02:30:00", 23.5},
		{"Europe/Berlin", "2026-01-01 02:30:00", 1, Days, "2026-10-25T00:30:00Z", "2026-10-25 02:30:00", "2026-10-26 02:30:00", 25},
		{"Europe/Berlin", "2026-01-01 02:30:00", 1, Days, "2026-10-25T01:30:00Z", "2026-10-25 02:30:00", "2026-10-26 02:30:00", 25},
		{"America/Havana", "2024-01-01 00:00:00", 1, Days, "2024-03-10T12:00:00Z", "2024-03-10 01:00:00", "2024-03-11 00:00:00", 23},
		{"Pacific/Apia", "2011-01-01 00:00:00", 1, Days, "2011-12-30T12:00:00Z", "2011-12-31 00:00:00", "2012-01-01 00:00:00", 24},
		// Weeks, from a Monday.
		{"Europe/Berlin", "2026-01-05 00:00:00", 1, Weeks, "2026-03-25T12:00:00Z", "2026-03-23 00:00:00", "2026-03-30 00:00:00", 167},
		{"UTC", "2026-01-05 00:00:00", 2, Weeks, "2026-01-19T00:00:00Z", "2026-01-19 00:00:00", "2026-02-02 00:00:00", 336},
		{"UTC", "2026-01-05 00:00:00", 2, Weeks, "2026-01-18T23:59:59Z", "2026-01-05 00:00:00", "2026-01-19 00:00:00", 336},
		// Months of 28 to 31 days.
		{"UTC", "2026-01-01 00:00:00", 1, Months, "2026-02-10T00:00:00Z", "2026-02-01 00:00:00", "2026-03-01 00:00:00", 28 * 24},
		{"UTC", "2024-01-01 00:00:00", 1, Months, "2024-02-29T23:59:59Z", "2024-02-01 00:00:00", "2024-03-01 00:00:00", 29 * 24},
		{"Europe/Berlin", "2026-01-01 00:00:00", 1, Months, "2026-03-31T21:59:59Z", "2026-03-01 00:00:00", "2026-04-01 00:00:00", 31*24 - 1},
		{"Europe/Berlin", "2026-01-01 00:00:00", 1, Months, "2026-03-31T22:00:00Z", "2026-04-01 00:00:00", "2026-05-01 00:00:00", 30 * 24},
		// From the 31st: the last day of shorter months, and the 31st again.
		{"UTC", "2026-01-31 12:30:00", 1, Months, "2026-02-28T12:30:00Z", "2026-02-28 12:30:00", "2026-03-31 12:30:00", 31 * 24},
		{"UTC", "2026-01-31 12:30:00", 1, Months, "2026-02-28T12:29:59Z", "2026-01-31 12:30:00", "2026-02-28 12:30:00", 28 * 24},
		{"UTC", "2026-01-31 12:30:00", 1, Months, "2026-04-30T12:30:00Z", "2026-04-30 12:30:00", "2026-05-31 12:30:00", 31 * 24},
		// Quarters and years; a 29th of February.
		{"UTC", "2026-01-01 00:00:00", 1, Quarters, "2026-06-30T23:59:59.999Z", "2026-04-01 00:00:00", "2026-07-01 00:00:00", 91 * 24},
		{"UTC", "2026-02-01 00:00:00", 2, Quarters, "2027-01-31T00:00:00Z", "2026-08-01 00:00:00", "2027-02-01 00:00:00", 184 * 24},
		{"UTC", "2024-02-29 00:00:00", 1, Years, "2025-03-01T00:00:00Z", "2025-02-28 00:00:00", "2026-02-28 00:00:00", 365 * 24},
		{"UTC", "2024-02-29 00:00:00", 1, Years, "2028-02-29T00:00:00Z", "2028-02-29 00:00:00", "2029-02-28 00:00:00", 365 * 24},
		// Before the start, and at it.
		{"UTC", "2026-01-01 00:00:00", 1, Months, "2025-12-31T23:59:59Z", "2025-12-01 00:00:00", "2026-01-01 00:00:00", 31 * 24},
		{"UTC", "2026-01-01 00:00:00", 1, Years, "1999-06-01T00:00:00Z", "1999-01-01 00:00:00", "2000-01-01 00:00:00", 365 * 24},
		{"UTC", "2026-01-01 00:00:00", 1, Months, "2026-01-01T00:00:00Z", "2026-01-01 00:00:00", "2026-02-01 00:00:00", 31 * 24},
		// Hours are elapsed time, whatever the clock does.
		{"Europe/Berlin", "2026-03-29 00:00:00", 6, Hours, "2026-03-29T00:30:00Z", "2026-03-29 00:00:00", "2026-03-29 07:00:00", 6},
		{"UTC", "2026-01-01 00:00:00", 90, Minutes, "2025-12-31T23:59:59.5Z", "2025-12-31 22:30:00", "2026-01-01 00:00:00", 1.5},
	} {
		start, err := time.ParseInLocation(time.DateTime, c.start, zone(t, c.zone))
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, c.at)
		if err != nil {
			t.Fatal(err)
		}
		from, to := Calendar{start, c.count, c.unit}.Period(at)
		if from.Format(time.DateTime) != c.from || to.Format(time.DateTime) != c.to || to.Sub(from).Hours() != c.hours {
			t.Errorf("%s %d%s from %s: %s is in [%s, %s), %v h; want [%s, %s), %v h",
				c.zone, c.count, c.unit, c.start, c.at, from.Format(time.DateTime), to.Format(time.DateTime), to.Sub(from).Hours(), c.from, c.to, c.hours)
		}
	}
}

// Periods hold their time, follow each other without a gap, and do not depend
// on which of their times was asked for.
func FuzzPeriod(f *testing.F) {
	f.Add(int64(1767225600), int64(1774746000), uint8(1), uint8(2), uint8(0))
	f.Add(int64(1769862600), int64(-1), uint8(3), uint8(4), uint8(1))
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Africa/Casablanca", "UTC"}
	f.Fuzz(func(t *testing.T, start, at int64, count, unit, where uint8) {
		const most = 8_000_000_000 // to the year 2223
		z := zone(t, zones[int(where)%len(zones)])
		c := Calendar{time.Unix(start%most, 0).In(z), int(count)%100 + 1, CalendarUnit("mhdwMQY"[unit%7])}
		when := time.Unix(at%most, 5)
		from, to := c.Period(when)
		if from.After(when) || !to.After(when) {
			t.Fatalf("%+v: %v is not in [%v, %v)", c, when, from, to)
		}
		if a, b := c.Period(from); !a.Equal(from) || !b.Equal(to) {
			t.Fatalf("%+v: from the beginning [%v, %v), not [%v, %v)", c, a, b, from, to)
		}
		if a, b := c.Period(to.Add(-1)); !a.Equal(from) || !b.Equal(to) {
			t.Fatalf("%+v: from the end [%v, %v), not [%v, %v)", c, a, b, from, to)
		}
		if a, _ := c.Period(to); !a.Equal(to) {
			t.Fatalf("%+v: the period after [%v, %v) begins at %v", c, from, to, a)
		}
		slack := 26 * time.Hour * 2
		if length := to.Sub(from); c.Unit != Minutes && c.Unit != Hours && length > time.Duration(c.Count)*(nominal(c.Unit)+nominal(c.Unit)/25)+slack {
			t.Fatalf("%+v: %v long", c, length)
		}
	})
}
