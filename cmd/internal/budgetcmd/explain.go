package budgetcmd

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"llmops/analysis/budget"
	"llmops/cmd/internal/render"
)

// explanation says of each objective how its numbers come about: counts, formula,
// result.
func (v *view) explanation() {
	for _, s := range worstFirst(v.r.SLOs) {
		v.Printf("\n%s\n", v.Style.Bold("how "+label(s)+" comes about"))
		for _, line := range explain(v.r, s) {
			v.Printf("%s", render.Wrap(line, v.Width, "  "))
		}
	}
}

func explain(r budget.Report, s budget.SLO) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if r.Now != nil {
		if s.Period != nil {
			add("window = calendar period from %s to %s", s.Period.From.Format("2006-01-02 15:04 MST"), s.Period.To.Format("2006-01-02 15:04 MST"))
		} else {
			add("window = (now - %s, now], now = %s", s.Window, clock(*r.Now))
		}
	}
	if s.Coverage != nil {
		add("coverage = (now - first request in the window) / window = %s", render.Percent(*s.Coverage))
	}
	unit := "requests"
	if s.Slice != "" {
		unit = "slices of " + s.Slice
	}
	add("total = good + bad = %d + %d = %d %s", s.Good, s.Bad, s.Total, unit)
	if len(s.Excluded) > 0 {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(s.Excluded)) {
			parts = append(parts, fmt.Sprintf("%d %s", s.Excluded[k], strings.ReplaceAll(k, "_", " ")))
		}
		add("left out: %s", strings.Join(parts, ", "))
	}
	if s.SLI == nil {
		return append(lines, "nothing can be said: there is no valid event in the window")
	}
	bad := fmt.Sprintf("%d", s.Bad)
	if s.Lost != nil {
		bad = render.Number(*s.Lost)
	}
	add("sli = 1 - bad / total = 1 - %s / %d = %s", bad, s.Total, precise(*s.SLI))
	add("consumed = (bad / total) / (1 - target) = (%s / %d) / %s = %s", bad, s.Total, exact(1-s.Target), render.Optional(s.Consumed, render.Percent))
	add("remaining = 1 - consumed = %s%s", render.Optional(s.Remaining, render.Percent), overspent(s))
	for _, b := range s.BurnRates {
		if b.Rate != nil {
			bad := fmt.Sprintf("%d", b.Bad)
			if b.Lost != nil {
				bad = render.Number(*b.Lost)
			}
			add("burn rate over %s = (%s / %d) / %s = %s", b.Window, bad, b.Total, exact(1-s.Target), factor(*b.Rate))
		}
	}
	if c := s.Confidence; c != nil {
		add("with %.4g%% confidence the true sli is from %s to %s (Wilson)", 100*c.Level, precise(c.Low), precise(c.High))
	}
	switch s.Verdict {
	case budget.Pass:
		add("pass: even the low end meets the target of %s%%", exact(100*s.Target))
	case budget.Fail:
		add("fail: even the high end misses the target of %s%%", exact(100*s.Target))
	case budget.Undetermined:
		add("undetermined: the target of %s%% lies between: too few events to tell", exact(100*s.Target))
	}
	if e := s.Exhaustion; e.At != nil {
		add("runs out at %s, if requests come and fail as over the last %s", clock(*e.At), e.Pace)
	}
	return lines
}

func overspent(s budget.SLO) string {
	if s.Remaining != nil && *s.Remaining < 0 {
		return fmt.Sprintf(": overspent by %s", render.Percent(-*s.Remaining))
	}
	return ""
}
