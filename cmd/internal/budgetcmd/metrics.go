package budgetcmd

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"llmops/analysis/budget"
	"llmops/cmd/internal/render"
)

// openMetrics writes the report in the Prometheus text format, for a node
// exporter's textfile collector.
func openMetrics(w io.Writer, r budget.Report) error {
	out := bufio.NewWriter(w)
	for _, m := range []struct {
		name, help string
		value      func(budget.SLO) *float64
	}{
		{"llmops_slo_target_ratio", "Least share of good events.", func(s budget.SLO) *float64 { return &s.Target }},
		{"llmops_slo_sli_ratio", "Share of good events in the window.", func(s budget.SLO) *float64 { return s.SLI }},
		{"llmops_slo_budget_consumed_ratio", "Share of the error budget that is spent.", func(s budget.SLO) *float64 { return s.Consumed }},
		{"llmops_slo_budget_remaining_ratio", "Share of the error budget that is left; negative: overspent.", func(s budget.SLO) *float64 { return s.Remaining }},
		{"llmops_slo_events", "Valid events, or slices, in the window.", func(s budget.SLO) *float64 { return new(float64(s.Total)) }},
		{"llmops_slo_bad_events", "Bad events, or slices, in the window.", func(s budget.SLO) *float64 { return new(float64(s.Bad)) }},
		{"llmops_slo_coverage_ratio", "Share of the window that there are logs for.", func(s budget.SLO) *float64 { return s.Coverage }},
	} {
		fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", m.name, m.help, m.name)
		for _, s := range r.SLOs {
			if v := m.value(s); v != nil {
				fmt.Fprintf(out, "%s{slo=%s,window=%s} %s\n", m.name, render.LabelValue(s.Name), render.LabelValue(s.Window), strconv.FormatFloat(*v, 'g', -1, 64))
			}
		}
	}
	const burn = "llmops_slo_burn_rate"
	fmt.Fprintf(out, "# HELP %s Burn rate of the error budget over the window.\n# TYPE %s gauge\n", burn, burn)
	for _, s := range r.SLOs {
		for _, b := range s.BurnRates {
			if b.Rate != nil {
				fmt.Fprintf(out, "%s{slo=%s,window=%s} %s\n", burn, render.LabelValue(s.Name), render.LabelValue(b.Window), strconv.FormatFloat(*b.Rate, 'g', -1, 64))
			}
		}
	}
	return out.Flush()
}
