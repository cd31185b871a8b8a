package accesslog

import "bytes"

// Instants are Fixed numbers of milliseconds since the epoch (exact to the
// nanosecond, from 1824 to 2116). An event's time is rounded up to a whole
// millisecond: windows are open on the left and closed on the right and begin
// and end on whole milliseconds, so rounding up, and only that, leaves each event
// in the windows that it is in.

// parseTime reads an instant in any of the notations that logs use: RFC 3339
// with any zone and fraction, "YYYY-MM-DD HH:MM:SS[.ffffff]" (UTC), nginx's
// $time_local, or a number since the epoch.
func parseTime(b []byte) (Fixed, bool) {
	switch {
	case len(b) >= 10 && b[4] == '-':
		return parseISO(b)
	case len(b) >= 20 && b[2] == '/':
		return parseTimeLocal(b)
	}
	return parseEpoch(b)
}

// parseEpoch reads a number of seconds, milliseconds, microseconds or
// nanoseconds since the epoch; which one, its size tells (from 1973 on, and for
// seconds up to the year 5138).
func parseEpoch(b []byte) (Fixed, bool) {
	d, ok := parseDecimal(b)
	if !ok {
		return Absent, false
	}
	size, e := d.mantissa, d.exponent
	for ; size >= 10; size /= 10 {
		e++
	}
	switch { // e is the power of ten of the first digit
	case e < 11:
		return d.fixed(secondsToMs)
	case e < 14:
		return d.fixed(0)
	case e < 17:
		return d.fixed(microsecondsToMs)
	}
	return d.fixed(nanosecondsToMs)
}

// parseISO reads "2026-03-03T07:05:50.588Z" and its kin: a blank or a T between
// date and time, any fraction, Z or an offset with or without a colon. Without a
// zone it is UTC.
func parseISO(b []byte) (Fixed, bool) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' ||
		(b[10]|0x20 != 't' && b[10] != ' ') {
		return Absent, false
	}
	year := digits2(b[0:])*100 + digits2(b[2:])
	if digits2(b[0:]) < 0 || digits2(b[2:]) < 0 {
		return Absent, false
	}
	ms, ok := civilMs(year, digits2(b[5:]), digits2(b[8:]), digits2(b[11:]), digits2(b[14:]), digits2(b[17:]))
	if !ok {
		return Absent, false
	}
	rest := b[19:]
	fraction := Fixed(0)
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		n := 1
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if n == 1 {
			return Absent, false
		}
		d := decimal{}
		for _, c := range rest[1:n] {
			if d.exponent > -18 {
				d.mantissa, d.exponent = d.mantissa*10+uint64(c-'0'), d.exponent-1
			} else if c != '0' {
				d.inexact = true
			}
		}
		if fraction, ok = d.fixed(secondsToMs); !ok {
			return Absent, false
		}
		rest = rest[n:]
	}
	offset, ok := parseZone(rest)
	if !ok {
		return Absent, false
	}
	t := Whole(ms - offset).Add(fraction)
	return t, t.Known()
}

// parseTimeLocal reads nginx's $time_local: "17/May/2015:10:05:03 +0000".
func parseTimeLocal(b []byte) (Fixed, bool) {
	if len(b) != 26 || b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return Absent, false
	}
	at := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), b[3:6])
	if at < 0 || at%3 != 0 || digits2(b[7:]) < 0 || digits2(b[9:]) < 0 {
		return Absent, false
	}
	ms, ok := civilMs(digits2(b[7:])*100+digits2(b[9:]), at/3+1, digits2(b[0:]),
		digits2(b[12:]), digits2(b[15:]), digits2(b[18:]))
	if !ok {
		return Absent, false
	}
	offset, ok := parseZone(b[21:])
	if !ok {
		return Absent, false
	}
	t := Whole(ms - offset)
	return t, t.Known()
}

// parseZone reads "", "Z", "+hh:mm", "+hhmm" or "+hh", after a blank or without, in
// milliseconds east of Greenwich.
func parseZone(b []byte) (int64, bool) {
	if len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if len(b) == 0 || len(b) == 1 && b[0]|0x20 == 'z' || string(b) == "UTC" {
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' || len(b) < 3 {
		return 0, false
	}
	hours, minutes := digits2(b[1:]), 0
	switch rest := b[3:]; {
	case len(rest) == 0:
	case len(rest) == 2:
		minutes = digits2(rest)
	case len(rest) == 3 && rest[0] == ':':
		minutes = digits2(rest[1:])
	default:
		return 0, false
	}
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset := int64(hours*60+minutes) * 60_000
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// digits2 is the number that two digits make; far below zero if they are not
// digits.
func digits2(b []byte) int {
	if len(b) < 2 || b[0]-'0' > 9 || b[1]-'0' > 9 {
		return -1 << 20
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

// civilMs is a date and time of the Gregorian calendar, UTC, in milliseconds
// since the epoch. A leap second counts as the first second after it, as in Unix
// time.
func civilMs(year, month, day, hour, minute, second int) (int64, bool) {
	if month < 1 || month > 12 || day < 1 || day > daysOf(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return 0, false
	}
	// Days since 1970-01-01, counting years from March so that the leap day
	// comes last; 146,097 days are 400 years.
	y := year
	if month <= 2 {
		y--
	}
	fromMarch := (month + 9) % 12
	days := 365*y + y/4 - y/100 + y/400 + (153*fromMarch+2)/5 + day - 1 - 719_468
	return int64(((days*24+hour)*60+minute)*60+second) * 1000, true
}

func daysOf(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
