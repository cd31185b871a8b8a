package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmops/analysis/alerting/dispatch"
)

// cron runs Due at times in seconds and keeps the history as a program would.
func cron(t testing.TB, config string, alerts []dispatch.Alert, times ...int64) []string {
	t.Helper()
	c := routes(t, config)
	history := dispatch.History{}
	out := []string{}
	for _, at := range times {
		due, ended := dispatch.Due(c, alerts, at*1000, history)
		for _, n := range due {
			out = append(out, line(n))
			history[dispatch.Key{GroupKey: n.GroupKey, Receiver: n.Receiver}] = n.Sent
		}
		for _, key := range ended {
			out = append(out, fmt.Sprintf("%ds %s ended", at, key.Receiver))
			delete(history, key)
		}
	}
	return out
}

func TestDue(t *testing.T) {
	for _, tc := range []struct {
		name, routes string
		alerts       []dispatch.Alert
		times        []int64
		want         []string
	}{
		{
			"new at once, repeated, resolved", hook,
			[]dispatch.Alert{alert(1, "A", 100, 4000)}, []int64{0, 100, 160, 3600, 3700, 3760, 4000, 4100, 9000},
			// 3700 is an hour after 100; the end waits for the group interval.
			[]string{"1m40s hook new 1", "1h1m40s hook repeat 1", "1h6m40s hook resolved  /1"},
		},
		{
			"changes wait for the group interval", hook,
			[]dispatch.Alert{alert(1, "A", 0, 250), alert(2, "A r=2", 50, 0), alert(3, "B", 60, 0)}, []int64{0, 60, 299, 300, 400},
			[]string{"0s hook new 1", "1m0s hook new 3", "5m0s hook changed 2 /1"},
		},
		{
			"fired and resolved between two runs", hook,
			[]dispatch.Alert{alert(1, "A", 10, 20)}, []int64{0, 60, 400},
			[]string{},
		},
		{
			"fires again after the end was told", hook,
			[]dispatch.Alert{alert(1, "A", 0, 400), alert(2, "A", 420, 0)}, []int64{0, 410, 430, 5000},
			[]string{"0s hook new 1", "6m50s hook resolved  /1", "7m10s hook new 2", "1h23m20s hook repeat 2"},
		},
		{
			"not told the end", strings.Replace(hook, "HOOK", "HOOK, send_resolved: false", 1),
			[]dispatch.Alert{alert(1, "A", 0, 400), alert(2, "A", 500, 0)}, []int64{0, 410, 510},
			[]string{"0s hook new 1", "410s hook ended", "8m30s hook new 2"},
		},
		{
			"silenced", hook + `
silences: [{matchers: [alertname="A"], starts_at: 1970-01-01T00:00:00Z, ends_at: 1970-01-01T00:10:00Z}]
`,
			[]dispatch.Alert{alert(1, "A", 0, 0)}, []int64{0, 599, 600},
			[]string{"10m0s hook new 1"},
		},
		{
			"silenced after it was told, and over within the silence", hook + `
silences: [{matchers: [alertname="A"], starts_at: 1970-01-01T00:01:00Z, ends_at: 1970-01-01T00:30:00Z}]
`,
			[]dispatch.Alert{alert(1, "A", 0, 600)}, []int64{0, 500, 700, 1800},
			[]string{"0s hook new 1", "30m0s hook resolved  /1"}, // the history remembers
		},
		{
			"escalates", escalating,
			[]dispatch.Alert{alert(1, "A", 0, 2500), alert(2, "A r=2", 500, 0)}, []int64{0, 899, 900, 1000, 1500, 1800, 2600},
			[]string{"0s hook new 1", "14m59s hook changed 1,2", "15m0s lead escalation 1", "25m0s lead escalation 1,2", "30m0s boss escalation 1", "43m20s hook changed 2 /1", "43m20s lead changed 2 /1", "43m20s boss escalation 2 /1"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, cron(t, tc.routes, tc.alerts, tc.times...)); d != "" {
				t.Error(d)
			}
		})
	}
}

// An alert of the history that is in none of the metrics any more is resolved;
// one that fires in another group since the routes were changed is not.
func TestDueOfOrphans(t *testing.T) {
	c := routes(t, hook)
	gone, moved := alert(1, `Gone`, 0, 0), alert(2, "Moved", 0, 0)
	history := dispatch.History{
		{GroupKey: `{}/{x=~"}:{.*"}:{alertname="Gone", path="a}:{b"}`, Receiver: "hook"}: {At: 0, Firing: []string{dispatch.Fingerprint(gone.Labels)}},
		{GroupKey: `{}:{}`, Receiver: "hook"}:                                            {At: 0, Firing: []string{dispatch.Fingerprint(moved.Labels)}},
		{GroupKey: `{}:{alertname="Other"}`, Receiver: "removed"}:                        {At: 0, Firing: []string{"0123456789abcdef"}},
		{GroupKey: `{}:{alertname="Done"}`, Receiver: "hook"}:                            {At: 0},
	}
	due, ended := dispatch.Due(c, []dispatch.Alert{moved}, 1000_000, history)
	if d := cmp.Diff([]string{"16m40s hook new 2", "16m40s hook resolved"}, lines(due)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"alertname": "Gone", "path": "a}:{b"}, due[1].GroupLabels); d != "" {
		t.Error(d)
	}
	want := []dispatch.Key{{GroupKey: `{}:{alertname="Other"}`, Receiver: "removed"}, {GroupKey: `{}:{}`, Receiver: "hook"}}
	if d := cmp.Diff(want, ended); d != "" {
		t.Error(d)
	}
}

// Told once, nothing is due a moment later; and after all alerts are over and
// silences too, every receiver that was told of a firing one is told of the end.
func TestDueSettles(t *testing.T) {
	for seed := range 40 {
		c, alerts := random(t, rand.New(rand.NewPCG(uint64(seed), 8)))
		for i := range alerts {
			if alerts[i].To == 0 {
				alerts[i].To = 5000_000
			}
		}
		history := dispatch.History{}
		run := func(at int64) int {
			due, ended := dispatch.Due(c, alerts, at, history)
			for _, n := range due {
				history[dispatch.Key{GroupKey: n.GroupKey, Receiver: n.Receiver}] = n.Sent
			}
			for _, key := range ended {
				delete(history, key)
			}
			return len(due) + len(ended)
		}
		for at := int64(0); at < 5000_000; at += 60_000 {
			run(at)
			if n := run(at); n > 0 {
				t.Fatalf("seed %d: %d are due again at once", seed, n)
			}
		}
		run(90_000_000)
		for key, sent := range history {
			// A route that is active only at times never tells the end outside of them.
			if len(sent.Firing) > 0 && !strings.Contains(key.GroupKey, "}/{") {
				t.Fatalf("seed %d: %v is left at %v", seed, key, sent)
			}
		}
	}
}

// A history that another clock wrote, or newer samples, does not keep a receiver from
// being told what changed, nor for ever from being told again.
func TestDueHistoryFromAhead(t *testing.T) {
	c := routes(t, hook)
	a, b := alert(1, "A", 100, 0), alert(2, "A r=2", 5000, 0)
	first, _ := dispatch.Due(c, []dispatch.Alert{a}, 200_000, dispatch.History{})
	key := dispatch.Key{GroupKey: first[0].GroupKey, Receiver: first[0].Receiver}
	ahead := dispatch.History{key: {At: 90 * 86400_000, Firing: first[0].Sent.Firing}}
	for _, tc := range []struct {
		name   string
		alerts []dispatch.Alert
		want   string
	}{
		{"changed", []dispatch.Alert{a, b}, "2h46m40s hook changed 1,2"},
		{"resolved", []dispatch.Alert{alert(1, "A", 100, 6000)}, "2h46m40s hook resolved  /1"},
		{"repeat", []dispatch.Alert{a}, "2h46m40s hook repeat 1"},
	} {
		due, _ := dispatch.Due(c, tc.alerts, 10_000_000, ahead)
		if len(due) != 1 || line(due[0]) != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, due, tc.want)
		}
	}
	// One that is a little ahead counts like one that is as much behind.
	near := dispatch.History{key: {At: 10_060_000, Firing: first[0].Sent.Firing}}
	if due, _ := dispatch.Due(c, []dispatch.Alert{a, b}, 10_000_000, near); len(due) != 0 {
		t.Errorf("%v", due)
	}
}

// An alert that the replay has no more is told of as over, also while others of its
// group fire.
func TestDueGoneBesideOthers(t *testing.T) {
	c := routes(t, hook)
	both := []dispatch.Alert{alert(1, "A", 100, 0), alert(2, "A r=2", 100, 0)}
	first, _ := dispatch.Due(c, both, 200_000, dispatch.History{})
	if len(first) != 1 || len(first[0].Sent.Firing) != 2 {
		t.Fatal(first)
	}
	known := dispatch.History{{GroupKey: first[0].GroupKey, Receiver: "hook"}: first[0].Sent}
	due, _ := dispatch.Due(c, both[1:], 1000_000, known)
	if len(due) != 1 || line(due[0]) != "16m40s hook changed 2" || len(due[0].Sent.Firing) != 1 {
		t.Errorf("%v", due)
	}
	// Of what is gone nothing is said while the rest is only silenced: "no alert of this
	// group fires any longer" would be wrong.
	c = routes(t, hook+"silences: [{matchers: [r=\"2\"], starts_at: 1970-01-01T00:00:00Z, ends_at: 1970-01-01T01:00:00Z}]\n")
	if due, ended := dispatch.Due(c, both[1:], 1000_000, known); len(due)+len(ended) != 0 {
		t.Errorf("%v %v", due, ended)
	}
}
