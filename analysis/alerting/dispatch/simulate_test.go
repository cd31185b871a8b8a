package dispatch_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/alerting/dispatch"
	"llmops/rules/alert/routing"
)

func routes(t testing.TB, text string) routing.Config {
	t.Helper()
	c, err := routing.Read("routes.yaml", strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

// alert is one of "alertname other=labels", from second from to second to, 0 if it still fires.
func alert(id int, text string, from, to int64) dispatch.Alert {
	labels := map[string]string{}
	for i, field := range strings.Fields(text) {
		name, value, ok := strings.Cut(field, "=")
		if i == 0 {
			name, value, ok = "alertname", field, true
		}
		if ok {
			labels[name] = value
		}
	}
	return dispatch.Alert{ID: id, Labels: labels, From: from * 1000, To: to * 1000}
}

// line is "30s hook new 1,2 /3": at, receiver, reason, firing, resolved.
func line(n dispatch.Notification) string {
	s := fmt.Sprintf("%s %s %s %s", time.Duration(n.At)*time.Millisecond, n.Receiver, n.Reason, ids(n.Firing))
	if len(n.Resolved) > 0 {
		s += " /" + ids(n.Resolved)
	}
	return strings.TrimSpace(s)
}

func ids(list []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ","), "[]")
}

func lines(ns []dispatch.Notification) []string {
	out := []string{}
	for _, n := range ns {
		out = append(out, line(n))
	}
	return out
}

const hook = `
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
receivers: [{name: hook, url_env: HOOK}]
`

// The times follow by hand from the waits: 30 s before the first message of a
// group, then every 300 s.
func TestSimulate(t *testing.T) {
	for _, tc := range []struct {
		name, routes string
		alerts       []dispatch.Alert
		end          int64 // s
		want         []string
	}{
		{
			"fires and is resolved", hook,
			[]dispatch.Alert{alert(1, "A", 10, 100)}, 7200,
			[]string{"40s hook new 1", "5m40s hook resolved  /1"},
		},
		{
			"resolved within the group wait", hook,
			[]dispatch.Alert{alert(1, "A", 0, 30)}, 7200,
			[]string{},
		},
		{
			"resolved just after it", hook,
			[]dispatch.Alert{alert(1, "A", 0, 31)}, 7200,
			[]string{"30s hook new 1", "5m30s hook resolved  /1"},
		},
		{
			"repeats", hook,
			[]dispatch.Alert{alert(1, "A", 0, 0)}, 7400,
			[]string{"30s hook new 1", "1h0m30s hook repeat 1", "2h0m30s hook repeat 1"},
		},
		{
			"a repeat interval that is no multiple is rounded up", strings.Replace(hook, "1h", "7m", 1),
			[]dispatch.Alert{alert(1, "A", 0, 0)}, 1300,
			[]string{"30s hook new 1", "10m30s hook repeat 1", "20m30s hook repeat 1"},
		},
		{
			"a change puts the repeat off", hook,
			[]dispatch.Alert{alert(1, "A", 0, 0), alert(2, "A r=2", 1600, 0)}, 5500,
			[]string{"30s hook new 1", "30m30s hook changed 1,2", "1h30m30s hook repeat 1,2"},
		},
		{
			"joins within the group wait, and at the next time", hook,
			[]dispatch.Alert{alert(1, "A", 0, 400), alert(2, "A r=2", 30, 0), alert(3, "A r=3", 31, 0), alert(4, "B", 31, 0)}, 1000,
			[]string{"30s hook new 1,2", "1m1s hook new 4", "5m30s hook changed 1,2,3", "10m30s hook changed 2,3 /1"},
		},
		{
			"fires and is resolved between two times of a group that lives on", hook,
			[]dispatch.Alert{alert(1, "A", 0, 0), alert(2, "A r=2", 100, 200)}, 1000,
			[]string{"30s hook new 1", "5m30s hook changed 1 /2"},
		},
		{
			"fires again before the group has told the end", hook,
			[]dispatch.Alert{alert(1, "A", 0, 100), alert(2, "A", 200, 0)}, 1000,
			[]string{"30s hook new 1"},
		},
		{
			"fires again after the end of the group", hook,
			[]dispatch.Alert{alert(1, "A", 0, 100), alert(2, "A", 400, 0)}, 1000,
			[]string{"30s hook new 1", "5m30s hook resolved  /1", "7m10s hook new 2"},
		},
		{
			"a receiver that is not told the end", strings.Replace(hook, "HOOK", "HOOK, send_resolved: false", 1),
			[]dispatch.Alert{alert(1, "A", 0, 100), alert(2, "A r=2", 0, 400), alert(3, "A", 700, 0)}, 1000,
			[]string{"30s hook new 1,2", "12m10s hook new 3"},
		},
		{
			"no group wait", strings.Replace(hook, "30s", "0s", 1),
			[]dispatch.Alert{alert(1, "A", 7, 8), alert(2, "A r=2", 7, 0)}, 400,
			[]string{"7s hook new 1,2", "5m7s hook changed 2 /1"},
		},
		{
			"all labels, or none", `
route:
  receiver: hook
  group_wait: 10s
  routes:
    - {matchers: [team="x"], group_by: ['...']}
    - {matchers: [team="y"]}
receivers: [{name: hook, url_env: HOOK}]
`,
			[]dispatch.Alert{alert(1, "A team=x r=1", 0, 0), alert(2, "A team=x r=2", 1, 0), alert(3, "A team=y", 2, 0), alert(4, "B team=y", 3, 0)}, 100,
			[]string{"10s hook new 1", "11s hook new 2", "12s hook new 3,4"},
		},
		{
			"several receivers and routes; nobody is told by a receiver without a channel", `
route:
  receivers: [hook, nobody, mail]
  group_wait: 10s
  routes:
    - {matchers: [severity="critical"], receiver: pager, continue: true}
    - {matchers: [team="x"], receiver: hook}
receivers: [{name: hook, url_env: HOOK}, {name: mail, url_env: MAIL}, {name: pager, pagerduty_configs: [{}]}, {name: nobody}]
`,
			[]dispatch.Alert{alert(1, "A severity=critical team=x", 0, 0), alert(2, "B severity=critical", 5, 0), alert(3, "C", 5, 0)}, 100,
			[]string{"10s pager new 1,2", "10s hook new 1", "15s hook new 3", "15s mail new 3"},
		},
		{
			"silenced at the beginning, and at the end", hook + `
silences:
  - {matchers: [alertname="A"], starts_at: 1970-01-01T00:00:00Z, ends_at: 1970-01-01T00:10:00Z}
  - {matchers: [alertname="B"], starts_at: 1970-01-01T00:01:00Z, ends_at: 1970-01-01T00:50:00Z}
`,
			[]dispatch.Alert{alert(1, "A", 0, 0), alert(2, "B", 0, 100), alert(3, "B", 3000, 0)}, 4000,
			// A is told at the first time after the silence. The end of B is not told,
			// and that it fires again is no news: the receiver thinks it never stopped.
			[]string{"30s hook new 2", "10m30s hook new 1", "1h0m30s hook repeat 3"},
		},
		{
			"inhibited while the source fires", hook + `
inhibit_rules: [{source_matchers: [alertname="Down"], target_matchers: [alertname="Slow"], equal: [r]}]
`,
			[]dispatch.Alert{alert(1, "Down r=1", 0, 350), alert(2, "Slow r=1", 0, 0), alert(3, "Slow r=2", 0, 0)}, 1000,
			[]string{"30s hook new 1", "30s hook new 3", "10m30s hook resolved  /1", "10m30s hook changed 2,3"},
		},
		{
			"muted by time", `
route:
  receiver: hook
  group_wait: 30s
  group_interval: 5m
  routes: [{matchers: [a="1"], mute_time_intervals: [early]}, {matchers: [a="2"], active_time_intervals: [early]}]
receivers: [{name: hook, url_env: HOOK}]
time_intervals: [{name: early, time_intervals: [{times: [{start_time: "00:00", end_time: "00:06"}]}]}]
`,
			[]dispatch.Alert{alert(1, "A a=1", 0, 0), alert(2, "B a=2", 0, 340)}, 1000,
			// The end of B falls into muted time.
			[]string{"30s hook new 2", "10m30s hook new 1"},
		},
		{
			"escalates, each alert by itself, and tells the end", escalating,
			[]dispatch.Alert{alert(1, "A", 0, 2000), alert(2, "A r=2", 600, 1000), alert(3, "A r=3", 700, 2500)}, 4000,
			[]string{
				"30s hook new 1", "10m30s hook changed 1,2", "15m0s lead escalation 1", "15m30s hook changed 1,2,3",
				"20m30s hook changed 1,3 /2",
				"30m0s boss escalation 1",    // of 3 lead learns at the next time of the group: 700 s + 15 min is 26m40s
				"30m30s lead escalation 1,3", // here
				"35m30s hook changed 3 /1",   // 2000 s is 33m20s
				"35m30s lead changed 3 /1",   //
				"35m30s boss resolved  /1",   //
				"45m30s hook resolved  /3",   // 2500 s is 41m40s, which is not told at 40m30s
				"45m30s lead resolved  /3",   // 3 did not fire for half an hour
			},
		},
		{
			"what is quiet does not escalate, and begins anew", escalating + `
silences: [{matchers: [alertname="A"], starts_at: 1970-01-01T00:10:00Z, ends_at: 1970-01-01T00:12:00Z}]
`,
			[]dispatch.Alert{alert(1, "A", 0, 0)}, 2000,
			[]string{"30s hook new 1", "27m0s lead escalation 1"},
		},
		{
			"a step shorter than the group wait waits for it", strings.Replace(escalating, "15m", "10s", 1),
			[]dispatch.Alert{alert(1, "A", 0, 0)}, 1000,
			[]string{"30s hook new 1", "30s lead escalation 1"},
		},
		{
			"a step is repeated", strings.Replace(escalating, "4h", "20m", 1),
			[]dispatch.Alert{alert(1, "A", 0, 0)}, 2500,
			[]string{"30s hook new 1", "15m0s lead escalation 1", "20m30s hook repeat 1", "30m0s boss escalation 1", "35m30s lead repeat 1", "40m30s hook repeat 1"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := lines(dispatch.Simulate(routes(t, tc.routes), tc.alerts, 0, tc.end*1000).Notifications)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

const escalating = `
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  escalation: [{after: 15m, receiver: lead}, {after: 30m, receivers: [boss, hook]}]
receivers: [{name: hook, url_env: HOOK}, {name: lead, url_env: LEAD}, {name: boss, url_env: BOSS}]
`

func TestPlan(t *testing.T) {
	c := routes(t, escalating+`
inhibit_rules:
  - {source_matchers: [alertname="Down"], target_matchers: ['alertname=~"Down|Slow"'], equal: [r]}
silences:
  - {matchers: [r="2"], starts_at: 1970-01-01T00:01:40Z, ends_at: 1970-01-01T00:03:20Z, comment: works}
  - {matchers: [r="2"], starts_at: 1970-01-01T00:02:40Z, ends_at: 1970-01-01T00:05:00Z}
`)
	alerts := []dispatch.Alert{
		alert(1, "Down r=1", 100, 200), alert(2, "Down r=1 x=y", 150, 300), alert(3, "Slow r=1", 50, 0),
		alert(4, "Slow r=2", 0, 250), alert(5, "Down", 0, 0), alert(6, "Slow", 1100, 0), alert(7, "Late", 3000, 0),
	}
	plan := dispatch.Simulate(c, alerts, 0, 2000*1000)
	want := []dispatch.Suppression{
		{ID: 3, From: 100_000, To: 300_000, Why: dispatch.Inhibited, By: `Down{r="1"}`},
		{ID: 4, From: 100_000, To: 250_000, Why: dispatch.Silenced, By: "works"},
		{ID: 6, From: 1_100_000, Why: dispatch.Inhibited, By: "Down"}, // without r on either side
	}
	if d := cmp.Diff(want, plan.Suppressed); d != "" {
		t.Error(d)
	}
	// 1 and 2 were over by the second time of their group, 6 is never audible, and
	// 7 is later.
	told := map[int][]string{3: {"hook", "lead"}, 4: {"hook"}, 5: {"hook", "lead", "boss"}}
	if d := cmp.Diff(told, plan.Receivers); d != "" {
		t.Error(d)
	}
	first := plan.Notifications[0]
	if first.GroupKey != `{}:{alertname="Down"}` || !cmp.Equal(first.GroupLabels, map[string]string{"alertname": "Down"}) {
		t.Errorf("%+v", first)
	}
	if !slices.IsSortedFunc(plan.Notifications, func(a, b dispatch.Notification) int { return int(a.At - b.At) }) {
		t.Error("not by time")
	}
}

// An alert from before the start counts from there; one that was over is left out.
func TestStart(t *testing.T) {
	got := lines(dispatch.Simulate(routes(t, hook), []dispatch.Alert{alert(1, "A", 0, 0), alert(2, "B", 0, 900)}, 1000_000, 1400_000).Notifications)
	if d := cmp.Diff([]string{"17m10s hook new 1"}, got); d != "" {
		t.Error(d)
	}
}

// The fingerprint is the one that Alertmanager's interface shows: FNV-1a of the
// sorted names and values, each followed by 0xff.
func TestFingerprint(t *testing.T) {
	h := uint64(14695981039346656037)
	for _, b := range []byte("alertname\xffA\xffr\xff1\xff") {
		h = (h ^ uint64(b)) * 1099511628211
	}
	if got := dispatch.Fingerprint(map[string]string{"r": "1", "alertname": "A"}); got != fmt.Sprintf("%016x", h) {
		t.Errorf("%s, want %016x", got, h)
	}
}

// The table of the guide (docs/routes.md).
func TestGuide(t *testing.T) {
	data, err := os.ReadFile("../../../docs/routes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```yaml\n")
	text, _, _ := strings.Cut(rest, "```")
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	a := alert(1, "high_latency service=search severity=critical", noon.Unix(), noon.Add(20*time.Minute).Unix())
	var got []string
	for _, n := range dispatch.Simulate(routes(t, text), []dispatch.Alert{a}, 0, noon.Add(24*time.Hour).UnixMilli()).Notifications {
		row := fmt.Sprintf("| %s | %s | %s |", time.UnixMilli(n.At).UTC().Format(time.TimeOnly), n.Receiver, n.Reason)
		if last := len(got) - 1; last >= 0 && strings.HasPrefix(got[last], row[:11]) {
			got[last] = strings.Replace(got[last], " | "+string(n.Reason), ", "+n.Receiver+" | "+string(n.Reason), 1)
		} else {
			got = append(got, row)
		}
	}
	if table := strings.Join(got, "\n"); !strings.Contains(string(data), table) || len(got) != 3 {
		t.Errorf("the guide does not have\n%s", table)
	}
}
