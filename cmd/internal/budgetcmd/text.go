package budgetcmd

import (
	"math"
	"strconv"
	"time"

	"llmops/analysis/budget"
	"llmops/cmd/internal/render"
)

func verdict(v budget.Verdict, style render.Style) string { return style.Verdict(string(v)) }

func action(a budget.Action, style render.Style) string {
	switch a {
	case budget.Proceed:
		return style.Green(string(a))
	case budget.Freeze:
		return style.Red(string(a))
	}
	return style.Yellow(string(a))
}

func clock(t budget.Time) string { return render.Clock(time.UnixMilli(int64(t))) }

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
func factor(v float64) string { return render.Number(v) + "x" }
