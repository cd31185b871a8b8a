package snapshotcmd

import (
	"math"
	"strconv"
	"strings"
	"time"

	"llmops/cmd/internal/render"
	"llmops/probes/snapshot"
)

// percent is a ratio where there is little room: without decimals from 10 % on, unless
// that made it 100 %.
func percent(v float64) string {
	if p := math.Abs(100 * v); p >= 10 && (p < 99.5 || p >= 100) {
		return strconv.FormatFloat(100*v, 'f', 0, 64) + "%"
	}
	return render.Percent(v)
}

func whole(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }

func count(v uint64) string { return strconv.FormatUint(v, 10) }

func perSecond(bytes float64) string { return render.Size(bytes) + "/s" }

// seconds is a time of a host, which may say anything.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, math.MaxInt64/1e9/2) * 1e9)
}

// of is "used of total", in GiB.
func of(used, total *uint64) string {
	gib := func(v uint64) string { return strconv.FormatFloat(float64(v)/(1<<30), 'f', 1, 64) }
	if used == nil && total == nil {
		return render.None
	}
	return render.Optional(used, gib) + "/" + render.Optional(total, gib)
}

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
