package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The words that every command uses for the same things.

// Plural is a number of things: "1 file", "2 files", "3 queries".
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if stem, ok := strings.CutSuffix(word, "y"); ok && !strings.ContainsRune("aeiou", rune(word[max(0, len(word)-2)])) {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Clock is a time in UTC, to the minute where it is on one.
func Clock(t time.Time) string {
	t = t.UTC()
	if t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format("2006-01-02 15:04Z")
	}
	return t.Format("2006-01-02 15:04:05Z")
}

// Span is how long something took, in its two largest units: "3d4h", "1h2m", "45s",
// "120ms".
func Span(d time.Duration) string {
	if d < 0 {
		return "-" + Span(-d)
	}
	if d < time.Second {
		return Milliseconds(float64(d) / float64(time.Millisecond))
	}
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		text := strconv.FormatInt(int64(d/u.size), 10) + u.name
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				text += strconv.FormatInt(int64(rest), 10) + units[i+1].name
			}
		}
		return text
	}
	return "0s"
}

// Number has about four digits that mean something.
func Number(v float64) string { return figures(v, 4) }

// Short is Number where there is little room: about three digits that mean something,
// and k, M, G, T for thousands from 10,000 on.
func Short(v float64) string {
	a := math.Abs(v)
	for _, unit := range []struct {
		from, size float64
		name       string
	}{{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}} {
		if a >= unit.from && a < 1e18 {
			return figures(v/unit.size, 3) + unit.name
		}
	}
	return figures(v, 3)
}

// figures has n digits that mean something, but at most two decimals from 1 on, one
// digit less below 1, and whole numbers whole, up to where nobody counts zeros.
func figures(v float64, n int) string {
	a := math.Abs(v)
	switch {
	case a >= 1e15:
		return strconv.FormatFloat(v, 'g', n, 64)
	case v == 0 || a >= math.Pow10(n-1):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a < 1:
		return strconv.FormatFloat(v, 'g', n-1, 64)
	}
	scale := 100.0
	if a >= math.Pow10(n-2) {
		scale = 10
	}
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

// Percent is a share, 1 being all, to a tenth of a percent; small ones have more. Only
// nothing is 0%, and only all is 100%.
func Percent(share float64) string {
	p := 100 * share
	switch a := math.Abs(p); {
	case a == 0:
		return "0%"
	case a < 0.1:
		return strconv.FormatFloat(p, 'g', 2, 64) + "%"
	case a < 100 && a >= 99.95:
		return strconv.FormatFloat(math.Copysign(99.9, p), 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// Size is a number of bytes: "512 B", "1.5 GiB".
func Size[N int64 | uint64 | float64](bytes N) string {
	b := float64(bytes)
	for _, unit := range []struct {
		size float64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b >= unit.size {
			return figures(b/unit.size, 3) + " " + unit.name
		}
	}
	return figures(b, 3) + " B"
}

// Milliseconds is a time that programs count in ms: "0.3ms", "812ms", and "21.3s" from
// ten seconds on.
func Milliseconds(ms float64) string {
	if ms >= 10_000 {
		return figures(ms/1000, 3) + "s"
	}
	return figures(ms, 3) + "ms"
}

// None stands for what was not measured.
const None = "-"

// Optional is None for what was not measured.
func Optional[N any](v *N, format func(N) string) string {
	if v == nil {
		return None
	}
	return format(*v)
}

// Full is a number with all of its digits, for programs; "" if it was not measured.
func Full(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// List names the first most of names, and how many more there are.
func List(names []string, most int) string {
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n)
	}
	return strings.Join(names, ", ")
}

// Cut shortens text to n characters; n below 1 means that the width is not known.
func Cut(text string, n int) string {
	if n < 1 || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
