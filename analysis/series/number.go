package series

import (
	"bytes"
	"strconv"
	"unsafe"

	"llmops/analysis/accesslog"
)

// powers of ten that a float64 holds exactly.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseFloat reads a decimal number, also "+Inf" and "NaN", as the float64 nearest
// to it. A whole number below 2^53 over a power of ten up to 10^22 is exact in both
// parts, so one division rounds once (Clinger 1990); what is not so short is
// strconv's.
func parseFloat(b []byte) (float64, bool) {
	i, negative := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, negative = 1, true
	}
	var m uint64
	from, point := i, -1
	for ; i < len(b); i++ {
		if d := b[i] - '0'; d <= 9 {
			m = m*10 + uint64(d)
			continue
		}
		if b[i] != '.' || point >= 0 {
			return parseLong(b)
		}
		point = i
	}
	digits, decimals := len(b)-from, 0
	if point >= 0 {
		digits--
		decimals = len(b) - 1 - point
	}
	if digits == 0 || digits > 18 || m >= 1<<53 {
		return parseLong(b)
	}
	v := float64(m)
	if decimals > 0 {
		v /= powers[decimals]
	}
	if negative {
		v = -v
	}
	return v, true
}

func parseLong(b []byte) (float64, bool) {
	for _, c := range b {
		switch c {
		case 'x', 'X', 'p', 'P', '_': // Go's own notations
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64)
	return v, err == nil
}

// missing tells whether a cell says that there is no value.
func missing(b []byte) bool {
	switch len(b) {
	case 0:
		return true
	case 1:
		return b[0] == '-'
	case 2:
		return string(b) == "NA"
	case 3:
		return bytes.EqualFold(b, []byte("nan")) || string(b) == "N/A"
	case 4:
		return bytes.EqualFold(b, []byte("null")) || string(b) == "None"
	}
	return false
}

// A clock reads times in ms since the epoch.
type clock struct {
	iso  accesslog.Clock
	text [32]byte // the time before, which comes again in the next row mostly
	size int
	t    int64
}

// digitsOfSeconds and digitsOfMs are of times from 2001 to 2286.
const (
	digitsOfSeconds = 10
	digitsOfMs      = 13
)

func (c *clock) parse(b []byte) (int64, bool) {
	if len(b) == c.size && string(b) == string(c.text[:c.size]) {
		return c.t, true
	}
	t, ok := c.read(b)
	if ok && len(b) > 0 && len(b) <= len(c.text) {
		c.size, c.t = copy(c.text[:], b), t
	}
	return t, ok
}

func (c *clock) read(b []byte) (int64, bool) {
	if n := len(b); n == digitsOfSeconds || n == digitsOfMs || n == digitsOfMs+1 {
		if t, ok := unixTime(b); ok {
			return t, true
		}
	}
	f, ok := c.iso.Parse(b)
	if !ok {
		return 0, false
	}
	// The nearest: half a ms is a million of the units that Fixed counts in.
	return f.Add(1_000_000).Floor(), true
}

// unixTime reads seconds, seconds with three decimals, and milliseconds of the
// usual length.
func unixTime(b []byte) (t int64, ok bool) {
	for i, c := range b {
		if d := c - '0'; d <= 9 {
			t = t*10 + int64(d)
		} else if c != '.' || i != digitsOfSeconds || len(b) != digitsOfMs+1 {
			return 0, false
		}
	}
	switch {
	case b[0] == '0' || len(b) == digitsOfMs+1 && b[digitsOfSeconds] != '.':
		return 0, false
	case len(b) == digitsOfSeconds:
		return t * 1000, true
	}
	return t, true
}
