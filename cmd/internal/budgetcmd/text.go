package budgetcmd

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"llmops/analysis/budget"
	"llmops/cmd/internal/render"
)

func verdict(v budget.Verdict, style render.Style) string {
	switch v {
	case budget.Pass:
		return style.Green(string(v))
	case budget.Fail:
		return style.Red(string(v))
	}
	return style.Yellow(string(v))
}

func action(a budget.Action, style render.Style) string {
	switch a {
	case budget.Proceed:
		return style.Green(string(a))
	case budget.Freeze:
		return style.Red(string(a))
	}
	return style.Yellow(string(a))
}

// clock is a time in UTC, to the minute where it is on one.
func clock(t budget.Time) string {
	at := time.UnixMilli(int64(t)).UTC()
	if at.Second() == 0 && at.Nanosecond() == 0 {
		return at.Format("2006-01-02 15:04Z")
	}
	return at.Format("2006-01-02 15:04:05Z")
}

func optional(v *float64, format func(float64) string) string {
	if v == nil {
		return "-"
	}
	return format(*v)
}

// percent is a share of a budget, to a tenth of a percent; small ones have more.
func percent(v float64) string {
	p := 100 * v
	switch {
	case p == 0:
		return "0%"
	case math.Abs(p) < 0.1:
		return strconv.FormatFloat(p, 'g', 2, 64) + "%"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + "%"
}

// precise is an SLI, which may differ from its target in far digits: never
// rounded up to 100 %.
func precise(v float64) string {
	p := math.Floor(100*v*1e4) / 1e4
	return strconv.FormatFloat(p, 'f', -1, 64) + "%"
}

// exact is a number as it was written.
func exact(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64)
}

// factor is a burn rate.
func factor(v float64) string { return number(v) + "x" }

// number has about four digits that mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == 0 || a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// cut shortens a name to n columns.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
