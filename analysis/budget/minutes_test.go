package budget_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/accesslog"
	"llmops/analysis/budget"
	"llmops/rules/slo"
)

// byMinute counts events up to now the way another engine would: one minute and
// one objective at a time.
func byMinute(t *testing.T, cfg budget.Config, events []accesslog.Event) budget.Report {
	t.Helper()
	m, err := budget.NewMinutes(cfg)
	if err != nil {
		t.Fatal(err)
	}
	first := *cfg.At
	for i, o := range cfg.Objectives {
		n := naive{o: o}
		type key struct {
			end    int64
			moment bool
		}
		minutes, models := map[key]*budget.Minute{}, map[string]int64{}
		for _, e := range events {
			if e.End > *cfg.At || e.End <= m.Since() {
				continue
			}
			first = min(first, e.End)
			at := key{ceilTo(e.End, 60_000), slices.Contains(m.Moments(), e.End)}
			x := minutes[at]
			if x == nil {
				x = &budget.Minute{Objective: i, End: at.end, Moment: at.moment}
				minutes[at] = x
			}
			verdict, why := n.verdictOf(e)
			switch {
			case verdict == 1:
				x.Good++
				x.Tokens += max(e.OutputTokens, 0)
			case verdict == 0:
				x.Bad++
				if e.Model != "" && e.End > m.Start(i) && !o.Method.Sliced() {
					models[e.Model]++
				}
			default:
				*map[string]*int64{"unmeasured": &x.Excluded.Unmeasured, "failed": &x.Excluded.Failed, "cancelled": &x.Excluded.Cancelled,
					"client_error": &x.Excluded.ClientError, "health_check": &x.Excluded.HealthCheck}[why]++
			}
		}
		for _, x := range minutes {
			half := *x // the counts of a minute may come in parts
			half.Good, x.Good = x.Good/2, x.Good-x.Good/2
			half.Bad, half.Tokens, half.Excluded = 0, 0, budget.Excluded{}
			for _, part := range []budget.Minute{*x, half} {
				if err := m.Add(part); err != nil {
					t.Fatal(err)
				}
			}
		}
		for key, bad := range models {
			if err := m.AddShare(budget.Share{Objective: i, By: "model", Key: key, Bad: bad}); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := m.Report(budget.Source{First: new(budget.Time(first))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wholeMinutes makes an objective one that counts of minutes can tell.
func wholeMinutes(o *slo.Objective) {
	round := func(d *time.Duration) { *d = (*d + time.Minute - 1).Truncate(time.Minute) }
	round(&o.Window)
	round(&o.Slice)
	for i := range o.Alerts {
		round(&o.Alerts[i].Long)
		round(&o.Alerts[i].Short)
	}
}

func noErrorKeys(s []budget.Contributor) []budget.Contributor {
	return slices.DeleteFunc(s, func(c budget.Contributor) bool { return c.By != "model" })
}

// Counts of minutes come to the same report as the events themselves.
func TestMinutesMatchEvents(t *testing.T) {
	rounds := uint64(150)
	if testing.Short() {
		rounds = 40
	}
	var fired, spent int
	for seed := range rounds {
		r := rand.New(rand.NewPCG(seed, 9))
		events := randomEvents(r, 20+r.IntN(300), []time.Duration{3 * time.Hour, 20 * time.Minute}[r.IntN(2)])
		for i := range events {
			events[i].Model = []string{"", "a", "b"}[r.IntN(3)]
		}
		cfg := budget.Config{Course: 1 + r.IntN(50)}
		for i := range 1 + r.IntN(3) {
			o := randomObjective(t, r)
			o.Name = fmt.Sprint("o", i)
			wholeMinutes(&o)
			if r.IntN(3) == 0 {
				o.Calendar = &slo.Calendar{Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Count: 1 + r.IntN(4), Unit: slo.Hours}
			}
			cfg.Objectives = append(cfg.Objectives, o)
		}
		cfg.ExcludeStatus = []int{404}
		now := slices.MaxFunc(events, func(a, b accesslog.Event) int { return int(a.End - b.End) }).End
		cfg.At = new(now - now%60_000 + 60_000*(r.Int64N(30)-20))
		if !slices.ContainsFunc(events, func(e accesslog.Event) bool { return e.End <= *cfg.At }) {
			continue
		}
		want, got := report(t, cfg, 1, events), byMinute(t, cfg, events)
		for i := range want.SLOs {
			want.SLOs[i].Contributors = noErrorKeys(want.SLOs[i].Contributors)
			got.SLOs[i].Contributors = noErrorKeys(got.SLOs[i].Contributors)
			spent += len(got.SLOs[i].Contributors)
			for _, a := range got.SLOs[i].Alerts {
				fired += len(a.Fired)
			}
		}
		want.Source, got.Source, want.Metrics, got.Metrics = budget.Source{}, budget.Source{}, budget.Metrics{}, budget.Metrics{}
		equal := cmp.Transformer("nil", func(s []budget.Contributor) string { return fmt.Sprint(s) })
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Fatalf("seed %d: %+v at %d (-events +minutes)\n%s", seed, cfg.Objectives, *cfg.At, diff)
		}
	}
	if fired == 0 || spent == 0 {
		t.Fatalf("%d alerts and %d contributors in all rounds: nothing was compared", fired, spent)
	}
}

// Of older events than are asked for, alerts are replayed from the minute on in
// which all that decides about them is known, and say the same from there on.
func TestMinutesReplay(t *testing.T) {
	clipped := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 10))
		events := randomEvents(r, 2000, 5*24*time.Hour)
		o := randomObjective(t, r)
		o.Alerts = []slo.BurnAlert{{Severity: "page", Long: 40 * time.Minute, Short: 10 * time.Minute, Op: slo.Greater, Threshold: decimal(t, "0.5"), For: time.Duration(r.IntN(3)) * 7 * time.Minute}}
		o.Window = 80*time.Hour + time.Duration(r.IntN(5))*time.Minute // with slices at its begin that it cuts
		wholeMinutes(&o)
		now := slices.MaxFunc(events, func(a, b accesslog.Event) int { return int(a.End - b.End) }).End
		cfg := budget.Config{Objectives: []slo.Objective{o}, ExcludeStatus: []int{404}, At: new(now - now%60_000)}
		m, err := budget.NewMinutes(cfg)
		if err != nil {
			t.Fatal(err)
		}
		begin := m.Since() + (o.Slice + o.Alerts[0].Long + o.Alerts[0].For).Milliseconds()
		intervals := func(r budget.Report) (out []string) {
			for _, f := range r.SLOs[0].Alerts[0].Fired {
				if f.To != nil && int64(*f.To) <= begin {
					continue
				}
				if int64(f.From) < begin {
					clipped++
				}
				to := "now"
				if f.To != nil {
					to = f.To.String()
				}
				out = append(out, max(f.From, budget.Time(begin)).String()+" to "+to)
			}
			return out
		}
		want, got := report(t, cfg, 1, events), byMinute(t, cfg, events)
		if want.SLOs[0].Total != got.SLOs[0].Total || want.SLOs[0].Bad != got.SLOs[0].Bad {
			t.Fatalf("seed %d: %+v: events %d of %d, minutes %d of %d", seed, o, want.SLOs[0].Bad, want.SLOs[0].Total, got.SLOs[0].Bad, got.SLOs[0].Total)
		}
		if diff := cmp.Diff(intervals(want), intervals(got)); diff != "" {
			t.Fatalf("seed %d: %+v (-events +minutes)\n%s", seed, o, diff)
		}
	}
	if clipped == 0 {
		t.Fatal("no alert fired when what is known begins: that was not compared")
	}
}

// What counts of minutes cannot tell is refused, or left out.
func TestMinutesRefuse(t *testing.T) {
	at := int64(1_772_323_200_000)
	base := slo.Objective{Name: "o", Metric: "success_rate", Statistic: slo.Ratio, Op: slo.GreaterEqual, Target: decimal(t, "0.9"), Method: slo.Occurrences, Window: time.Hour}
	for _, c := range []struct {
		change func(o *slo.Objective, cfg *budget.Config)
		want   string
	}{
		{func(_ *slo.Objective, cfg *budget.Config) { cfg.At = nil }, "whole minute"},
		{func(_ *slo.Objective, cfg *budget.Config) { cfg.At = new(at + 1) }, "whole minute"},
		{func(o *slo.Objective, _ *budget.Config) { o.Window = 90 * time.Second }, "a window of 1m30s"},
		{func(_ *slo.Objective, cfg *budget.Config) { cfg.Window = 61 * time.Second }, "a window of 1m1s"},
		{func(o *slo.Objective, _ *budget.Config) {
			o.Method, o.Slice, o.SliceTarget = slo.Timeslices, 30*time.Second, decimal(t, "0.9")
		}, "a slice of 30s"},
		{func(o *slo.Objective, _ *budget.Config) {
			o.Alerts = []slo.BurnAlert{{Long: time.Hour, Short: 90 * time.Second, Op: slo.Greater, Threshold: decimal(t, "2")}}
		}, "a window of an alert of 1m30s"},
	} {
		o, cfg := base, budget.Config{At: &at}
		c.change(&o, &cfg)
		cfg.Objectives = []slo.Objective{o}
		if _, err := budget.NewMinutes(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error about %q", err, c.want)
		}
	}

	m, err := budget.NewMinutes(budget.Config{Objectives: []slo.Objective{base}, At: &at})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []budget.Minute{{End: at + 1, Good: 1}, {End: at, Good: -1}, {End: at, Good: 1 << 32}, {Objective: 1, End: at}, {End: at, Tokens: -1}} {
		if err := m.Add(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := m.AddShare(budget.Share{By: "planet", Key: "x", Bad: 1}); err == nil {
		t.Error("a share by planet is taken")
	}
	r, err := m.Report(budget.Source{})
	if err != nil || r.Verdict != budget.NoData || !r.Metrics.IsZero() || r.Source.Resolution != "1m" {
		t.Errorf("without counts: %+v, %v", r, err)
	}
	if err := m.Add(budget.Minute{End: at + 60_000, Good: 9}); err != nil { // later than now
		t.Error(err)
	}
	for end := at - 29*60_000; end <= at; end += 60_000 {
		if err := m.Add(budget.Minute{End: end, Good: 1}); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := m.AddMissing(0, at-10*60_000); err != nil {
			t.Error(err)
		}
	}
	r, err = m.Report(budget.Source{First: new(budget.Time(at - 30*60_000))})
	if err != nil || r.SLOs[0].Total != 30 || *r.SLOs[0].Coverage != 29.0/60 {
		t.Errorf("30 minutes of an hour, one of them missing: %+v, %v", r.SLOs[0], err)
	}
}

// Of more keys than are listed, those with the most bad events are.
func TestMinutesShares(t *testing.T) {
	at := int64(1_772_323_200_000)
	o := slo.Objective{Name: "o", Metric: "success_rate", Statistic: slo.Ratio, Op: slo.GreaterEqual, Target: decimal(t, "0.9"), Method: slo.Occurrences, Window: time.Hour}
	m, err := budget.NewMinutes(budget.Config{Objectives: []slo.Objective{o}, At: &at})
	if err != nil {
		t.Fatal(err)
	}
	const keys, few = 10_100, 100
	var all int64
	for i := range int64(keys) {
		n := i + 1
		all += n
		for _, part := range []int64{n / 2, n - n/2} {
			if err := m.AddShare(budget.Share{By: "key", Key: fmt.Sprint("team ", i), Bad: part}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, err := range []error{m.AddShare(budget.Share{By: "key", Bad: 7}), m.Add(budget.Minute{End: at, Good: all, Bad: all + 7})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := m.Report(budget.Source{})
	if err != nil {
		t.Fatal(err)
	}
	list := r.SLOs[0].Contributors
	if len(list) != keys-few+1 || list[0].Key != "team 10099" || list[0].Bad != keys || list[keys-few-1].Bad != few+1 {
		t.Errorf("%d contributors, from %+v to %+v", len(list), list[0], list[len(list)-2])
	}
	if rest := list[len(list)-1]; !rest.Rest || rest.Bad != few*(few+1)/2+7 {
		t.Errorf("the rest is %+v", rest)
	}
}
