package alert

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"llmops/rules/slo"
)

// sliceOf is how far apart the points of an objective lie that judges slices.
func sliceOf(o slo.Objective) time.Duration {
	if o.Method.Sliced() {
		return o.Slice
	}
	return time.Minute
}

// escape makes text fit for a string of PromQL.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}

// literal makes text mean itself in a template of Prometheus.
func literal(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

// builder puts the rules of an objective together.
type builder struct {
	o        slo.Objective
	c        counts
	selector string
	group    Group
	measured string // a series that is there whenever the objective is measured
	warnings []string
}

// sliced tells whether points in time are counted, not events.
func (b *builder) sliced() bool { return b.o.Method.Sliced() || b.c.value != "" || b.c.badShare != "" }

func (b *builder) record(name, expr string) {
	b.group.Rules = append(b.group.Rules, Rule{Record: name, Expr: expr, Labels: map[string]string{"slo": b.o.Name}})
}

// counts records what is counted over a window.
func (b *builder) counts(window time.Duration) {
	w := prom(window)
	b.record(eventsName(window), fill(either(b.c.events), w))
	if b.c.bad+b.c.good == "" {
		return
	}
	// Without the label slo, to go with the counters.
	events := "sum(" + eventsName(window) + b.selector + ")"
	part := fill(b.c.bad+b.c.good, w)
	if b.c.late {
		part = fmt.Sprintf("%s or 0 * %s", part, events)
	}
	switch {
	case b.c.good != "" && b.c.late:
		part = fmt.Sprintf("%s - (%s)", events, part)
	case b.c.good != "":
		part = fmt.Sprintf("%s - %s", events, part)
	}
	b.record(badName(window), part)
}

func eventsName(window time.Duration) string { return "slo:events:rate" + prom(window) }

func badName(window time.Duration) string { return "slo:bad_events:rate" + prom(window) }

// perEvents is the share of bad events over a window; absent without events.
func (b *builder) perEvents(window time.Duration) string {
	return fmt.Sprintf("%s%s / (%s%s > 0)", badName(window), b.selector, eventsName(window), b.selector)
}

// shareName is the series of the share of bad events, or slices, over a window.
func (b *builder) shareName(window time.Duration) string {
	if b.sliced() {
		return "slo:slice_bad:avg" + prom(window)
	}
	return "slo:bad_events_per_events:ratio_rate" + prom(window)
}

// shares records the share of bad events over each window of the alerts and that
// of the budget.
func (b *builder) shares(alerts []slo.BurnAlert) {
	all := windows(b.o, alerts)
	if !b.sliced() {
		all = append(all, baseWindow)
	}
	slices.Sort(all)
	for _, w := range slices.Compact(all) {
		b.record(b.shareName(w), b.share(w))
	}
}

// windows are those of the alerts, and that of the budget if it rolls.
func windows(o slo.Objective, alerts []slo.BurnAlert) (all []time.Duration) {
	for _, a := range alerts {
		all = append(all, a.Long, a.Short)
	}
	if o.Calendar == nil {
		all = append(all, o.Window)
	}
	return all
}

func (b *builder) share(w time.Duration) string {
	switch {
	case b.sliced():
		// A range holds both of its ends in Prometheus 2, and one in 3: half a slice
		// less, and it has as many slices as the window in either.
		return fmt.Sprintf("avg_over_time(slo:slice_bad:ratio%s[%s])", b.selector, prom(w-sliceOf(b.o)/2))
	case w > rawWindow:
		// Sums of rates that were recorded at the same times: a minute weighs as
		// much as it had events. A mean of shares would not do.
		return fmt.Sprintf("sum_over_time(%[1]s%[3]s[%[4]s])\n/\n(sum_over_time(%[2]s%[3]s[%[4]s]) > 0)",
			badName(baseWindow), eventsName(baseWindow), b.selector, prom(w))
	}
	b.counts(w)
	return b.perEvents(w)
}

// slices records one number for each slice, and has the group evaluated once for
// each.
func (b *builder) slices() error {
	o, slice := b.o, sliceOf(b.o)
	b.group.Interval = model.Duration(slice)
	switch {
	case b.c.value != "":
		b.record("slo:slice_bad:ratio", fmt.Sprintf("(%s) %s bool %s", b.number("slo:slice_value:last", b.c.value), opposite(o.Op), b.c.limit))
		return nil
	case b.c.badShare != "":
		b.bad(b.number("slo:slice_bad_share:last", b.c.badShare))
		return nil
	case o.MinEvents > 1 && !b.c.perSecond:
		return failf("write the queries with rate, or remove min_events", "min_events needs to know how many events there were, and its queries are no rates")
	}
	b.counts(slice)
	if b.measured = badName(slice) + b.selector; b.c.amount != "" {
		b.measured = eventsName(slice) + b.selector
	}
	events := eventsName(slice) + b.selector
	measured := events + " > 0"
	if o.MinEvents > 1 {
		// Rates give counts that are whole but for noise.
		measured = fmt.Sprintf("%s * %s > %d.5", events, decimal(big.NewRat(int64(slice), int64(time.Second))), o.MinEvents-1)
	}
	if o.Statistic != slo.Rate {
		share := b.perEvents(slice)
		if o.MinEvents > 1 {
			share += " and " + measured
		}
		b.bad(share)
		return nil
	}
	// Requests per second are those that succeeded.
	amount := "(" + events + " - " + badName(slice) + b.selector + ")"
	if b.c.amount != "" {
		name := "slo:" + strings.TrimSuffix(o.Metric, "_per_second") + ":rate" + prom(slice)
		b.record(name, fill(b.c.amount, prom(slice)))
		amount = name + b.selector
	}
	b.record("slo:slice_bad:ratio", fmt.Sprintf("(%s %s bool %s)\nand\n(%s)", amount, opposite(o.Op), decimal(o.Threshold.Rat), measured))
	return nil
}

// number records a value, and is the value where it is one: the mean of some
// slices is no number if that of one is not.
func (b *builder) number(name, expr string) string {
	b.record(name, expr)
	b.measured = name + b.selector
	return b.measured + " == " + b.measured
}

// bad records what a slice with this share of bad events counts.
func (b *builder) bad(share string) {
	if b.o.Method == slo.Timeslices {
		most := new(big.Rat).Sub(big.NewRat(1, 1), b.o.SliceTarget.Rat)
		share = fmt.Sprintf("(%s) > bool %s", share, decimal(most))
	}
	b.record("slo:slice_bad:ratio", share)
}

// opposite holds where o does not.
func opposite(o slo.Op) slo.Op {
	return map[slo.Op]slo.Op{slo.Less: slo.GreaterEqual, slo.LessEqual: slo.Greater, slo.Greater: slo.LessEqual, slo.GreaterEqual: slo.Less}[o]
}

// budget records the target and what is left of the budget.
func (b *builder) budget() {
	b.record("slo:objective:ratio", "vector("+decimal(b.o.Target.Rat)+")")
	if b.o.Calendar != nil {
		b.warnings = append(b.warnings, b.o.Name+": PromQL knows no calendar: the rules have its alerts, and no remaining budget")
		return
	}
	b.record("slo:error_budget_remaining:ratio", fmt.Sprintf("1 - %s%s / %s", b.shareName(b.o.Window), b.selector, decimal(allowed(b.o))))
}

func (b *builder) alert(a slo.BurnAlert) {
	o, limit := b.o, decimal(limitOf(b.o, a))
	exceeds := func(w time.Duration) string {
		op := cmpOf(a.Op)
		return fmt.Sprintf("%s%s %s %s", b.shareName(w), b.selector, op, limit)
	}
	expr := exceeds(a.Long)
	if a.Short != a.Long {
		expr += "\nand\n" + exceeds(a.Short)
	}
	what := "of all events"
	if b.sliced() {
		what = "of all slices of " + prom(sliceOf(o))
	}
	pace, times := fmt.Sprintf("more than %s times as fast as", a.Threshold.Text), fmt.Sprintf("%s times the even pace", a.Threshold.Text)
	if a.Threshold.Rat.Cmp(big.NewRat(1, 1)) == 0 {
		pace, times = "faster than", "the even pace"
	}
	rule := Rule{
		Alert: budgetBurn, Expr: expr, For: model.Duration(a.For),
		Labels: map[string]string{"severity": literal(a.Severity), "slo": literal(o.Name), "long": prom(a.Long), "short": prom(a.Short)},
		Annotations: map[string]string{
			"summary": fmt.Sprintf("%s: the error budget burns %s it may", literal(o.Name), pace),
			"description": fmt.Sprintf("{{ $value | humanizePercentage }} %s in %s missed the objective %s; %s may. "+
				"At %s %s spends %s of the budget of %s, and all of it is gone in %s.",
				what, prom(a.Long), literal(o.String()), percent(allowed(o)),
				times, prom(a.Long), percent(spentBy(o, a)), prom(o.Window), lasts(o, a)),
		},
	}
	b.group.Rules = append(b.group.Rules, rule)
}

func cmpOf(o slo.Op) slo.Op {
	if o == slo.GreaterEqual {
		return o
	}
	return slo.Greater
}

// lasts is how long a whole budget lasts at the threshold, in minutes.
func lasts(o slo.Objective, a slo.BurnAlert) string {
	minutes := new(big.Rat).Quo(big.NewRat(int64(o.Window), int64(time.Minute)), a.Threshold.Rat)
	whole := new(big.Int).Quo(minutes.Num(), minutes.Denom())
	if whole.Sign() == 0 || !whole.IsInt64() {
		return "less than a minute"
	}
	return prom(time.Duration(whole.Int64()) * time.Minute)
}

// absent raises an alert when nothing is measured: without series no other would
// ever fire. Where nobody asks for anything events are counted as 0, but slices
// are missing; so those are watched by what they are made of.
func (b *builder) absent() {
	wait := max(patience, 3*sliceOf(b.o))
	b.group.Rules = append(b.group.Rules, Rule{
		Alert: notMeasured, Expr: "absent(" + b.measured + ")", For: model.Duration(wait),
		Labels: map[string]string{"severity": "ticket", "slo": literal(b.o.Name)},
		Annotations: map[string]string{
			"summary":     literal(b.o.Name) + ": the objective is not measured",
			"description": fmt.Sprintf("For %s there has been nothing to count for the objective %s, so no alert on its budget can fire. Are the servers scraped, and do they have the metrics that its rules name?", prom(wait), literal(b.o.String())),
		},
	})
}
