package accesslog

import (
	"math"
	"math/bits"
)

// Powers of ten that turn a unit into another, for parseFixed.
const (
	secondsToMs      = 3
	microsecondsToMs = -3
	nanosecondsToMs  = -6
)

const maxTens = 19

// pow10 is 10^n, up to maxTens.
func pow10(n int) uint64 { return tens[n] }

var tens = [maxTens + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// parseFixed reads a decimal number ("12", "-0.5", "1.5e-3") times 10^scale. It
// goes digit by digit and never through floating point, so that a row that sits
// on a threshold is on it. Text that is no number, or one that Fixed cannot
// hold (4.6e12 and more), is not ok.
func parseFixed(b []byte, scale int) (f Fixed, ok bool) {
	if f, ok := parseShort(b, scale); ok {
		return f, true
	}
	d, ok := parseDecimal(b)
	if !ok {
		return Absent, false
	}
	return d.fixed(scale)
}

// parseInt reads a decimal number that is a whole one: "200", "200.0", "2e2".
func parseInt(b []byte) (int64, bool) {
	if w, ok := eightBytes(b); ok && areFigures(w) {
		return int64(eightFigures(w)), true
	}
	if len(b) > 0 && len(b) <= 18 { // the usual: a few digits
		var n int64
		for _, c := range b {
			if c -= '0'; c > 9 {
				n = -1
				break
			}
			n = n*10 + int64(c)
		}
		if n >= 0 {
			return n, true
		}
	}
	d, ok := parseDecimal(b)
	if !ok || d.inexact {
		return 0, false
	}
	m, e := d.mantissa, d.exponent
	for ; e < 0 && m != 0; e++ {
		if m%10 != 0 {
			return 0, false
		}
		m /= 10
	}
	if m != 0 && e > 0 {
		hi, lo := bits.Mul64(m, pow10(min(e, maxTens)))
		if hi != 0 || e > maxTens {
			return 0, false
		}
		m = lo
	}
	if m > math.MaxInt64 {
		return 0, false
	}
	if d.negative {
		return -int64(m), true
	}
	return int64(m), true
}

// decimal is a number as its text has it: mantissa * 10^exponent, and a bit more
// if it is inexact (digits beyond the nineteenth that are not all zero).
type decimal struct {
	mantissa uint64
	exponent int
	negative bool
	inexact  bool
}

func parseDecimal(b []byte) (d decimal, ok bool) {
	i := 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		d.negative = b[i] == '-'
		i++
	}
	digits, point := 0, false
	for ; i < len(b); i++ {
		c := b[i] - '0'
		switch {
		case c <= 9:
			digits++
			if d.mantissa < pow10(maxTens-1) {
				d.mantissa = d.mantissa*10 + uint64(c)
				if point {
					d.exponent--
				}
				continue
			}
			d.inexact = d.inexact || c != 0
			if !point {
				d.exponent++
			}
			continue
		case b[i] == '.' && !point:
			point = true
			continue
		}
		break
	}
	if digits == 0 {
		return d, false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		sign := 1
		if i < len(b) && (b[i] == '-' || b[i] == '+') {
			if b[i] == '-' {
				sign = -1
			}
			i++
		}
		if i == len(b) {
			return d, false
		}
		e := 0
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			e = min(e*10+int(b[i]-'0'), 1<<24) // larger ones come to the same
		}
		d.exponent += sign * e
	}
	return d, i == len(b)
}

// fixed is d * 10^scale.
func (d decimal) fixed(scale int) (Fixed, bool) {
	q, more := d.mantissa, d.inexact
	switch e := d.exponent + scale + 6; {
	case q == 0:
	case e >= 0:
		if e > maxTens {
			return Absent, false
		}
		hi, lo := bits.Mul64(q, pow10(e))
		if hi != 0 {
			return Absent, false
		}
		q = lo
	case e < -maxTens:
		q, more = 0, true
	default:
		p := pow10(-e)
		q, more = q/p, more || q%p != 0
	}
	if q >= 1<<62-1 {
		return Absent, false
	}
	f := Fixed(q) * 2
	if more {
		f++
	}
	if d.negative {
		f = -f
	}
	return f, true
}

// Sub is f - g. It is exact as far as Fixed is if at most one of them has a
// remainder below a millionth, else within a millionth. Absent if either is, or
// if it cannot be held.
func (f Fixed) Sub(g Fixed) Fixed {
	if f == Absent || g == Absent {
		return Absent
	}
	d := f - g
	if (f >= 0) != (g >= 0) && (d >= 0) != (f >= 0) || d == Absent {
		return Absent
	}
	return d
}

// Add is f + g, as exact as Sub.
func (f Fixed) Add(g Fixed) Fixed {
	if g == Absent {
		return Absent
	}
	return f.Sub(-g)
}

// Ceil is the smallest whole number that is not below f.
func (f Fixed) Ceil() int64 {
	const one = 2_000_000
	q := int64(f) / one
	if int64(f)%one > 0 {
		q++
	}
	return q
}

// Whole is n as a Fixed; Absent if it cannot be held.
func Whole(n int64) Fixed {
	const limit = math.MaxInt64 / 2_000_000
	if n > limit || n < -limit {
		return Absent
	}
	return Fixed(n * 2_000_000)
}
