package alerting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/rules/alert"
)

// names lists the alerts of a result that fired, as name@minute.
func names(res Result) []string {
	var all []string
	for _, a := range res.Alerts {
		if a.State != Pending {
			all = append(all, fmt.Sprintf("%s@%d", a.Name, a.FiredAt/60_000))
		}
	}
	return all
}

// Rules of one time take their turns in order: what one writes those after it see at
// once, those before it the next time.
func TestTurns(t *testing.T) {
	store := loaded(t, time.Minute, map[string]string{"m": "0 0 9 9 9 0 0"})
	for name, c := range map[string]struct {
		rules string
		want  []string
	}{
		"recorded before": {"- {name: g, rules: [{record: x, expr: m}, {alert: A, expr: x > 5}]}", []string{"A@2"}},
		"recorded after":  {"- {name: g, rules: [{alert: A, expr: x > 5}, {record: x, expr: m}]}", []string{"A@3"}},
		"group before":    {"- {name: g, rules: [{record: x, expr: m}]}\n- {name: h, rules: [{alert: A, expr: x > 5}]}", []string{"A@2"}},
		"group after":     {"- {name: g, rules: [{alert: A, expr: x > 5}]}\n- {name: h, rules: [{record: x, expr: m}]}", []string{"A@3"}},
		"alerts before":   {"- {name: g, rules: [{alert: A, expr: m > 5}, {alert: B, expr: 'ALERTS{alertname=\"A\"} == 1'}]}", []string{"A@2", "B@2"}},
		"alerts after":    {"- {name: g, rules: [{alert: B, expr: 'ALERTS{alertname=\"A\"} == 1'}, {alert: A, expr: m > 5}]}", []string{"A@2", "B@3"}},
		"a chain":         {"- {name: g, rules: [{record: y, expr: x}, {record: x, expr: m}, {alert: A, expr: y > 5}]}", []string{"A@3"}},
		"a circle":        {"- {name: g, rules: [{record: x, expr: 'y + 1 or m'}, {record: y, expr: x}, {alert: A, expr: y >= 5}]}", []string{"A@5"}},
		"itself":          {"- {name: g, rules: [{record: n, expr: 'n + 1 or vector(0)'}, {alert: A, expr: n == 4}]}", []string{"A@4"}},
		"inhibited":       {"- {name: g, rules: [{alert: A, expr: m > 5}, {alert: B, expr: 'm >= 0 unless on () ALERTS{alertname=\"A\"}', for: 2m}]}", []string{"A@2"}},
		"the future":      {"- {name: g, rules: [{alert: A, expr: m offset -1m > 5}]}", []string{"A@2"}},
		"the end":         {"- {name: g, rules: [{alert: A, expr: m @ end() > 5}]}", []string{"A@2"}},
		"offset":          {"- {name: g, query_offset: 1m, rules: [{record: x, expr: m}]}\n- {name: h, rules: [{alert: A, expr: x > 5}]}", []string{"A@3"}},
	} {
		for _, stepwise := range []bool{false, true} {
			res, err := Replay(t.Context(), store, groupsOf(t, c.rules), Options{stepwise: stepwise})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, names(res)); d != "" {
				t.Errorf("%s: %s", name, d)
			}
		}
	}
}

// An export holds what its server's rules recorded; a rule under replay records it
// anew, if it has anything to do so from.
func TestReplaced(t *testing.T) {
	exported := map[string]string{
		"m": "0 9 9 9", "x": "9 9 9 9", `x{other="1"}`: "7 7 7 7", `ALERTS{alertname="A",alertstate="firing"}`: "1 1 1 1", `ALERTS{alertname="B",alertstate="firing"}`: "1 1 1 1",
	}
	rules := groupsOf(t, "- {name: g, rules: [{record: x, expr: m, labels: {other: ''}}, {alert: A, expr: x > 8}, {alert: B2, expr: 'ALERTS{alertname=\"B\"} == 1'}]}")
	res, err := Replay(t.Context(), loaded(t, time.Minute, exported), rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"B2@0", "A@1"}, names(res)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ALERTS", "x"}, res.Replaced); d != "" {
		t.Error(d)
	}
	if got := len(res.Store.Named("x")); got != 2 {
		t.Errorf("%d series x", got)
	}

	delete(exported, "m") // nothing to record x from: the export's stays
	res, err = Replay(t.Context(), loaded(t, time.Minute, exported), rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"A@0", "B2@0"}, names(res)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"m"}, res.Rules[0].Missing); d != "" {
		t.Error(d)
	}
}

func TestOutcome(t *testing.T) {
	store := loaded(t, time.Minute, map[string]string{`m{i="0"}`: "9 9 0 9 0 0 9", `m{i="1"}`: "0 9 9 9 0 0 0"})
	res, err := Replay(t.Context(), store, groupsOf(t, `- name: g
  labels: {team: a, severity: info}
  rules:
  - {alert: A, expr: m > 5, labels: {severity: warning}}
  - {alert: Slow, expr: m > 5, for: 3m}
  - {alert: Never, expr: 'm > 5 and missing{a="b"} and on () ALERTS{alertname="Slow",alertstate="firing"}'}
  - {record: r, expr: sum(m)}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Fired, Pending int
		Firing         int64
		Series         int
		Missing        []string
		Labels         map[string]string
	}
	var got []row
	for _, r := range res.Rules {
		got = append(got, row{r.Fired, r.Pending, r.Firing / 60_000, r.Series, r.Missing, r.Labels})
		if r.Evaluations != 7 || r.Failures != 0 {
			t.Errorf("%+v", r)
		}
	}
	// A fires for i=0 in minutes 0-2, 3-4 and from 6 on, for i=1 in 1-4: four of them.
	want := []row{
		{4, 0, 4, 4, nil, map[string]string{"team": "a", "severity": "warning"}},
		{0, 4, 0, 4, nil, map[string]string{"team": "a", "severity": "info"}},
		{0, 0, 0, 0, []string{`missing{a="b"}`}, map[string]string{"team": "a", "severity": "info"}},
		{0, 0, 0, 1, nil, map[string]string{"team": "a", "severity": "info"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if res.Evaluations != 28 || res.Alerts[0].Severity != "warning" {
		t.Errorf("%d evaluations, %+v", res.Evaluations, res.Alerts[0])
	}
}

// Not a number is a value that JSON has no word for; annotations say it in letters.
func TestNotFinite(t *testing.T) {
	store := loaded(t, time.Minute, map[string]string{"m": "0 0"})
	res, err := Replay(t.Context(), store, groupsOf(t, "- {name: g, rules: [{alert: A, expr: m / m, annotations: {v: '{{ $value }}'}}, {alert: B, expr: 1 / m}, {alert: C, expr: m}, {record: r, expr: m / m}, {alert: D, expr: 'absent(r) or count(r)'}]}"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range res.Alerts {
		if (a.Name <= "B") != (a.Value == nil) || a.Name == "A" && a.Annotations["v"] != "NaN" || a.Name == "D" && *a.Value != 1 {
			t.Errorf("%+v", a)
		}
	}
	if len(res.Alerts) != 4 {
		t.Error(names(res))
	}
}

func TestAnnotationsAreThoseOfTheLastHit(t *testing.T) {
	store := loaded(t, time.Minute, map[string]string{"m": "6 7 8 1 1", "n": "1 2 3 4 5"})
	res, err := Replay(t.Context(), store, groupsOf(t, `- {name: g, rules: [{alert: A, expr: m > 5, keep_firing_for: 2m, annotations: {a: '{{ $value }} {{ query "n" | first | value }}'}}]}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a := res.Alerts[0]; a.Annotations["a"] != "8 3" || *a.Value != 8 || a.State != Firing {
		t.Errorf("%+v", a)
	}
}

func TestObserve(t *testing.T) {
	store := loaded(t, 30*time.Second, map[string]string{"m": "0 9 9 0 9 0 0"})
	var got []string
	_, err := Replay(t.Context(), store, groupsOf(t, "- {name: a, interval: 1m, rules: [{alert: A, expr: m > 5}]}\n- {name: b, interval: 30s, rules: [{alert: B, expr: m > 5}]}"), Options{
		Start: time.UnixMilli(0), End: time.UnixMilli(150_000), ObserveAt: []int64{-1, 30_000, 60_000, 119_999, 120_000, 500_000},
		Observe: func(at int64, g alert.Group, active []Alert) {
			got = append(got, fmt.Sprint(at/1000, g.Name, len(active)))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Fields("30a0 30b1 60a1 60b1 119a1 119b0 120a1 120b1 500a1 500b0"), got); d != "" {
		t.Error(d)
	}
}

func TestReplayRefuses(t *testing.T) {
	some := loaded(t, time.Minute, map[string]string{"m": "1 1"})
	rules := groupsOf(t, "- {name: g, rules: [{alert: A, expr: m > 5}]}")
	broken := slices.Clone(rules)
	broken[0].Rules = []alert.Rule{{Alert: "A", Expr: "m >"}}
	for name, c := range map[string]struct {
		groups []alert.Group
		o      Options
		want   string
	}{
		"backwards":  {rules, Options{Start: time.UnixMilli(9), End: time.UnixMilli(8)}, "ends at"},
		"too often":  {rules, Options{Start: time.UnixMilli(0), End: time.UnixMilli(1e12), Interval: time.Millisecond}, "more than 20000000 times"},
		"microstep":  {rules, Options{Interval: time.Microsecond}, "less than a millisecond"},
		"URL":        {rules, Options{ExternalURL: "http://a b"}, "external URL"},
		"expression": {broken, Options{}, `rule "A"`},
	} {
		if _, err := Replay(t.Context(), some, c.groups, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Replay(t.Context(), loaded(t, time.Minute, nil), rules, Options{}); !errors.Is(err, ErrNoData) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Replay(ctx, some, rules, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Rules without metrics can be evaluated at times that are given.
	res, err := Replay(t.Context(), loaded(t, time.Minute, nil), groupsOf(t, "- {name: g, rules: [{alert: A, expr: absent(m)}]}"), Options{Start: time.UnixMilli(0), End: time.UnixMilli(60_000)})
	if err != nil || len(res.Alerts) != 1 {
		t.Errorf("%v, %+v", err, res.Alerts)
	}
}

// The epoch is a time like others: an alert that fired then is not ordered by when it
// became active.
func TestOrderAtTheEpoch(t *testing.T) {
	fired := Alert{Name: "A", State: Firing, ActiveAt: -60_000, FiredAt: 0}
	pending := Alert{Name: "B", State: Pending, ActiveAt: -30_000}
	if compareAlerts(pending, fired) >= 0 {
		t.Error("what was pending 30 s before the epoch comes after what fired at it")
	}
}
