package alert

import (
	"fmt"
	"math/big"
	"time"

	"llmops/rules/slo"
)

// workbook are the alerts of an objective that names none: those of the Site
// Reliability Workbook, table 5-8, for a budget of workbookWindow. An hour at
// 14.4 times the even pace spends 2 % of it, six hours at 6 times 5 %, three days
// at the even pace 10 %.
var workbook = []struct {
	severity    string
	long, short time.Duration
	threshold   string
}{
	{"page", time.Hour, 5 * time.Minute, "14.4"},
	{"page", 6 * time.Hour, 30 * time.Minute, "6"},
	{"ticket", 3 * 24 * time.Hour, 6 * time.Hour, "1"},
}

const (
	workbookWindow = 30 * 24 * time.Hour
	// A default long window must hold enough requests to say anything, and a
	// short one several scrapes.
	leastLong, leastShort = 10 * time.Minute, 2 * time.Minute
)

// burns are the alerts of an objective, checked. Those that can never fire are left
// out, with a word; others that are wrong are refused if the author wrote them.
func burns(o slo.Objective) ([]slo.BurnAlert, []string, error) {
	if len(o.Alerts) == 0 {
		return defaultBurns(o)
	}
	var alerts []slo.BurnAlert
	var warnings []string
	for _, a := range o.Alerts {
		if why := unreachable(o, a); why != "" {
			warnings = append(warnings, fmt.Sprintf("%s: the alert over %s is left out: it can never fire, as %s", o.Name, prom(a.Long), why))
			continue
		}
		if why := useless(o, a); why != "" {
			return nil, nil, failf("correct the alert, or remove all of them for those of the Site Reliability Workbook", "the alert over %s cannot stand: %s", prom(a.Long), why)
		}
		if spent := spentBy(o, a); spent.Cmp(big.NewRat(1, 1)) >= 0 {
			warnings = append(warnings, fmt.Sprintf("%s: the alert over %s fires when %s of the budget of %s is spent already", o.Name, prom(a.Long), percent(spent), prom(o.Window)))
		}
		alerts = append(alerts, a)
	}
	if len(alerts) == 0 {
		return nil, nil, failf("lower the thresholds, or remove all alerts for those of the Site Reliability Workbook", "none of its alerts can ever fire: %s", unreachable(o, o.Alerts[0]))
	}
	return alerts, warnings, nil
}

// defaultBurns scales the windows of the workbook with that of the objective:
// the same factors then spend the same shares of the budget.
func defaultBurns(o slo.Objective) (out []slo.BurnAlert, warnings []string, err error) {
	for _, d := range workbook {
		// In minutes, so that nothing overflows within 292 years.
		scale := func(d time.Duration) time.Duration {
			n, base := int64(d/time.Minute)*int64(o.Window/time.Minute), int64(workbookWindow/time.Minute)
			return time.Duration((n+base/2)/base) * time.Minute
		}
		threshold, err := slo.ParseDecimal(d.threshold)
		if err != nil {
			return nil, nil, fmt.Errorf("threshold %s: %w", d.threshold, err)
		}
		a := slo.BurnAlert{Severity: d.severity, Long: scale(d.long), Short: max(scale(d.short), leastShort), Op: slo.Greater, Threshold: threshold}
		why := useless(o, a)
		if a.Long < leastLong {
			why = fmt.Sprintf("of a budget of %s its long window would be %s", prom(o.Window), prom(a.Long))
		}
		if why != "" {
			warnings = append(warnings, fmt.Sprintf("%s: the default alert at %s times the even pace is left out: %s", o.Name, d.threshold, why))
			continue
		}
		out = append(out, a)
	}
	if len(out) == 0 {
		return nil, nil, failf("list alerts with the objective: {severity: page, long: 1h, short: 5m, threshold: 2}, say; or choose others with --only", "it names no alert, and none of the defaults can fire with target %s and window %s", o.Target.Text, prom(o.Window))
	}
	return out, warnings, nil
}

// useless says why an alert would fire all the time, or never.
func useless(o slo.Objective, a slo.BurnAlert) string {
	switch c := a.Threshold.Rat.Cmp(big.NewRat(1, 1)); {
	case c < 0, c == 0 && a.Op == slo.GreaterEqual:
		return fmt.Sprintf("a burn rate of %s is no more than the even pace, at which the budget lasts", a.Threshold.Text)
	}
	if why := unreachable(o, a); why != "" {
		return why
	}
	if o.Method.Sliced() && a.Short < o.Slice {
		return fmt.Sprintf("its short window of %s holds no whole slice of %s", prom(a.Short), prom(o.Slice))
	}
	return ""
}

// unreachable says why an alert would never fire: not even if all events are bad.
func unreachable(o slo.Objective, a slo.BurnAlert) string {
	if c := limitOf(o, a).Cmp(big.NewRat(1, 1)); c < 0 || c == 0 && a.Op == slo.GreaterEqual {
		return ""
	}
	return fmt.Sprintf("with target %s the burn rate is never above %s", o.Target.Text, decimal(new(big.Rat).Inv(allowed(o))))
}

// allowed is the share of bad events or slices that the target leaves.
func allowed(o slo.Objective) *big.Rat { return new(big.Rat).Sub(big.NewRat(1, 1), o.Target.Rat) }

// limitOf is the share of bad events beyond which the alert fires.
func limitOf(o slo.Objective, a slo.BurnAlert) *big.Rat {
	return new(big.Rat).Mul(a.Threshold.Rat, allowed(o))
}

// spentBy is the share of the budget that the long window spends at the threshold.
func spentBy(o slo.Objective, a slo.BurnAlert) *big.Rat {
	return new(big.Rat).Mul(a.Threshold.Rat, big.NewRat(int64(a.Long), int64(o.Window)))
}

// prom is a duration as Prometheus reads it.
func prom(d time.Duration) string { return slo.FormatDuration(d) }

// decimal is r as PromQL reads it: all digits, or 12 where they do not end.
func decimal(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact {
		digits = 12
	}
	return r.FloatString(digits)
}

// percent is r for people, to three digits behind the point at most.
func percent(r *big.Rat) string {
	r = new(big.Rat).Mul(r, big.NewRat(100, 1))
	if digits, exact := r.FloatPrec(); exact && digits <= 3 {
		return r.FloatString(digits) + "%"
	}
	return r.FloatString(3) + "%"
}
