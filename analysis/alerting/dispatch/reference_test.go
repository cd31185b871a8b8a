package dispatch_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"llmops/analysis/alerting/dispatch"
	"llmops/rules/alert/routing"
)

// reference simulates second by second and looks at everything each time. It has
// the rules in common with Simulate, and nothing else: no queue, no spans.
func reference(c routing.Config, alerts []dispatch.Alert, end int64) []string {
	type sent struct {
		at               int64
		firing, resolved []string
	}
	type group struct {
		route  *routing.Route
		order  int
		key    string
		next   int64
		begun  bool
		latest map[string]dispatch.Alert
		seen   map[string]int64 // the beginning of the alert that was seen
	}
	groups, log := map[string]*group{}, map[string]sent{}
	order := map[*routing.Route]int{}
	c.Walk(func(r *routing.Route) { order[r] = len(order) })
	alerts = slices.SortedFunc(slices.Values(alerts), func(a, b dispatch.Alert) int { return cmp.Compare(a.From, b.From) })
	fires := func(a dispatch.Alert, t int64) bool { return a.From <= t && (a.To == 0 || t < a.To) }
	quiet := func(a dispatch.Alert, t int64) bool {
		for _, s := range c.Silences {
			if routing.Matches(s.Matchers, a.Labels) && s.Start.UnixMilli() <= t && t < s.End.UnixMilli() {
				return true
			}
		}
		for _, rule := range c.Inhibit {
			if !routing.Matches(rule.Target, a.Labels) {
				continue
			}
			for _, source := range alerts {
				equal := !slices.ContainsFunc(rule.Equal, func(l string) bool { return source.Labels[l] != a.Labels[l] })
				both := routing.Matches(rule.Source, a.Labels) && routing.Matches(rule.Target, source.Labels)
				if fires(source, t) && routing.Matches(rule.Source, source.Labels) && equal && !both {
					return true
				}
			}
		}
		return false
	}
	mute := func(r *routing.Route, t int64) bool { return c.MutedBy(r, time.UnixMilli(t)) != "" }
	clock := map[string]int64{} // since when an alert is audible without a break, by route and ID
	reached := map[string]int64{}
	var out []string
	for t := int64(0); t <= end; t += 1000 {
		for _, a := range alerts {
			for _, r := range c.Match(a.Labels) {
				id := fmt.Sprint(order[r], " ", a.ID)
				switch since, ok := clock[id]; {
				case !fires(a, t) || quiet(a, t) || mute(r, t):
					delete(clock, id)
				case !ok:
					clock[id] = t
				default:
					for _, step := range r.Escalation {
						by := fmt.Sprint(id, " ", step.After)
						if _, ok := reached[by]; !ok && t-since >= step.After.Milliseconds() {
							reached[by] = t
						}
					}
				}
				if a.From != t {
					continue
				}
				var by []string
				for name, value := range a.Labels {
					if r.GroupByAll || slices.Contains(r.GroupBy, name) {
						by = append(by, fmt.Sprintf("%s=%q", name, value))
					}
				}
				slices.Sort(by)
				key := r.Key + ":{" + strings.Join(by, ", ") + "}"
				gid := fmt.Sprint(order[r], key)
				if groups[gid] == nil {
					groups[gid] = &group{route: r, order: order[r], key: key, next: t + r.GroupWait.Milliseconds(), latest: map[string]dispatch.Alert{}, seen: map[string]int64{}}
				}
				groups[gid].latest[fmt.Sprint(a.Labels)] = a
			}
		}
		now := make([]*group, 0, len(groups))
		for _, g := range groups {
			now = append(now, g)
		}
		slices.SortFunc(now, func(a, b *group) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.key, b.key)) })
		for _, g := range now {
			tick := g.next == t
			if tick {
				for print, a := range g.latest {
					g.seen[print] = a.From
				}
				g.begun = true
			}
			tell := func(name string, step *routing.Escalation, always bool) {
				receiver, _ := c.Receiver(name)
				last, known := log[g.key+name]
				if !always && known && len(last.firing) > 0 || !receiver.Sends() || mute(g.route, t) {
					return
				}
				var firing, resolved []string
				var idsFiring, idsResolved []int
				just := false
				for print, a := range g.latest {
					since, seen := g.seen[print]
					if quiet(a, t) {
						continue
					}
					if step != nil {
						at, ok := reached[fmt.Sprint(g.order, " ", a.ID, " ", step.After)]
						if !ok || !seen || since != a.From {
							continue
						}
						just = just || at == t
					}
					if fires(a, t) {
						firing, idsFiring = append(firing, print), append(idsFiring, a.ID)
					} else {
						resolved, idsResolved = append(resolved, print), append(idsResolved, a.ID)
					}
				}
				if len(firing)+len(resolved) == 0 || !always && !just {
					return
				}
				slices.Sort(idsFiring)
				slices.Sort(idsResolved)
				within := func(a, b []string) bool {
					return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
				}
				keep := min(2*g.route.RepeatInterval, 120*time.Hour).Milliseconds()
				known = known && t < last.at+keep
				reason := ""
				switch {
				case !known && len(firing) > 0, known && !within(firing, last.firing):
					reason = "changed"
					if step != nil {
						reason = "escalation"
					} else if !known || len(last.firing) == 0 {
						reason = "new"
					}
				case !known:
				case len(firing) == 0:
					if len(last.firing) > 0 {
						reason = "resolved"
					}
				case receiver.SendResolved && !within(resolved, last.resolved):
					reason = "changed"
				case t-last.at >= g.route.RepeatInterval.Milliseconds():
					reason = "repeat"
				}
				if reason == "" {
					return
				}
				log[g.key+name] = sent{t, firing, resolved}
				if !receiver.SendResolved {
					idsResolved = nil
				}
				if len(firing) > 0 || receiver.SendResolved {
					out = append(out, line(dispatch.Notification{At: t, Receiver: name, Firing: idsFiring, Resolved: idsResolved, Reason: dispatch.Reason(reason)}))
				}
			}
			if tick {
				for _, name := range g.route.Receivers {
					tell(name, nil, true)
				}
			}
			for _, step := range g.route.Escalation {
				for _, name := range step.Receivers {
					if g.begun {
						tell(name, &step, tick)
					}
				}
			}
			if tick {
				for print, a := range g.latest {
					if !fires(a, t) {
						delete(g.latest, print)
						delete(g.seen, print)
					}
				}
				g.next = t + g.route.GroupInterval.Milliseconds()
				if len(g.latest) == 0 {
					delete(groups, fmt.Sprint(g.order, g.key))
				}
			}
		}
	}
	return out
}

// random draws a configuration and alerts of some minutes.
func random(t testing.TB, rnd *rand.Rand) (routing.Config, []dispatch.Alert) {
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	settings := func() string {
		return fmt.Sprintf("group_by: %s, group_wait: %s, group_interval: %s, repeat_interval: %s, escalation: %s",
			pick("[alertname]", "[]", "['...']", "[alertname, r]"), pick("0s", "5s", "17s"), pick("10s", "60s", "45s"), pick("30s", "2m", "1h", "100s"),
			pick("[]", "[]", "[{after: 3s, receiver: c}]", "[{after: 40s, receivers: [b, c]}, {after: 90s, receiver: d}]"))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "route:\n  {receivers: %s, %s, routes: [\n", pick("[a]", "[a, b]", "[none]"), settings())
	for range rnd.IntN(3) {
		fmt.Fprintf(&b, "    {matchers: ['%s'], continue: %t, receivers: %s, %s, %s},\n", pick(`r="1"`, `r=~"1|2"`, `alertname!="A"`), rnd.IntN(2) == 0, pick("[a]", "[d, a]"), settings(),
			pick("mute_time_intervals: [x]", "active_time_intervals: [x, y]", "mute_time_intervals: []"))
	}
	b.WriteString("  ]}\n")
	if rnd.IntN(2) == 0 {
		fmt.Fprintf(&b, "inhibit_rules: [{source_matchers: ['%s'], target_matchers: ['%s'], equal: %s}, {source_matchers: [r=\"2\"], target_matchers: [r=~\".+\"]}]\n", pick(`alertname="A"`, `r=~"1|2"`), pick(`alertname="B"`, `alertname=~"A|B"`), pick("[]", "[r]"))
	}
	if rnd.IntN(2) == 0 {
		fmt.Fprintf(&b, "silences: [{matchers: ['%s'], starts_at: 1970-01-01T00:0%d:%02dZ, ends_at: 1970-01-01T00:1%d:00Z}]\n", pick(`alertname="A"`, `r="1"`, `alertname!~"A|"`), rnd.IntN(9), rnd.IntN(60), rnd.IntN(9))
	}
	b.WriteString(`
receivers: [{name: a, url_env: A}, {name: b, url_env: B, send_resolved: false}, {name: c, url_env: C}, {name: d, url_env: D}, {name: none}]
time_intervals:
  - {name: x, time_intervals: [{times: [{start_time: "00:03", end_time: "00:05"}, {start_time: "00:11", end_time: "00:20"}]}]}
  - {name: y, time_intervals: [{times: [{start_time: "00:00", end_time: "00:01"}]}]}
`)
	var alerts []dispatch.Alert
	for _, name := range []string{"A", "A r=1", "A r=2", "B", "B r=1", "B r=2 x=y"} {
		at := rnd.Int64N(200)
		for at < 900 && rnd.IntN(5) > 0 {
			lasts := 1 + rnd.Int64N(1+rnd.Int64N(300))
			a := alert(len(alerts)+1, name, at, at+lasts)
			if rnd.IntN(6) == 0 {
				a.To, lasts = 0, 10_000
			}
			alerts = append(alerts, a)
			at += lasts + rnd.Int64N(100)
		}
	}
	slices.SortStableFunc(alerts, func(a, b dispatch.Alert) int { return cmp.Compare(a.From, b.From) })
	for i := range alerts {
		alerts[i].ID = i + 1
	}
	return routes(t, b.String()), alerts
}

func TestSimulateAgreesWithTheReference(t *testing.T) {
	n := 200
	if testing.Short() {
		n = 30
	}
	told, reasons := 0, map[dispatch.Reason]int{}
	for seed := range n {
		rnd := rand.New(rand.NewPCG(uint64(seed), 6))
		c, alerts := random(t, rnd)
		plan := dispatch.Simulate(c, alerts, 0, 1500_000)
		got := lines(plan.Notifications)
		if d := gocmp.Diff(append([]string{}, reference(c, alerts, 1500_000)...), got); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
		told += len(got)
		for _, n := range plan.Notifications {
			reasons[n.Reason]++
		}
	}
	t.Logf("%d notifications: %v", told, reasons)
}
