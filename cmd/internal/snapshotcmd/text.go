package snapshotcmd

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// none stands for what was not measured.
const none = "-"

func optional[N any](v *N, format func(N) string) string {
	if v == nil {
		return none
	}
	return format(*v)
}

// percent is a ratio.
func percent(v float64) string {
	p := 100 * v
	switch {
	case p == 0 || p >= 10 || p <= -10:
		return strconv.FormatFloat(p, 'f', 0, 64) + "%"
	case p > 0 && p < 0.05:
		return "<0.1%"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// number has about three digits that mean something, and k, M, G for thousands.
func number(v float64) string {
	a := math.Abs(v)
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if a >= unit.size {
			if unit.name == "k" {
				unit.size = 1e3
			}
			return digits(v/unit.size) + unit.name
		}
	}
	return digits(v)
}

func digits(v float64) string {
	switch a := math.Abs(v); {
	case v == 0 || a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64)
	case a >= 1:
		return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
	case a >= 0.01:
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func whole(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }

func count(v uint64) string { return strconv.FormatUint(v, 10) }

// size is a number of bytes.
func size(bytes uint64) string { return sizeOf(float64(bytes)) }

func sizeOf(bytes float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if bytes >= unit.size {
			return digits(bytes/unit.size) + " " + unit.name
		}
	}
	return digits(bytes) + " B"
}

// milliseconds is a time that programs count in ms, for people.
func milliseconds(ms float64) string {
	if ms >= 10_000 {
		return digits(ms/1000) + "s"
	}
	return digits(ms) + "ms"
}

func perSecond(bytes float64) string { return sizeOf(bytes) + "/s" }

// of is "used of total", in GiB.
func of(used, total *uint64) string {
	gib := func(v uint64) string { return strconv.FormatFloat(float64(v)/(1<<30), 'f', 1, 64) }
	if used == nil && total == nil {
		return none
	}
	return optional(used, gib) + "/" + optional(total, gib)
}

// age is a time for people: its two largest units.
func age(seconds float64) string {
	d := time.Duration(min(seconds, math.MaxInt64/1e9/2) * 1e9)
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd %dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.Round(100 * time.Millisecond).String()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// paint colours by severity.
func paint(style render.Style, s snapshot.Severity, text string) string {
	switch s {
	case snapshot.Critical:
		return style.Red(text)
	case snapshot.Warning:
		return style.Yellow(text)
	}
	return style.Cyan(text)
}

// join leaves out what is empty.
func join(sep string, parts ...string) string {
	var list []string
	for _, p := range parts {
		if p != "" {
			list = append(list, p)
		}
	}
	return strings.Join(list, sep)
}
