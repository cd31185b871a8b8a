package detect

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"llmops/analysis/series"
)

// RulesName is what stands for rules where channels are named.
const RulesName = "rules"

// A Rule is an expression of PromQL over canonical metrics whose result, while there is
// one, is an anomaly.
type Rule struct {
	Name, Expr, About string
	Metric            string        // that it is about
	Span              time.Duration // in which it needs two samples, if not 0
	Score             float64       // how sure it is
	High              float64       // what the value was expected to stay below
}

// Rules are fixed limits of the kind that every team has: they know nothing of what is
// usual, but need no warm-up.
func Rules() []Rule {
	return []Rule{
		{"high_latency_spike", "p95_latency_ms > 3000", "the slowest requests take more than 3 s", "p95_latency_ms", 0, 0.9, 3000},
		{"memory_leak_pattern", "memory_utilization > 0.9 and deriv(memory_utilization[10m]) > 0", "memory is nearly used up, and grows", "memory_utilization", 10 * time.Minute, 0.8, 0.9},
		{"error_burst", "error_rate > 0.2", "more than a fifth of the requests fail", "error_rate", 0, 0.9, 0.2},
	}
}

// mostSteps is how often a rule is evaluated at once: what an engine holds in memory
// does not grow with the length of the data.
const mostSteps = 100_000

// ApplyRules evaluates rules from start to end. Times at which a rule holds, with at most
// two steps between them, are one anomaly.
func ApplyRules(ctx context.Context, engine *series.Engine, store *series.Store, rules []Rule, start, end time.Time, step time.Duration) ([]Anomaly, error) {
	var found []Anomaly
	for _, r := range rules {
		last := map[string]int{} // of a series, in found
		for from := start; !from.After(end); from = from.Add(mostSteps * step) {
			to := from.Add((mostSteps - 1) * step)
			if to.After(end) {
				to = end
			}
			result, err := engine.Range(ctx, store, r.Expr, from, to, step)
			if err != nil {
				return nil, fmt.Errorf("rule %s: %w", r.Name, err)
			}
			for _, row := range result.Rows {
				name := NameOf(row.Labels)
				for _, p := range row.Points {
					if math.IsNaN(p.F) {
						continue
					}
					i, ok := last[name]
					if !ok || p.T-found[i].To > 3*step.Milliseconds() {
						i = len(found)
						last[name] = i
						found = append(found, Anomaly{Series: name, From: p.T, PeakAt: p.T, Value: p.F, Low: math.NaN(), High: r.High, Score: r.Score, Rule: r.Name})
					}
					now := &found[i]
					now.To = p.T
					now.Rows++
					if p.F > now.Value {
						now.Value, now.PeakAt = p.F, p.T
					}
				}
			}
		}
	}
	return slices.Clip(found), nil
}

// NameOf is how a series is named where it is shown: its metric, and its other labels.
func NameOf(all labels.Labels) string {
	rest := labels.NewBuilder(all).Del(model.MetricNameLabel).Labels()
	name := all.Get(model.MetricNameLabel)
	if rest.IsEmpty() {
		return name
	}
	return name + strings.ReplaceAll(rest.String(), `", `, `",`)
}

// Names are what found the anomaly: channels, or a rule.
func (a Anomaly) Names() []string {
	if a.Rule != "" {
		return []string{RulesName + "/" + a.Rule}
	}
	return a.Channels.Names()
}
