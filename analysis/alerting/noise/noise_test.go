package noise_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmops/analysis/alerting/dispatch"
	"llmops/analysis/alerting/noise"
	"llmops/rules/alert/routing"
)

// at is the time of a minute of a day of 1970, in ms.
func at(day, minute int64) int64 { return (day*24*60 + minute) * 60_000 }

func alert(id int, text string, from, to int64) dispatch.Alert {
	labels := map[string]string{}
	for pair := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(pair, "=")
		labels[name] = value
	}
	return dispatch.Alert{ID: id, Labels: labels, From: from, To: to}
}

func TestMeasure(t *testing.T) {
	night := int64(3 * 60)
	alerts := []dispatch.Alert{
		alert(1, "alertname=Loud severity=warning", at(0, night), at(0, night+10)),
		alert(2, "alertname=Loud severity=warning", at(0, night+15), at(0, night+20)), // 5 min after
		alert(3, "alertname=Big severity=critical", at(0, 12*60), 0),
		alert(4, "alertname=Once severity=info", at(1, 12*60), at(1, 13*60)),
	}
	plan := dispatch.Plan{
		Notifications: []dispatch.Notification{
			{At: at(0, night+1), Receiver: "slack", Firing: []int{1}},
			{At: at(0, night+11), Receiver: "slack", Resolved: []int{1}},
			{At: at(0, night+16), Receiver: "slack", Firing: []int{2}},
			{At: at(0, 12*60+1), Receiver: "slack", Firing: []int{3}},
			{At: at(0, 12*60+1), Receiver: "pager", Firing: []int{3}},
			{At: at(0, 22*60), Receiver: "pager", Firing: []int{3}},
			{At: at(1, 7*60), Receiver: "pager", Firing: []int{3}}, // the night is over
		},
		Receivers: map[int][]string{1: {"slack"}, 2: {"slack"}, 3: {"slack", "pager"}},
	}
	rules := []noise.Rule{{Name: "Loud", Severity: "warning"}, {Name: "Loud", Severity: "critical"}, {Name: "Big", Severity: "{{ $value }}"}, {Name: "Never", Group: "g"}, {Name: "Once"}}
	got := noise.Measure(alerts, plan, rules, noise.Options{Start: at(0, 0), End: at(2, 0)})
	want := noise.Report{
		Days: 2, Alerts: 4, AlertsPerDay: new(2.0), Notifications: 7, PerDay: new(3.5), AtRest: 4,
		Receivers: []noise.Receiver{{Name: "slack", Notifications: 4, PerDay: new(2.0), AtRest: 3}, {Name: "pager", Notifications: 3, PerDay: new(1.5), AtRest: 1}},
		Rules: []noise.Noise{
			{Name: "Loud", Severity: "warning", Fired: 2, Notifications: 2, AtRest: 2, FiringS: 900, LongestS: 600},
			{Name: "Big", Severity: "critical", Fired: 1, Notifications: 4, AtRest: 1, FiringS: 36 * 3600, LongestS: 36 * 3600},
			{Name: "Once", Severity: "info", Fired: 1, FiringS: 3600, LongestS: 3600, Quiet: 1},
		},
		NeverFired: []noise.Rule{{Name: "Loud", Severity: "critical"}, {Name: "Never", Group: "g"}},
		Flapping:   []noise.Flap{{Labels: alerts[0].Labels, Fired: 2, Most: 2, Gap: new(300.0)}},
		Causes:     []noise.Cause{},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 0)); d != "" {
		t.Error(d)
	}
	// At rest is what the options say.
	office := routing.Interval{Periods: []routing.Period{{Times: []routing.Range{{Begin: 12 * 60, End: 13 * 60}}}}}
	if got := noise.Measure(alerts, plan, nil, noise.Options{End: at(2, 0), Rest: office}); got.AtRest != 2 || got.Rules[0].Name != "Big" {
		t.Errorf("%+v", got)
	}
	east := noise.Night(time.FixedZone("east", 2*3600))
	if got := noise.Measure(alerts, plan, nil, noise.Options{End: at(2, 0), Rest: east}); got.AtRest != 4 { // 22:00 is 00:00 there, 07:00 is 09:00
		t.Errorf("%+v", got)
	}
}

func TestFlapping(t *testing.T) {
	series := func(minutes ...int64) (out []dispatch.Alert) { // pairs: from, to
		for i := 0; i < len(minutes); i += 2 {
			out = append(out, alert(i, "alertname=A", at(0, minutes[i]), at(0, minutes[i+1])))
		}
		return out
	}
	for _, tc := range []struct {
		name        string
		alerts      []dispatch.Alert
		most, fired int // 0: it does not flap
	}{
		{"twice, far apart", series(0, 10, 16, 20), 0, 0},
		{"again after five minutes", series(0, 10, 15, 20), 2, 2},
		{"three times in less than an hour", series(0, 1, 30, 31, 59, 60), 3, 3},
		{"three times in an hour and no less", series(0, 1, 30, 31, 60, 61), 0, 0},
		{"the busiest hour counts", series(0, 1, 50, 51, 70, 71, 109, 110, 200, 201), 3, 5},
		{"once", series(0, 1), 0, 0},
	} {
		got := noise.Measure(tc.alerts, dispatch.Plan{}, nil, noise.Options{End: at(1, 0)}).Flapping
		switch {
		case tc.fired == 0 && len(got) > 0, tc.fired > 0 && len(got) != 1:
			t.Errorf("%s: %+v", tc.name, got)
		case tc.fired > 0 && (got[0].Fired != tc.fired || got[0].Most != tc.most):
			t.Errorf("%s: %+v", tc.name, got[0])
		}
	}
}

func TestCauses(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b string
		gap  int64 // minutes
		want bool
	}{
		{"the same replica", "alertname=A replica=1", "alertname=B replica=1", 5, true},
		{"too late", "alertname=A replica=1", "alertname=B replica=1", 6, false},
		{"another replica", "alertname=A replica=1", "alertname=B replica=2", 0, false},
		{"the same service on another replica", "alertname=A replica=1 service=x", "alertname=B replica=2 service=x", 0, true},
		{"one name", "alertname=A replica=1", "alertname=A replica=2", 0, true},
		{"the fleet and a replica", "alertname=A", "alertname=B replica=2", 0, true},
		{"gpu 0 of two hosts", "alertname=A gpu=0 host=a", "alertname=B gpu=0 host=b", 0, false},
	} {
		alerts := []dispatch.Alert{alert(7, tc.a, at(0, 0), at(0, 9)), alert(8, tc.b, at(0, tc.gap), at(0, 8))}
		got := noise.Measure(alerts, dispatch.Plan{}, nil, noise.Options{End: at(1, 0)}).Causes
		if (len(got) == 1) != tc.want {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	// A chain: each is near the one before.
	alerts := []dispatch.Alert{
		alert(1, "alertname=Slow service=x severity=warning", at(0, 0), at(0, 60)),
		alert(2, "alertname=Down service=x severity=critical", at(0, 0), at(0, 30)),
		alert(3, "alertname=Other service=y", at(0, 1), at(0, 30)),
		alert(4, "alertname=Queue service=x", at(0, 4), 0),
		alert(5, "alertname=Errors service=x", at(0, 8), at(0, 9)),
	}
	plan := dispatch.Plan{Notifications: []dispatch.Notification{{Firing: []int{1, 2}}, {Firing: []int{3}}, {Firing: []int{4}, Resolved: []int{2, 3}}}}
	want := []noise.Cause{{First: 2, IDs: []int{1, 2, 4, 5}, From: 0, To: 0, Notifications: 2}}
	if d := cmp.Diff(want, noise.Measure(alerts, plan, nil, noise.Options{End: at(1, 0)}).Causes); d != "" {
		t.Error(d)
	}
}

// Nothing is divided by a period without length.
func TestNothing(t *testing.T) {
	got := noise.Measure(nil, dispatch.Plan{}, nil, noise.Options{})
	if got.Days != 0 || got.AlertsPerDay != nil || got.PerDay != nil || len(got.Rules) != 0 {
		t.Errorf("%+v", got)
	}
}

// Of rules with one name, one whose severity a template gives is not said to have never
// fired when it may have.
func TestNeverFiredOfTemplates(t *testing.T) {
	alerts := []dispatch.Alert{{ID: 1, Labels: map[string]string{"alertname": "A", "severity": "critical"}, From: 1, To: 2}}
	rules := []noise.Rule{{Name: "A", Severity: "{{ $labels.level }}"}, {Name: "A", Severity: "info"}, {Name: "B", Severity: "{{ $labels.level }}"}}
	got := noise.Measure(alerts, dispatch.Plan{}, rules, noise.Options{Start: 0, End: 10}).NeverFired
	if want := rules[1:]; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
