package accesslog

import (
	"encoding/binary"
	"math/bits"
)

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
