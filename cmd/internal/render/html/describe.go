package html

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// describe says in words what a chart shows, for those who do not see it.
func (c *Chart) describe() string {
	var parts []string
	points, missing := c.missing()
	for i, values := range c.values() {
		name := c.Series[i].Name
		text := spread(values, c.Unit)
		if c.edges() {
			text = bins(c.X, values)
		}
		if name != "" {
			text = name + ": " + text
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		parts = append(parts, "no values")
	}
	for _, m := range c.Marks {
		at := "line at " + number(m.Value) + unit(c.Unit)
		if m.Label != "" {
			at += ": " + m.Label
		}
		parts = append(parts, at)
	}
	if missing > 0 && missing < points {
		parts = append(parts, fmt.Sprintf("missing: %d of %d values", missing, points))
	}
	if n := c.hidden(); n > 0 {
		parts = append(parts, fmt.Sprintf("not drawn, 0 or less on a logarithmic scale: %d", n))
	}
	return strings.Join(parts, "; ") + "."
}

// missing counts points, and those of them that have no value.
func (c *Chart) missing() (points, missing int) {
	of := make([]bool, 0)
	for _, values := range c.values() {
		if !c.Parts {
			of = of[:0]
		}
		for i, v := range values {
			if i == len(of) {
				of = append(of, false)
			}
			of[i] = of[i] || v != nil
		}
		if c.Parts {
			points, missing = 0, 0 // of all parts together
		}
		for _, has := range of {
			points++
			if !has {
				missing++
			}
		}
	}
	return points, missing
}

// spread is the least, the middle and the greatest of values, all of them: what
// was left out of the drawing counts here.
func spread(values []*float64, u string) string {
	var sorted []float64
	for _, v := range values {
		if v != nil {
			sorted = append(sorted, *v)
		}
	}
	if len(sorted) == 0 {
		return "no values"
	}
	slices.Sort(sorted)
	n := len(sorted)
	median := sorted[(n-1)/2]/2 + sorted[n/2]/2 // halved first: the sum may be too large
	text := fmt.Sprintf("min %s, median %s, max %s%s", number(sorted[0]), number(median), number(sorted[n-1]), unit(u))
	if sorted[0] == sorted[n-1] {
		text = "always " + number(sorted[0]) + unit(u)
	}
	return text
}

// bins tells of a histogram how much it holds, where most of it is and which bin
// holds its middle.
func bins(edges []float64, counts []*float64) string {
	total, best := 0.0, -1
	for i, c := range counts {
		if c == nil {
			continue
		}
		total += *c
		if best < 0 || *c > *counts[best] {
			best = i
		}
	}
	if total <= 0 || !finite(total) {
		return "no values"
	}
	middle, sum := best, 0.0
	for i, c := range counts {
		if c == nil {
			continue
		}
		if sum += *c; sum >= total/2 {
			middle = i
			break
		}
	}
	bin := func(i int) string { return number(edges[i]) + " to " + number(edges[i+1]) }
	return fmt.Sprintf("%s from %s to %s, most (%s) in %s, the median in %s", number(total),
		number(edges[0]), number(edges[len(edges)-1]), number(*counts[best]), bin(best), bin(middle))
}

// hidden counts the values that a logarithmic scale cannot show.
func (c *Chart) hidden() int {
	n := 0
	for _, values := range c.values() {
		for _, v := range values {
			if c.Log && v != nil && *v <= 0 {
				n++
			}
		}
	}
	return n
}

func unit(u string) string {
	if u == "" {
		return ""
	}
	return " " + u
}

// number has four digits, or all that stand before the point.
func number(v float64) string {
	if math.Abs(v) >= 1000 && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		r = v
	}
	if a := math.Abs(r); a != 0 && a < 1e-4 || a >= 1e15 {
		return strconv.FormatFloat(r, 'g', 4, 64)
	}
	return strconv.FormatFloat(r+0, 'f', -1, 64)
}
