package accesslog

import (
	"encoding/binary"
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

// parseShort is parseFixed for the usual: nine digits at most, no sign, no
// exponent, and no decimals beyond those that Fixed holds.
func parseShort(b []byte, scale int) (Fixed, bool) {
	if w, ok := eightBytes(b); ok {
		return parseEight(w, len(b), scale)
	}
	if len(b) > 10 {
		return 0, false
	}
	m, decimals := uint64(0), -1 // -1: before the point
	for i, c := range b {
		if d := c - '0'; d <= 9 {
			m = m*10 + uint64(d)
			continue
		}
		if c != '.' || decimals >= 0 {
			return 0, false
		}
		decimals = len(b) - 1 - i
	}
	digits := len(b)
	if decimals >= 0 {
		digits--
	}
	e := 6 + scale - max(decimals, 0)
	if digits < 1 || digits > 9 || e < 0 || e > 9 {
		return 0, false
	}
	return Fixed(m * pow10(e) * 2), true
}

// eightBytes has the bytes of b, which are one to eight, in its highest bytes, the
// last one in the highest; digits are 0 to 9 in it, and the bytes before b are 0. It is
// false for other b, and where eight bytes cannot be read at once.
func eightBytes(b []byte) (w uint64, ok bool) {
	n := uint(len(b)) - 1
	if n > 7 || cap(b) < 8 {
		return 0, false
	}
	return (binary.LittleEndian.Uint64(b[:8]) ^ '0'*lowBits) << (8 * (7 - n) & 63), true
}

// parseEight is parseShort for n bytes as eightBytes has them.
func parseEight(w uint64, n, scale int) (Fixed, bool) {
	decimals := 0
	if !areFigures(w) {
		point := w ^ ('.'^'0')*lowBits // a byte that is zero
		at := uint(bits.TrailingZeros64((point-lowBits)&^point&highBits)) &^ 7
		if at > 56 || n == 1 {
			return 0, false
		}
		w = w>>(at+7)>>1<<(at+7)<<1 | w<<8&(1<<at<<8-1)
		if !areFigures(w) {
			return 0, false
		}
		decimals = int(56-at) / 8
	}
	e := 6 + scale - decimals
	if e < 0 || e > 9 {
		return 0, false
	}
	return Fixed(eightFigures(w) * pow10(e) * 2), true
}

// eightFigures is the number whose digits are the bytes of w, the first one in the
// lowest.
func eightFigures(w uint64) uint64 {
	const some = 0xff<<32 | 0xff
	w = w*10 + w>>8 // by two
	return (w&some*(100|1_000_000<<32) + w>>16&some*(1|10_000<<32)) >> 32
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
