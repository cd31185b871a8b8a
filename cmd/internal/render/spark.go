package render

import (
	"math"
	"strings"
)

// levels are the eighths of a column.
const (
	levels      = "▁▂▃▄▅▆▇█"
	asciiLevels = "_.-=+*#@"
)

// Spark draws values as one line of columns, at most width of them: the lowest
// value is the lowest column. Where there are more values than columns each column
// shows the one that is furthest from the first. A nil is a gap.
func Spark(values []*float64, width int, ascii bool) string {
	if len(values) == 0 || width <= 0 {
		return ""
	}
	if len(values) > width {
		values = fold(values, width)
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v != nil {
			low, high = min(low, *v), max(high, *v)
		}
	}
	ladder := []rune(levels)
	if ascii {
		ladder = []rune(asciiLevels)
	}
	var out strings.Builder
	for _, v := range values {
		switch {
		case v == nil:
			out.WriteByte(' ')
		case high <= low:
			out.WriteRune(ladder[len(ladder)/2])
		default:
			i := int((*v - low) / (high - low) * float64(len(ladder)))
			out.WriteRune(ladder[min(i, len(ladder)-1)])
		}
	}
	return out.String()
}

// fold shortens values to width columns.
func fold(values []*float64, width int) []*float64 {
	var first *float64
	for _, v := range values {
		if first = v; first != nil {
			break
		}
	}
	out := make([]*float64, width)
	for i := range out {
		for _, v := range values[i*len(values)/width : (i+1)*len(values)/width] {
			if v != nil && (out[i] == nil || math.Abs(*v-*first) > math.Abs(*out[i]-*first)) {
				out[i] = v
			}
		}
	}
	return out
}
