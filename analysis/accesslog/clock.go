package accesslog

import "encoding/binary"

// A clock is parseTime for instants of which most are in the minute of the one
// before, or in its hour. The zero clock is ready.
type clock struct {
	prefix [len("2026-03-03T07:05")]byte
	start  Fixed // of that minute
	// What an instant begins with that is in the hour of prefix, in numbers that
	// overlap, and when that hour begins; head is 0 before there is a prefix.
	head, tail uint64
	hour       Fixed
}

// inHour reads an instant in the hour of the one before, if it is of the length of
// "2026-03-03T07:05:50.588Z", which most are.
func (c *clock) inHour(b *[len("2026-03-03T07:05:50.588Z")]byte) (Fixed, bool) {
	const hour = len("2026-03-03T07")
	if binary.LittleEndian.Uint64(b[:]) != c.head || binary.LittleEndian.Uint64(b[hour-8:]) != c.tail {
		return 0, false
	}
	m, n, s, t := b[14]-'0', b[15]-'0', b[17]-'0', b[18]-'0'
	x, y, z := b[20]-'0', b[21]-'0', b[22]-'0'
	if max(m, s) > 5 || max(n, t, x, y, z) > 9 || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[23] != 'Z' {
		return 0, false
	}
	seconds := int(m)*600 + int(n)*60 + int(s)*10 + int(t)
	return c.hour + Fixed(seconds*1000+int(x)*100+int(y)*10+int(z))*2e6, true
}

func (c *clock) parse(b []byte) (Fixed, bool) {
	const n = len(c.prefix)
	if len(b) == n+8 {
		if t, ok := c.inHour((*[n + 8]byte)(b)); ok {
			return t, true
		}
	}
	if len(b) > n+3 && len(b) <= n+13 && c.prefix[0] != 0 && string(b[:n]) == string(c.prefix[:]) && b[n] == ':' {
		// The rest is ":05Z", or ":05.588Z" with up to nine decimals.
		seconds, last := uint(digits2(b[n+1:])), len(b)-1
		if seconds < 60 && b[last] == 'Z' {
			if last == n+3 {
				return c.start + Fixed(seconds)*2e9, true
			}
			ns, ok := nineDigits(b[n+4 : last])
			if ok && b[n+3] == '.' {
				return c.start + Fixed(seconds)*2e9 + Fixed(2*ns*pow10(9-(last-n-4))), true
			}
		}
	}
	t, ok := parseTime(b)
	// With a zone behind it the same prefix is another minute.
	if ok && t >= 0 && len(b) > n+3 && b[4] == '-' && b[len(b)-1] == 'Z' && b[n+1] != '6' {
		copy(c.prefix[:], b)
		c.start = t - t%(60_000*2e6)
		c.hour = t - t%(3_600_000*2e6)
		c.head, c.tail = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[5:])
	}
	return t, ok
}

// nineDigits is the number that all of b is, one digit at least and nine at most.
func nineDigits(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	return n, len(b) > 0 && len(b) <= 9
}
