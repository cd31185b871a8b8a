package slo

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

var durationUnits = []struct {
	name string
	unit time.Duration
}{
	// Longer names first: "ms" before "m" and "s".
	{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond},
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
}

var errDuration = errors.New("want a duration such as 30d, 1h30m, 5m or 500ms")

// ParseDuration reads numbers with units, "30d", "1h30m", "1.5s"; a day is
// 24 h, a week 7 days. The value must be positive and a whole number of
// nanoseconds.
func ParseDuration(text string) (time.Duration, error) {
	total := new(big.Rat)
	rest := text
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := ParseDecimal(rest[:digits])
		if err != nil {
			return 0, errDuration
		}
		rest = rest[digits:]
		found := false
		for _, u := range durationUnits {
			if after, ok := strings.CutPrefix(rest, u.name); ok {
				total.Add(total, new(big.Rat).Mul(n.Rat, big.NewRat(int64(u.unit), 1)))
				rest, found = after, true
				break
			}
		}
		if !found {
			return 0, errDuration
		}
	}
	if total.Sign() <= 0 || !total.IsInt() {
		return 0, errDuration
	}
	if !total.Num().IsInt64() {
		return 0, fmt.Errorf("duration %q is longer than 292 years", text)
	}
	return time.Duration(total.Num().Int64()), nil
}

// FormatDuration writes d the way ParseDuration reads it, with the largest
// units that divide it: 30d, 1h30m, 500ms.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return d.String()
	}
	var b strings.Builder
	for _, u := range durationUnits[4:] { // d, h, m, s
		if n := d / u.unit; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d %= u.unit
		}
	}
	if d > 0 {
		b.WriteString(d.String())
	}
	return b.String()
}

// parseShorthand reads a duration of OpenSLO: a whole number and one of the
// letters m, h, d, w, M (month), Q and Y.
func parseShorthand(text string) (int, CalendarUnit, error) {
	errShorthand := errors.New("want a whole number and a unit: m (minutes), h, d, w, M (months), Q or Y, such as 30d or 1M")
	if len(text) < 2 {
		return 0, "", errShorthand
	}
	digits, unit := text[:len(text)-1], CalendarUnit(text[len(text)-1:])
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || strings.Trim(digits, "0123456789") != "" || !strings.Contains("mhdwMQY", string(unit)) {
		return 0, "", errShorthand
	}
	if n > int(longestShorthand/nominal(unit)) {
		return 0, "", errors.New("want 100 years at most")
	}
	return n, unit, nil
}

const longestShorthand = 100 * 365 * 24 * time.Hour
