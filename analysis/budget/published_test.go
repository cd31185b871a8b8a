package budget_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// start is a whole minute.
const start = int64(1_772_323_200_000)

// traffic makes events: n of them in minute k, counted from 1, of which so many
// fail.
func traffic(events []accesslog.Event, k, n, bad int) []accesslog.Event {
	for i := range n {
		var e accesslog.Event
		e.Reset()
		e.End, e.Status = start+int64(k)*60_000-int64(i)*59_999/int64(n), 200
		if i < bad {
			e.Status, e.Failed, e.Error = 503, true, "http_503"
		}
		events = append(events, e)
	}
	return events
}

func availability(t *testing.T, target string) slo.Objective {
	return slo.Objective{Name: "a", Metric: "success_rate", Statistic: slo.Ratio, Op: slo.GreaterEqual, Target: decimal(t, target),
		Method: slo.Occurrences, Window: 30 * 24 * time.Hour}
}

func one(t *testing.T, o slo.Objective, events []accesslog.Event) budget.SLO {
	t.Helper()
	return report(t, budget.Config{Objectives: []slo.Objective{o}, ExcludeStatus: slo.DefaultExcludeStatus()}, 1, events).SLOs[0]
}

func near(t *testing.T, what string, got *float64, want, within float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > within {
		t.Errorf("%s: %v, want %v", what, str(got), want)
	}
}

func str(f *float64) string {
	if f == nil {
		return "absent"
	}
	return fmt.Sprint(*f)
}

// An hour of 59 minutes with 1000 good requests each and one with 10 requests of
// which 5 fail, at 99.9 %: the three methods of OpenSLO give three answers.
func TestThreeMethods(t *testing.T) {
	var events []accesslog.Event
	for k := 1; k <= 59; k++ {
		events = traffic(events, k, 1000, 0)
	}
	events = traffic(events, 60, 10, 5)
	o := availability(t, "0.999")
	s := one(t, o, events)
	near(t, "occurrences", s.Consumed, 5.0/59010/0.001, 1e-12) // 8.5 %
	o.Method, o.Slice, o.SliceTarget = slo.Timeslices, time.Minute, decimal(t, "0.99")
	s = one(t, o, events)
	near(t, "timeslices", s.Consumed, 1.0/60/0.001, 1e-12) // 1667 %
	near(t, "remaining", s.Remaining, 1-1.0/60/0.001, 1e-12)
	o.Method = slo.RatioTimeslices
	s = one(t, o, events)
	near(t, "ratio_timeslices", s.Consumed, 0.5/60/0.001, 1e-12) // 833 %
	near(t, "lost", s.Lost, 0.5, 0)
	if s.Total != 60 || s.Bad != 1 || s.Good != 59 {
		t.Errorf("%d = %d + %d slices", s.Total, s.Good, s.Bad)
	}
}

// Examples of OpenSLO: 99.95 % over a week allow 5 min 2.4 s; 95 % over two weeks
// of 1m slices allow 1008 bad slices, 16 h 48 min.
func TestAllowed(t *testing.T) {
	o := availability(t, "0.9995")
	o.Method, o.Slice, o.SliceTarget, o.Window = slo.Timeslices, time.Minute, decimal(t, "0.9"), 7*24*time.Hour
	near(t, "one week", one(t, o, traffic(nil, 1, 1, 0)).AllowedS, 302.4, 0)

	o.Target, o.Window = decimal(t, "0.95"), 14*24*time.Hour
	for _, c := range []struct {
		bad    int
		status budget.Status
	}{{806, budget.Healthy}, {807, budget.AtRisk}, {1007, budget.AtRisk}, {1008, budget.Exhausted}, {1009, budget.Exhausted}} {
		var events []accesslog.Event
		for k := 1; k <= 20160; k++ {
			bad := 0
			if k <= c.bad {
				bad = 1
			}
			events = traffic(events, k, 1, bad)
		}
		s := one(t, o, events)
		near(t, "allowed slices", s.Allowed, 1008, 0)
		near(t, "allowed seconds", s.AllowedS, (16*time.Hour + 48*time.Minute).Seconds(), 0)
		if s.Status != c.status || s.Total != 20160 || *s.EmptySlices != 0 {
			t.Errorf("%d bad of %d: %s, want %s", c.bad, s.Total, s.Status, c.status)
		}
	}
}

// The cases in which target - actual, clamped, hides an outage.
func TestPitfalls(t *testing.T) {
	for _, c := range []struct {
		target              string
		n, bad              int
		consumed, remaining float64
		verdict             budget.Verdict
	}{
		{"0.999", 100_000, 500, 5, -4, budget.Fail},
		{"0.99", 10_000, 500, 5, -4, budget.Fail},
		{"0.9", 10_000, 1600, 1.6, -0.6, budget.Fail},
		{"0.999", 100_000, 50, 0.5, 0.5, budget.Pass},
		{"0.99", 10, 1, 10, -9, budget.Fail}, // 1 of 10: from 1.8 % on
		{"0.9", 10, 1, 1, 0, budget.Undetermined},
	} {
		s := one(t, availability(t, c.target), traffic(nil, 1, c.n, c.bad))
		near(t, c.target+" consumed", s.Consumed, c.consumed, 1e-12)
		near(t, c.target+" remaining", s.Remaining, c.remaining, 1e-12)
		if s.Verdict != c.verdict {
			t.Errorf("%s: %d of %d bad: %s, want %s", c.target, c.bad, c.n, s.Verdict, c.verdict)
		}
	}
	// Without events there is no number at all.
	r := report(t, budget.Config{Objectives: []slo.Objective{availability(t, "0.9")}}, 1, nil)
	if s := r.SLOs[0]; r.Verdict != budget.NoData || s.Verdict != budget.NoData || s.SLI != nil || s.Consumed != nil || s.Remaining != nil || s.Status != "" || r.Now != nil {
		t.Errorf("no data: %+v", s)
	}
	// Events that are all left out are no data either.
	events := traffic(nil, 1, 5, 0)
	for i := range events {
		events[i].Status, events[i].Failed = 404, true
	}
	if s := one(t, availability(t, "0.9"), events); s.Verdict != budget.NoData || s.SLI != nil || s.Excluded["client_error"] != 5 || s.BurnRates[0].Rate != nil {
		t.Errorf("all excluded: %+v", s)
	}
	// A target of 1 has no budget: one failure is more than all of it, and there
	// is no number for how much more.
	if s := one(t, availability(t, "1"), traffic(nil, 1, 100, 1)); s.Verdict != budget.Fail || s.Status != budget.Exhausted || s.Consumed != nil || s.BurnRates[0].Rate != nil {
		t.Errorf("target 1, one failure: %+v", s)
	}
	if s := one(t, availability(t, "1"), traffic(nil, 1, 100, 0)); s.Verdict != budget.Undetermined || s.Status != budget.Healthy || *s.Consumed != 0 {
		t.Errorf("target 1, no failure: %+v", s)
	}
}

// Of 99.9 % the alert at 14.4 over an hour fires t = (1-T)/x * long * 14.4 after a
// constant share x begins to fail: 51.8 s, 8.64 min, 43.2 min, never. At that
// moment 14.4 * 1 h / 30 d = 2 % of the budget are spent.
func TestDetectionTimes(t *testing.T) {
	for _, c := range []struct {
		perMille int
		minutes  int // 0: never
	}{{1000, 1}, {100, 9}, {20, 44}, {15, 58}} {
		o := availability(t, "0.999")
		o.Alerts = []slo.BurnAlert{{Severity: "page", Long: time.Hour, Short: 5 * time.Minute, Op: slo.Greater, Threshold: decimal(t, "14.4")}}
		var events []accesslog.Event
		for k := 1; k <= 150; k++ {
			bad := 0
			if k > 60 && k <= 130 {
				bad = c.perMille
			}
			events = traffic(events, k, 1000, bad)
		}
		fired := one(t, o, events).Alerts[0].Fired
		if len(fired) != 1 {
			t.Fatalf("%d per mille: fired %v", c.perMille, fired)
		}
		if from := (int64(fired[0].From) - start) / 60_000; from != int64(60+c.minutes) {
			t.Errorf("%d per mille: fires after %d min, want %d", c.perMille, from-60, c.minutes)
		}
		if spent := fired[0].BudgetSpent; spent <= 0.02 || spent > 0.0233 {
			t.Errorf("%d per mille: %v of the budget spent", c.perMille, spent)
		}
		// The short window ends it soon.
		if to := (int64(*fired[0].To) - start) / 60_000; to < 131 || to > 135 {
			t.Errorf("%d per mille: ends %d min after the cause", c.perMille, to-130)
		}
	}
	// Exactly 14.4 does not fire, though in floating point 0.0144 and
	// 14.4*(1-0.999) differ.
	for _, op := range []slo.Op{slo.Greater, slo.GreaterEqual} {
		o := availability(t, "0.999")
		o.Alerts = []slo.BurnAlert{{Severity: "page", Long: time.Hour, Short: time.Hour, Op: op, Threshold: decimal(t, "14.4")}}
		var events []accesslog.Event
		for k := 1; k <= 60; k++ {
			bad := 0
			if k <= 24 {
				bad = 36 // 864 of the 60,000 of an hour
			}
			events = traffic(events, k, 1000, bad)
		}
		s := one(t, o, events)
		fired := s.Alerts[0].Fired
		if exact := len(fired) == 1 && fired[0].To == nil; exact != (op == slo.GreaterEqual) {
			t.Errorf("burn rate 14.4 and %s 14.4: %+v", op, fired)
		}
	}
}

// The factors of the Workbook's table 5-8, and what they stand for.
func TestFactors(t *testing.T) {
	for _, c := range []struct {
		threshold   string
		long, short time.Duration
		spent       float64
	}{{"14.4", time.Hour, 5 * time.Minute, 0.02}, {"6", 6 * time.Hour, 30 * time.Minute, 0.05}, {"3", 24 * time.Hour, 2 * time.Hour, 0.1}, {"1", 72 * time.Hour, 6 * time.Hour, 0.1}} {
		o := availability(t, "0.9")
		o.Alerts = []slo.BurnAlert{{Severity: "page", Long: c.long, Short: c.short, Op: slo.GreaterEqual, Threshold: decimal(t, c.threshold)}}
		// Of 1000 events in the window, as many bad as the threshold says.
		threshold, _ := o.Alerts[0].Threshold.Rat.Float64()
		bad := int(math.Round(threshold * 100))
		s := one(t, o, traffic(nil, 1, 1000, min(bad, 1000)))
		if bad > 1000 {
			if len(s.Alerts[0].Fired) != 0 || len(s.Warnings) != 1 {
				t.Errorf("%s cannot be reached at 90 %%: %+v, %v", c.threshold, s.Alerts[0], s.Warnings)
			}
			continue
		}
		if got := s.Alerts[0].Fired[0].BudgetSpent; math.Abs(got-c.spent) > 1e-12 {
			t.Errorf("%s over %s: %v of the budget, want %v", c.threshold, c.long, got, c.spent)
		}
	}
}
